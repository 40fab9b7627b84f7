"""`meshline check --old` on a big folder, as a process of its own, imports included.

    python -m benchmarks.check_speed [--contracts 1000] [--versions 10]

Prints seconds beside the limits: one changed file against 1,000 contracts with 10 versions each,
the same folder twice with one file changed in it, and a hundred changed files, each compared with
ten versions of its contract, no two of which say the same.

Measured on two cores that others used too, 300 contracts with 10 versions: a hundred changed took
26 s when ruamel read every file; 12 s since plain files are scanned by meshline.core.yaml_quick;
7 s with two processes, 8 s among 1,000 contracts. One changed file took 0.3 s. Then the texts of
patterns were made once only, and a version's step is asked of the prover alone: what was 33 s
while others kept both cores busy is 8 s.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "meshline/pilot/contracts/billing/billing.refund.completed/1.2.0.yaml"
ONE_LIMIT_S = 1.0
FOLDER_LIMIT_S = 2.0
HUNDRED_LIMIT_S = 10.0
MEMO = "failure_code: {type: string, maxLength: 64}"


def main() -> int:
    """Build the folders, run the checks, print the figures; 1 if a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=1000)
    parser.add_argument("--versions", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        old, new = Path(made) / "old", Path(made) / "new"
        for folder in (old, new):
            build(folder, chosen.contracts, chosen.versions)
        one = changed(new, 0, chosen.versions)
        kept = [
            judged("one changed file", [str(old), str(one)], ONE_LIMIT_S),
            judged("one changed in the whole folder", [str(old), str(new)], FOLDER_LIMIT_S),
        ]
        for number in range(1, min(100, chosen.contracts)):
            changed(new, number, chosen.versions)
        kept.append(judged("a hundred changed", [str(old), str(new)], HUNDRED_LIMIT_S))
    return 0 if all(kept) else 1


def build(folder: Path, contracts: int, versions: int) -> None:
    """Write the folder: every contract as long as the pilot's refund, or longer."""
    text = SAMPLE.read_text("utf-8")
    for number in range(contracts):
        name = f"domain{number % 20}.event{number:04}.completed"
        path = folder / f"domain{number % 20}" / name
        path.mkdir(parents=True)
        own = text.replace("billing.refund.completed", name)
        for minor in range(versions):
            (path / f"1.{minor}.0.yaml").write_text(_grown(_numbered(own, minor), minor), "utf-8")


def changed(folder: Path, number: int, versions: int) -> Path:
    """Add the next version to one contract: one optional property more."""
    name = f"domain{number % 20}.event{number:04}.completed"
    path = folder / f"domain{number % 20}" / name
    text = (path / f"1.{versions - 1}.0.yaml").read_text("utf-8")
    text = _numbered(text, versions, before=versions - 1).replace(
        "mode: full_transitive", "mode: backward_transitive"
    )
    file = path / f"1.{versions}.0.yaml"
    file.write_text(text.replace(MEMO, f"{MEMO}\n          memo: {{type: string}}"), "utf-8")
    return file


def judged(what: str, paths: list[str], limit_s: float) -> bool:
    """Run one check and print how long it took; whether it kept its limit."""
    command = [sys.executable, "-m", "meshline.cli", "check", "--old", *paths]
    started = perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    seconds = perf_counter() - started
    last = (done.stdout.strip().splitlines() or [done.stderr[-200:]])[-1]
    kept = seconds <= limit_s and done.returncode == 0
    verdict = "kept" if kept else "NOT KEPT"
    print(f"{what:34} {seconds:6.2f} s  limit {limit_s:4.1f} s  {verdict}  ({last})")  # noqa: T201
    return kept


def _grown(text: str, minor: int) -> str:
    """One optional property more in each version."""
    assert MEMO in text  # noqa: S101 the sample has it
    notes = "".join(f"\n          note{one}: {{type: string}}" for one in range(minor))
    return text.replace(MEMO, f"{MEMO}{notes}")


def _numbered(text: str, minor: int, before: int = 2) -> str:
    return text.replace(f"\nversion: 1.{before}.0", f"\nversion: 1.{minor}.0", 1).replace(
        "supersedes: 1.1.0", "supersedes: null"
    )


if __name__ == "__main__":
    sys.exit(main())
