"""How long the catalogue and a contract's page take with 1,000 contracts of 10 versions.

    python -m benchmarks.catalogue [--rounds 40]

Needs a running demo (`make demo`) or DATABASE_URL. All rows are made in one transaction that
is rolled back at the end. Prints the 95th percentile of each page beside the limit of 200 ms at the
server, and beside the same pages over the contracts that were there before.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

LIMIT_MS = 200.0
CONTRACTS, VERSIONS = 1_000, 10
TEMPLATE = Path("meshline/pilot/contracts/billing/billing.refund.completed/1.2.0.yaml")
PAGES = {
    "catalogue": "/contracts/",
    "filtered": "/contracts/?risk=critical&status=active",
    "by health": "/contracts/?health=silent",
    "search by name": "/contracts/?q=made.c0500",
    "search by field": "/contracts/?q=failure_code",
    "contract": "/contracts/made.c0500/",
    "side by side": "/contracts/made.c0500/compare/?from=1.3.0&to=1.9.0",
}


def main() -> int:
    """Measure and print; returns 1 if a page misses the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")
    import django

    django.setup()
    from django.contrib.auth.models import Group, User
    from django.db import connection, transaction
    from django.test import Client

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        user = User.objects.create_user("benchmark-reader")
        user.groups.add(Group.objects.get(name="manager"))
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        before = _measured(client, {"catalogue": PAGES["catalogue"]}, rounds)["catalogue"]
        _make()
        after = _measured(client, PAGES, rounds)
        transaction.set_rollback(True)
    for name, (middle, ms) in {"before": before, **after}.items():
        sys.stdout.write(
            f"{name:<16} p50 {middle:6.1f} ms   p95 {ms:6.1f} ms   "
            f"{ms / LIMIT_MS:.2f} of {LIMIT_MS:.0f} ms\n"
        )
    return int(max(ms for _, ms in after.values()) > LIMIT_MS)


def _measured(client: Any, pages: dict[str, str], rounds: int) -> dict[str, tuple[float, float]]:
    found = {}
    for name, address in pages.items():
        taken = []
        for _ in range(rounds + 2):
            begun = perf_counter()
            answer = client.get(address)
            taken.append((perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                sys.exit(f"{address} answered {answer.status_code}.")
        # The first request after a change reads the registry anew; it is one of many.
        found[name] = (statistics.median(taken), statistics.quantiles(taken, n=20)[18])
    return found


def _make() -> None:
    from contracts_app.models import Contract, ContractVersion, Owner, Ownership
    from meshline.core import canonical
    from meshline.core.yaml12 import load

    text = TEMPLATE.read_text()
    value: dict[str, Any] = load(text).value
    owners = [Owner.objects.create(name=f"made-{n}", title=f"Team {n}") for n in range(60)]
    contracts = Contract.objects.bulk_create(
        Contract(name=f"made.c{n:04d}", title=f"Made {n}", risk="critical", producer="billing")
        for n in range(CONTRACTS)
    )
    versions, matrix = [], []
    for number, contract in enumerate(contracts):
        matrix += [
            Ownership(contract=contract, role=role, owner=owners[(number + place) % 60])
            for place, role in enumerate(("contract", "runtime", "product"))
        ]
        for minor in range(VERSIONS):
            body = copy.copy(value) | {
                "name": contract.name, "version": f"1.{minor}.0", "lifecycle": {},
            }  # fmt: skip
            versions.append(
                ContractVersion(
                    contract=contract, version=f"1.{minor}.0", text=text, body=body,
                    state="active" if minor == VERSIONS - 1 else "deprecated",
                    digest=canonical.digest([contract.name, minor]),
                )
            )  # fmt: skip
    Ownership.objects.bulk_create(matrix, batch_size=1_000)
    ContractVersion.objects.bulk_create(versions, batch_size=500)


if __name__ == "__main__":
    sys.exit(main())
