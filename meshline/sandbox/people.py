"""The invented customers and staff of Harbour & Pine; the same seed gives the same people."""

from __future__ import annotations

import hashlib
import random
import unicodedata
from dataclasses import dataclass

STAFF = {
    "lena": "Lena Moritz",
    "tomas": "Tomás Oliveira",
    "jonas": "Jonas Keller",
    "rui": "Rui Vaz",
    "nadia": "Nadia Arslan",
    "edda": "Edda Brandt",
    "oskar": "Oskar Ruud",
}
AGENTS = {"70001": "Nadia Arslan", "70002": "Tomás Oliveira"}
CAST = (  # the people that the story speaks of by name, in its own order
    "Maja Lindqvist",
    "Oren Halabi",
    "Priya Raman",
    "Carla Nunes",
    "Ivo Petrov",
    "Amina Diallo",
    "Sofia Reis",
    "Aylin Kaya",
    "Dunja Moreau",
    "Hanne Solberg",
)
_FIRST = [
    "Ada",
    "Aino",
    "Alma",
    "Anders",
    "Anneke",
    "Anouk",
    "Arno",
    "Beatriz",
    "Bela",
    "Bruno",
    "Camille",
    "Chiara",
    "Dario",
    "Edvin",
    "Eira",
    "Elif",
    "Emre",
    "Enzo",
    "Esme",
    "Farah",
    "Filipa",
    "Finn",
    "Freya",
    "Gita",
    "Goran",
    "Greta",
    "Hamid",
    "Hilde",
    "Ilse",
    "Imre",
    "Inga",
    "Isak",
    "Jana",
    "Joris",
    "Kaja",
    "Karim",
    "Katya",
    "Leila",
    "Lior",
    "Ludo",
    "Luca",
    "Mairead",
    "Malik",
    "Marek",
    "Marta",
    "Mila",
    "Mina",
    "Nadir",
    "Nils",
    "Nora",
    "Olga",
    "Oona",
    "Paola",
    "Pavel",
    "Petra",
    "Quentin",
    "Rana",
    "Remy",
    "Rosa",
    "Ruben",
    "Saida",
    "Sami",
    "Selma",
    "Sven",
    "Tarek",
    "Tilda",
    "Tove",
    "Ugo",
    "Vera",
    "Viktor",
    "Wanda",
    "Yara",
    "Yusuf",
    "Zofia",
]
_LAST = [
    "Abadi",
    "Albers",
    "Almeida",
    "Andersen",
    "Aubert",
    "Bakker",
    "Baran",
    "Becker",
    "Bianchi",
    "Blom",
    "Bogdan",
    "Borg",
    "Brandao",
    "Cissé",
    "Costa",
    "Dahl",
    "Danel",
    "Demir",
    "Dubois",
    "Eklund",
    "Erdem",
    "Fabre",
    "Falk",
    "Ferro",
    "Fischer",
    "Gallo",
    "Garnier",
    "Haas",
    "Hakim",
    "Hansen",
    "Horvat",
    "Ilves",
    "Jansen",
    "Jovic",
    "Kahn",
    "Kallio",
    "Keskin",
    "Klein",
    "Koster",
    "Kovac",
    "Lahti",
    "Laurent",
    "Lenz",
    "Lopes",
    "Lund",
    "Maas",
    "Marin",
    "Mertens",
    "Meyer",
    "Moen",
    "Nagy",
    "Nassar",
    "Novak",
    "Okoye",
    "Olsen",
    "Ozal",
    "Pires",
    "Popov",
    "Quist",
    "Rask",
    "Ribeiro",
    "Rossi",
    "Sabri",
    "Santos",
    "Sauer",
    "Silva",
    "Sorel",
    "Stern",
    "Tamm",
    "Tesfaye",
    "Urban",
    "Vidal",
    "Visser",
    "Weiss",
    "Ziani",
]
_MAILBOXES = ("mail.example", "post.example", "inbox.example")
_CURRENCIES = ("EUR",) * 14 + ("GBP", "GBP", "GBP", "USD", "USD", "JPY")
_NAMED_AMOUNTS = {0: 21800, 1: 64250, 2: 8990}


@dataclass(frozen=True)
class Person:
    """One customer and what the vendors know of them. Units: minor units of `currency`."""

    number: int
    name: str
    email: str
    customer_id: str
    order_id: str
    charge_id: str
    subscription_id: str
    cart_token: str
    currency: str
    amount_minor: int

    def typed_email(self) -> str:
        """The address as the customer writes it: some in capitals, some with a plus-tag."""
        local, _, domain = self.email.partition("@")
        if self.number % 3 == 1:
            return f"{local.title()}@{domain.title()}"
        return f"{local}+cart@{domain}" if self.number % 3 == 2 else self.email


def person(seed: int, generation: str, number: int) -> Person:
    """Customer `number` of a generation (`g1`, `g2`, …, `t` for the trickle)."""
    lot = random.Random(f"{seed}/{generation}/{number}")  # noqa: S311 - invented people, not secrets
    name = CAST[number] if number < len(CAST) else _name(seed, number - len(CAST))
    currency = "EUR" if number < len(CAST) else lot.choice(_CURRENCIES)
    amount = _NAMED_AMOUNTS.get(number) or lot.randrange(690, 38900)
    token = hashlib.sha256(f"{seed}/{generation}/{number}/id".encode()).hexdigest()
    mark = "" if generation == "g1" else f".{generation.removeprefix('g')}"
    local = _plain(name).replace(" ", ".") + ("" if number < 2000 else f".{number}") + mark
    order = 90417 + number + _shift(generation)
    return Person(
        number=number,
        name=name,
        email=f"{local}@{_MAILBOXES[number % len(_MAILBOXES)]}",
        customer_id=f"cus_{token[:14]}",
        order_id=str(order),
        charge_id=f"ch_{token[14:38]}",
        subscription_id=f"sub_{token[38:54]}",
        cart_token=token[:32],
        currency=currency,
        amount_minor=amount // 100 * 100 if currency == "JPY" else amount,
    )


def _name(seed: int, number: int) -> str:
    """A name that no other customer of the generation has."""
    firsts, lasts = list(_FIRST), list(_LAST)
    random.Random(f"{seed}/names").shuffle(firsts)  # noqa: S311 - as above
    random.Random(f"{seed}/surnames").shuffle(lasts)  # noqa: S311 - as above
    turn, first = divmod(number, len(firsts))
    return f"{firsts[first]} {lasts[(first + turn * 7) % len(lasts)]}"


def _shift(generation: str) -> int:
    if generation == "t":
        return 800_000
    return (int(generation.removeprefix("g")) - 1) * 1000


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in text if letter.isascii()).lower()


def staff_name(to: str) -> str:
    """Who answers a page to `to`: a name, an address, or a name with an address."""
    local = to.partition("<")[2] or to
    found = STAFF.get(local.partition("@")[0].strip().lower())
    return found or to.partition("<")[0].strip() or STAFF["lena"]


def secret_text(*parts: object, length: int) -> str:
    """Hexadecimal text that the same parts always give."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]
