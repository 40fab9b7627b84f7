"""Addresses that carry filters: what a page shows is in its address, and links keep it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import QueryDict


def with_query(address: str, filters: Mapping[str, object]) -> str:
    """Return the address with the filters that are set; a list gives one part for each value."""
    query = QueryDict(mutable=True)
    for name, value in filters.items():
        several = isinstance(value, list | tuple | set | frozenset)
        values: Iterable[object] = value if several else [value]  # type: ignore[assignment]
        kept = sorted(str(one) for one in values) if several else [str(one) for one in values]
        query.setlist(name, [one for one in kept if one not in ("", "None")])
    text = query.urlencode()
    return f"{address}?{text}" if text else address


def chips(
    address: str, filters: Mapping[str, str], labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the filters in the address as chips, each with the address that leaves it out."""
    return [
        {
            "label": label,
            "value": filters[name],
            "remove_url": with_query(address, {k: v for k, v in filters.items() if k != name}),
        }
        for name, label in labels.items()
        if filters.get(name)
    ]


def tabs(
    address: str,
    filters: Mapping[str, str],
    name: str,
    options: Iterable[tuple[str, str, object]],
) -> list[dict[str, Any]]:
    """Return links that set `name` to each option (value, title, count) and keep the rest."""
    chosen = filters.get(name, "")
    return [
        {
            "title": title,
            "count": count,
            "current": chosen == value,
            "url": with_query(address, {**filters, name: value}),
        }
        for value, title, count in options
    ]
