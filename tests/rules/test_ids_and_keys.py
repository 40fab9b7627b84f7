"""Ids carry their time, keys mean the same however often they are made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from meshline.core.errors import BadValue, ClockError
from meshline.core.ids import instant_of, uuid7_at, uuid7_floor
from meshline.core.keys import MAX_CHARS, CorrelationKey, EffectKey, TicketKey

NOW = datetime(2026, 11, 23, 13, 26, 4, 123457, tzinfo=UTC)
EVENT = UUID("019ab0a4-2c1b-7c1d-8000-000000000001")


@pytest.mark.parametrize("microseconds", [0, 1, 999, 1_000, 123_457, 999_999])
def test_id_tells_its_instant_to_the_microsecond(microseconds: int) -> None:
    moment = NOW.replace(microsecond=microseconds)
    identifier = uuid7_at(moment)
    assert instant_of(identifier) == moment
    assert identifier.version == 7
    assert uuid7_floor(moment) <= identifier < uuid7_floor(moment + timedelta(microseconds=1))


def test_ids_of_one_instant_rise_and_never_repeat() -> None:
    made = [uuid7_at(NOW) for _ in range(1_000)]
    assert made == sorted(set(made))


def test_time_without_zone_makes_no_id() -> None:
    with pytest.raises(ClockError):
        uuid7_at(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(BadValue):
        instant_of(uuid4())


def test_effect_key_names_event_flow_and_step() -> None:
    key = EffectKey.of(EVENT, "refund-completion", "refund")
    assert str(key) == f"{EVENT}:refund-completion:refund"
    assert str(EffectKey.of(EVENT, "refund-completion", "refund", redo=2)) == f"{key}#2"
    assert EffectKey.parse(f"{key}#2").redo == 2


def test_effect_key_keeps_awkward_item_keys_apart() -> None:
    key = EffectKey.of(EVENT, "f", ["each", "a/b:c#1"])
    assert key.path == ("each", "a/b:c#1")
    assert key != EffectKey.of(EVENT, "f", ["each", "a", "b:c#1"])
    assert EffectKey.parse(str(key)) == key


def test_long_effect_key_is_shortened_and_stays_distinct() -> None:
    first = EffectKey.of(EVENT, "refund-completion", ["each", "x" * 200 + "1"])
    second = EffectKey.of(EVENT, "refund-completion", ["each", "x" * 200 + "2"])
    redone = EffectKey.of(EVENT, "refund-completion", ["each", "x" * 200 + "1"], redo=99_999)
    assert first != second
    assert len(str(redone)) <= MAX_CHARS
    assert str(redone) == f"{first}#99999"
    assert EffectKey.parse(str(redone)) == redone


@pytest.mark.parametrize("text", ["desk:4812", "zendesk:HD-48213"])
def test_ticket_key_reads_what_it_writes(text: str) -> None:
    assert str(TicketKey.parse(text)) == text


@pytest.mark.parametrize("text", ["4812", "desk:", ":1", "Desk:1", "desk:a b", "desk:" + "1" * 200])
def test_what_is_no_ticket_key_is_refused(text: str) -> None:
    with pytest.raises(BadValue) as refusal:
        TicketKey.parse(text)
    assert "desk:4812" in refusal.value.remedy


def test_correlation_key_fits_its_column_whatever_the_value() -> None:
    assert (
        str(CorrelationKey("billing.refund.completed", "rf_1")) == "billing.refund.completed:rf_1"
    )
    assert len(str(CorrelationKey("billing.refund.completed", "v" * 500))) <= MAX_CHARS
    with pytest.raises(BadValue):
        CorrelationKey("billing.refund.completed", "")
