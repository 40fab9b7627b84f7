"""Headers that tell a sender to move on, in the forms that their standards ask for."""

from __future__ import annotations

from datetime import UTC, date, datetime

from contracts_app.rules.deprecation import Deprecation

SINCE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_deprecation_is_a_structured_date_and_sunset_an_http_date() -> None:
    told = Deprecation(SINCE, date(2027, 3, 31), "/api/v1/contracts/a.b/versions/2.0.0").headers()

    assert told == {
        "Deprecation": "@1795521600",
        "Sunset": "Wed, 31 Mar 2027 00:00:00 GMT",
        "Link": '</api/v1/contracts/a.b/versions/2.0.0>; rel="successor-version"',
    }


def test_without_a_day_or_a_successor_only_the_deprecation_is_told() -> None:
    assert Deprecation(SINCE).headers() == {"Deprecation": "@1795521600"}
