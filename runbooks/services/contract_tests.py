"""Run a contract's tests because somebody presses the button, by permit."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.contrib.auth.models import User

from contracts_app.models import ContractTestRun, ContractVersion
from contracts_app.queries import people
from contracts_app.queries.registry import spec_of
from contracts_app.services import contract_tests
from meshline.core.errors import DocumentRefused, NotAllowed
from runbooks.rules.permit import Permit, may
from runbooks.services import refusals
from runbooks.services.refusals import About

RUN = "tests.run"


def permit_to_run(version: ContractVersion, user: User) -> Permit:
    """Whether the user may run the tests of a version, and why not."""
    try:
        named = [ref.group for ref in spec_of(version).owners.values()]
    except DocumentRefused:  # a draft that is half written names nobody yet
        named = []
    owns = people.answers_for(user, version.contract.name, named)
    return may(people.roles_of(user), RUN, owns=owns)


def run_now(*, version: ContractVersion, by: User, now: datetime) -> ContractTestRun:
    """Run every test of a version. Raises: NotAllowed; DocumentRefused."""
    contract = version.contract.name
    about = About("contract", contract, contract, version.version)
    refuse = partial(refusals.record, RUN, about, by=by, now=now)
    permit = permit_to_run(version, by)
    if not permit:
        refuse(why=permit.why)
        raise NotAllowed(permit.why, remedy=permit.remedy)
    try:
        return contract_tests.run_by_hand(version=version, by=by, now=now)
    except NotAllowed as refused:
        refuse(why=refused.message)
        raise
