"""Secrets at rest: what opens, what does not, and what an error never tells."""

from __future__ import annotations

import pytest

from meshline.core.errors import Misconfigured
from meshline.core.secretbox import Keyring, SecretUnreadable, new_key

PLACE = "contracts_app_webhooksecret:sealed:7"
SECRET = "whsec_correct horse"


def ring(*words: str) -> Keyring:
    return Keyring.parse(words)


def test_sealed_secret_opens_at_its_place_and_shows_nothing() -> None:
    keys = ring(new_key())

    sealed = keys.seal(SECRET, place=PLACE)

    assert keys.open(sealed, place=PLACE) == SECRET
    assert "whsec" not in sealed
    assert sealed != keys.seal(SECRET, place=PLACE), "the nonce is random"


def test_sealed_secret_moved_to_another_row_does_not_open() -> None:
    keys = ring(new_key())
    sealed = keys.seal(SECRET, place=PLACE)

    with pytest.raises(SecretUnreadable, match="another row"):
        keys.open(sealed, place="contracts_app_webhooksecret:sealed:8")


@pytest.mark.parametrize("position", [8, 20, -3])
def test_changed_ciphertext_does_not_open(position: int) -> None:
    keys = ring(new_key())
    sealed = keys.seal(SECRET, place=PLACE)
    other = "A" if sealed[position] != "A" else "B"
    changed = sealed[:position] + other + sealed[position:][1:]

    with pytest.raises(SecretUnreadable):
        keys.open(changed, place=PLACE)


def test_first_key_seals_and_older_keys_still_open() -> None:
    old, new = new_key("old"), new_key("new")
    sealed = ring(old).seal(SECRET, place=PLACE)
    both = ring(new, old)

    assert both.open(sealed, place=PLACE) == SECRET
    assert not both.is_current(sealed)
    assert both.is_current(both.seal(SECRET, place=PLACE))
    with pytest.raises(SecretUnreadable, match="'old'"):
        ring(new).open(sealed, place=PLACE)


def test_bare_key_opens_what_it_sealed_before_a_newer_one_came() -> None:
    bare = new_key().partition(":")[2]
    sealed = ring(bare).seal(SECRET, place=PLACE)

    assert ring(new_key("later"), bare).open(sealed, place=PLACE) == SECRET


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["k1:short"],
        ["no-colon"],
        [":" + new_key().partition(":")[2]],
        [new_key("k1"), new_key("k1")],
        ["k1:" + "!" * 44],
    ],
)
def test_bad_keys_are_refused_without_repeating_them(words: list[str]) -> None:
    with pytest.raises(Misconfigured) as refused:
        Keyring.parse(words)

    for word in words:
        assert word.partition(":")[2] not in str(refused.value) or not word.partition(":")[2]


def test_text_that_was_never_sealed_does_not_open() -> None:
    with pytest.raises(SecretUnreadable):
        ring(new_key()).open(SECRET, place=PLACE)
