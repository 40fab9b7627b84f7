"""Owners and the contact matrix: who answers for a contract, in which role."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class OwnerRole(models.TextChoices):
    """The three roles that every contract needs."""

    CONTRACT = "contract", "Contract owner"
    RUNTIME = "runtime", "Runtime owner"
    PRODUCT = "product", "Product owner"


class Owner(models.Model):
    """A person or a team that can own contracts."""

    name = models.SlugField(max_length=80, unique=True, help_text="billing-runtime")
    title = models.CharField(max_length=120, help_text="Payments runtime")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    email = models.EmailField(blank=True)
    rota = models.CharField(max_length=80, blank=True, help_text="Name of the rota that answers.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class Ownership(models.Model):
    """One cell of the contact matrix."""

    contract = models.ForeignKey(
        "contracts_app.Contract", on_delete=models.CASCADE, related_name="ownerships"
    )
    role = models.CharField(max_length=12, choices=OwnerRole.choices)
    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="ownerships")
    deputy = models.ForeignKey(
        Owner, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "role"], name="ownership_one_per_role")
        ]

    def __str__(self) -> str:
        return f"{self.contract_id}: {self.get_role_display()} {self.owner}"
