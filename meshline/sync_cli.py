"""`meshline contracts pull|push|diff`: a folder and a registry in step."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meshline.contract_sync import Entry

IN_STEP, DIFFERS, UNREADABLE = 0, 1, 2
_HELP = {
    "diff": "tell how a folder and a registry differ",
    "pull": "write what is new in the registry; never over an edit made here",
    "push": "send what is new here as drafts; never over an edit made in the registry",
}
_SIDES = {"pull": "registry", "push": "folder"}


def add_sync(verbs: Any) -> None:
    """Add the three verbs to `meshline contracts`."""
    for verb, told in _HELP.items():
        one = verbs.add_parser(
            verb,
            help=told,
            description="Exit code: 0 in step, 1 differs or to be settled, 2 unreadable or usage. "
            "The key is in MESHLINE_API_KEY.",
        )
        one.add_argument("folder", nargs="?", type=Path, default=Path("contracts"))
        one.add_argument("--registry", required=True, metavar="REGISTRY_URL")
        one.add_argument("--format", choices=("text", "json"), default="text", dest="form")
        if verb in _SIDES:
            one.add_argument("--dry-run", action="store_true", help="change nothing, only tell")
            one.add_argument(
                "--take",
                nargs=2,
                action="append",
                default=[],
                metavar=("SIDE", "NAME/VERSION"),
                help=f"settle a conflict: {_SIDES[verb]} NAME/VERSION",
            )
        if verb == "push":
            one.add_argument("--reason", default="", help="for the audit log")
            one.add_argument("--ticket", default="", help="for the audit log, like desk:4812")
        one.set_defaults(run=run_sync, verb=verb)


def run_sync(chosen: argparse.Namespace) -> tuple[int, str]:
    """Do it; return the exit code and what to print."""
    from meshline.contract_sync import Sync
    from meshline.registry_client import Registry, RegistryError
    from meshline.sync_folder import Folder, FolderError

    found: list[Entry] = []
    problem, same = "", 0
    try:
        takes = _takes(chosen)
        folder = Folder.opened(chosen.folder, chosen.registry)
        with Registry(chosen.registry, os.environ.get("MESHLINE_API_KEY", "")) as registry:
            sync = Sync(
                folder,
                registry,
                chosen.verb,
                takes=takes,
                dry_run=getattr(chosen, "dry_run", False),
                reason=getattr(chosen, "reason", ""),
                ticket=getattr(chosen, "ticket", ""),
            )
            for entry in sync.entries():  # so what was done is told if it breaks off
                found.append(entry)
            same = sync.in_step
    except (RegistryError, FolderError, ValueError) as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}."
    differs = any(one.open or chosen.verb == "diff" for one in found)
    code = UNREADABLE if problem else DIFFERS if differs else IN_STEP
    summary = problem or _summary(found, same)
    return code, _json(code, summary, found) if chosen.form == "json" else _text(summary, found)


def _takes(chosen: argparse.Namespace) -> frozenset[tuple[str, str]]:
    wanted = set()
    for side, place in getattr(chosen, "take", []):
        name, _, version = place.partition("/")
        if side != _SIDES[chosen.verb] or not version:
            raise ValueError(f"{chosen.verb} takes --take {_SIDES[chosen.verb]} NAME/VERSION only.")
        wanted.add((name, version))
    return frozenset(wanted)


def _summary(found: list[Entry], same: int) -> str:
    done, settle = sum(bool(one.done) for one in found), sum(one.open for one in found)
    parts = [f"{same} in step", f"{done} done", f"{len(found) - done} still differ"]
    told = (
        ", ".join(part for part in parts if not part.startswith("0 ")) or "nothing on either side"
    )
    return f"{told}; {settle} to be settled by you." if settle else f"{told}."


def _text(summary: str, found: list[Entry]) -> str:
    from meshline.contract_sync import plain

    lines = []
    for one in found:
        lines.append(f"{plain('/'.join(one.key))}: {one.sentence.rstrip('.')}.")
        lines += [f"    {line}" for line in one.diff]
    return "\n".join([*lines, summary])


def _json(code: int, summary: str, found: list[Entry]) -> str:
    entries = [
        {
            "name": one.key[0],
            "version": one.key[1],
            "file": one.file,
            "standing": one.standing.value,
            "done": one.done,
            "open": one.open,
            "sentence": one.sentence,
            "diff": list(one.diff),
        }
        for one in found
    ]
    told = {"exit_code": code, "summary": summary, "entries": entries}
    return json.dumps(told, indent=2, ensure_ascii=False)
