"""The inventory: flows that touch a customer, written down before they have a contract."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from contracts_app.models.contract import RiskClass
from contracts_app.rules.contract_shape import KINDS
from contracts_app.rules.inventory.entry import COLUMNS, FlowEntry, entry_of
from contracts_app.rules.inventory.risk import rule_digest


class InventoryFlow(models.Model):
    """One flow; its contract, once there is one, has the same name."""

    name = models.CharField(max_length=80, unique=True, help_text="billing.refund.completed")
    title = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=[(kind, kind.capitalize()) for kind in KINDS])
    producer = models.CharField(max_length=80, blank=True, help_text="Name of a system.")
    consumers = models.CharField(max_length=4050, blank=True, help_text="Parted by spaces.")
    owner = models.CharField(max_length=80, blank=True, help_text="Name of an owner.")
    service_level = models.CharField(max_length=40, blank=True, help_text="ISO 8601: PT15M")
    manual_fallback = models.CharField(max_length=500, blank=True)
    notes = models.TextField(blank=True)
    answers = models.JSONField(default=dict, blank=True, help_text="The questionnaire, as told.")
    risk = models.CharField(
        max_length=8, choices=RiskClass.choices, blank=True, help_text="Empty: not all answered."
    )
    risk_rule = models.CharField(
        max_length=16, blank=True, db_default="", editable=False, help_text="By which rule it is."
    )
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of every column.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(fields=["owner"], name="inventory_owner"),
            models.Index(fields=["risk_rule"], name="inventory_risk_rule"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def entry(self) -> FlowEntry:
        """What the rules read."""
        own = {column: getattr(self, column) for column in COLUMNS if hasattr(self, column)}
        return entry_of({**own, **self.answers})

    def fill(self, entry: FlowEntry) -> None:
        """Put an entry into the row."""
        cells = entry.cells()
        for column in cells.keys() & {field.name for field in self._meta.get_fields()}:
            setattr(self, column, cells[column])
        answered = {name: cells[name] for name in COLUMNS if not hasattr(self, name)}
        self.answers = {name: text for name, text in answered.items() if text}
        self.risk, self.risk_rule = entry.assessment.risk_class, rule_digest()
        self.digest = entry.digest
