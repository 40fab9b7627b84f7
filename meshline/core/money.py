"""Money in minor units: read, shown, and totalled per currency, never across currencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from meshline.core.errors import BadValue

# ISO 4217: how many digits stand after the point, where it is not two.
_CODES_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENTS = {
    code: exponent for exponent, codes in _CODES_BY_EXPONENT.items() for code in codes.split()
}
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_CODE = re.compile(r"[A-Z]{3}")


def exponent_of(currency: str) -> int:
    """Return how many decimal places a currency has: EUR 2, JPY 0, BHD 3. Raises BadValue."""
    if not _CODE.fullmatch(currency):
        raise BadValue(f"{currency!r:.20} is no currency.", remedy="Use a code such as EUR.")
    return _EXPONENTS.get(currency, 2)


def format_money(amount_minor: int, currency: str) -> str:
    """Show an amount as people read it: "€ 1,284.00", "¥ 500", "CHF 12.30", "-€ 5.00".

    Raises: BadValue if the currency is none.
    """
    exponent = exponent_of(currency)
    amount = Decimal(abs(amount_minor)).scaleb(-exponent)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{_SYMBOLS.get(currency, currency)} {amount:,.{exponent}f}"


def parse_minor(text: str | int, currency: str) -> int:
    """Return the minor units of an amount written in major ones: "218.00" EUR is 21800.

    Raises: BadValue if it is no amount, or finer than the currency's smallest coin.
    """
    try:
        amount = Decimal(text).scaleb(exponent_of(currency))
    except InvalidOperation:
        raise BadValue(f"{text!r:.40} is no amount.", remedy="Write it like 218.00.") from None
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise BadValue(
            f"{text} is finer than the smallest coin of {currency}.", remedy="Round it first."
        )
    return int(amount)


@dataclass(frozen=True)
class Totals:
    """Sums of minor units by currency, in the order of their codes."""

    by_currency: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, amounts: Iterable[tuple[int | None, str | None]]) -> Totals:
        """Sum (amount_minor, currency) pairs; pairs that lack either are left out."""
        sums: dict[str, int] = {}
        for amount, currency in amounts:
            if amount is not None and currency:
                sums[currency] = sums.get(currency, 0) + amount
        return cls(tuple(sorted(sums.items())))

    def __add__(self, other: Totals) -> Totals:
        return Totals.of((amount, code) for code, amount in (*self, *other))

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self.by_currency)

    def __bool__(self) -> bool:
        return bool(self.by_currency)

    def __str__(self) -> str:
        """Show each currency apart: "€ 1,284.00 + ¥ 500"; nothing at all is "0"."""
        return " + ".join(format_money(amount, code) for code, amount in self) or "0"
