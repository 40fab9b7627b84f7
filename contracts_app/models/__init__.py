"""Tables of the registry: contracts, owners, sources, promises, the audit log."""

from __future__ import annotations

from contracts_app.models.audit import AuditEntry
from contracts_app.models.contract import (
    Contract,
    ContractState,
    ContractVersion,
    RiskClass,
    SignOff,
)
from contracts_app.models.contract_tests import ContractTestResult, ContractTestRun, Occasion
from contracts_app.models.credentials import ApiKey, WebhookSecret
from contracts_app.models.deputation import Deputation, SignOffAsk
from contracts_app.models.document import DocumentState, VersionedDocument
from contracts_app.models.drift import DriftFinding, DriftState, DriftWatch
from contracts_app.models.golive import GateEvidence
from contracts_app.models.inventory import InventoryFlow
from contracts_app.models.oncall import Rota
from contracts_app.models.owner import Owner, OwnerRole, Ownership
from contracts_app.models.saved_view import DefaultView, SavedView
from contracts_app.models.sla import BusinessCalendar, SlaPolicy
from contracts_app.models.smoke import SmokeResult, SmokeTestRow
from contracts_app.models.source import Source
from contracts_app.models.stamp import RegistryStamp
from contracts_app.models.system import System
from contracts_app.models.temporary_tolerance import TemporaryTolerance
from contracts_app.models.verification import Deployment, Verification

__all__ = [
    "ApiKey",
    "AuditEntry",
    "BusinessCalendar",
    "Contract",
    "ContractState",
    "ContractTestResult",
    "ContractTestRun",
    "ContractVersion",
    "DefaultView",
    "Deployment",
    "Deputation",
    "DocumentState",
    "DriftFinding",
    "DriftState",
    "DriftWatch",
    "GateEvidence",
    "InventoryFlow",
    "Occasion",
    "Owner",
    "OwnerRole",
    "Ownership",
    "RegistryStamp",
    "RiskClass",
    "Rota",
    "SavedView",
    "SignOff",
    "SignOffAsk",
    "SlaPolicy",
    "SmokeResult",
    "SmokeTestRow",
    "Source",
    "System",
    "TemporaryTolerance",
    "Verification",
    "VersionedDocument",
    "WebhookSecret",
]
