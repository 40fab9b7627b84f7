"""One mark for the whole registry: it changes with whatever decides how deliveries are judged."""

from __future__ import annotations

from django.db import models


class RegistryStamp(models.Model):
    """The only row's `value` is another one after each commit that changes the registry.

    Triggers on the registry's tables write it, so that no way of changing them is forgotten. They
    wait for the commit: a transaction that changes much takes this row's lock last, and shortly.
    """

    value = models.UUIDField()

    def __str__(self) -> str:
        return str(self.value)
