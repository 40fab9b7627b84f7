"""Part: a vendor's answer read field by field, each of the type that its contract promises."""

from __future__ import annotations

from meshline.core.safejson import Json
from orchestration.connectors.base import VendorContract


class Part:
    """One object of an answer. Every reader raises VendorContract naming the path it missed."""

    def __init__(self, value: Json, path: str = "") -> None:
        if not isinstance(value, dict):
            raise VendorContract(f"{path or 'the answer'} is no object")
        self._value: dict[str, Json] = value
        self._path = path

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._value.get(name) is not None

    def raw(self, name: str) -> Json:
        """The field as it came, None if it is missing."""
        return self._value.get(name)

    def part(self, name: str) -> Part:
        """The object under `name`."""
        return Part(self._value.get(name), self._at(name))

    def maybe_part(self, name: str) -> Part:
        """The object under `name`; an empty one if it is missing or null."""
        return self.part(name) if self.has(name) else Part({}, self._at(name))

    def parts(self, name: str) -> list[Part]:
        """The list of objects under `name`."""
        found = self._value.get(name)
        if not isinstance(found, list):
            raise VendorContract(f"{self._at(name)} is no list")
        return [Part(item, f"{self._at(name)}/{index}") for index, item in enumerate(found)]

    def text(self, name: str) -> str:
        """The text under `name`; a whole number is taken as its digits (vendors' ids)."""
        found = self.maybe_text(name)
        if found is None:
            raise VendorContract(f"{self._at(name)} is missing")
        return found

    def maybe_text(self, name: str) -> str | None:
        """The text under `name`, None if it is missing, null or empty."""
        found = self._value.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        if found is not None and not isinstance(found, str):
            raise VendorContract(f"{self._at(name)} is no text")
        return found or None

    def whole(self, name: str) -> int:
        """The whole number under `name`."""
        found = self._value.get(name)
        if isinstance(found, bool) or not isinstance(found, int):
            raise VendorContract(f"{self._at(name)} is no whole number")
        return found

    def flag(self, name: str) -> bool:
        """The yes or no under `name`."""
        found = self._value.get(name)
        if not isinstance(found, bool):
            raise VendorContract(f"{self._at(name)} is neither true nor false")
        return found

    def texts(self, name: str) -> list[str]:
        """The list of texts under `name`; empty if it is missing."""
        found = self._value.get(name) or []
        if not isinstance(found, list):
            raise VendorContract(f"{self._at(name)} is no list")
        return [item for item in found if isinstance(item, str)]

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"
