"""`meshline contracts`: contracts to and from other standards' files, without a database."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meshline.core.errors import DocumentRefused, DocumentUnreadable, SchemaRefused
from meshline.core.findings import Finding, refusals
from meshline.sync_cli import add_sync

if TYPE_CHECKING:
    from meshline.core.yaml12 import Document

OK, REFUSED, UNREADABLE = 0, 1, 2
STANDARDS = ("odcs", "asyncapi", "jsonschema")
_SUFFIXES = {"odcs": "odcs.yaml", "asyncapi": "asyncapi.yaml", "jsonschema": "schema.json"}
# A foreign file may be longer than a contract: customProperties hold a whole one.
_MOST_BYTES = 512 * 1024

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_Made = tuple[str, str, list[Finding]]  # name of the file, its text, what was found


def add_contracts(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `contracts` and what it can do to the `meshline` command."""
    contracts = commands.add_parser("contracts", help="write and read contracts as other standards")
    verbs = contracts.add_subparsers(required=True, metavar="VERB")

    export = verbs.add_parser("export", help="write contracts as ODCS, AsyncAPI or JSON Schema")
    export.add_argument("files", nargs="+", type=Path, metavar="FILE")
    export.add_argument("--to", choices=STANDARDS, required=True, help="the standard to write")
    export.add_argument(
        "--dialect", choices=("draft-07", "2020-12"), help="of a JSON Schema; else as it is written"
    )
    export.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write files instead of printing"
    )
    export.set_defaults(run=_export)

    read = verbs.add_parser("import", help="read contracts out of ODCS files")
    read.add_argument("files", nargs="+", type=Path, metavar="FILE")
    read.add_argument("--out", type=Path, metavar="FOLDER", help="write files instead of printing")
    read.set_defaults(run=_import)
    add_sync(verbs)


def _export(chosen: argparse.Namespace) -> int:
    if chosen.dialect and chosen.to != "jsonschema":
        return _say("--dialect goes with --to jsonschema only.", UNREADABLE)

    def made(document: Document) -> _Made:
        return _exported(document, chosen.to, chosen.dialect or "")

    return _each(chosen.files, chosen.out, made)


def _import(chosen: argparse.Namespace) -> int:
    return _each(chosen.files, chosen.out, _imported)


def _exported(document: Document, standard: str, dialect: str) -> _Made:
    from contracts_app.rules.contract_spec import parse_contract
    from contracts_app.rules.standards.asyncapi_export import to_asyncapi
    from contracts_app.rules.standards.json_schema import to_json_schema
    from contracts_app.rules.standards.odcs_export import to_odcs
    from meshline.core import yaml_text

    spec = parse_contract(document)
    if standard == "jsonschema":
        schema = to_json_schema(spec, dialect)
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    else:
        text = yaml_text.dump(to_odcs(spec.document) if standard == "odcs" else to_asyncapi(spec))
    return f"{spec.name}-{spec.version}.{_SUFFIXES[standard]}", text, []


def _imported(document: Document) -> _Made:
    from contracts_app.rules.standards.odcs_import import import_odcs

    found = import_odcs(document)
    known = [found.document.get(key) for key in ("name", "version")]
    stem = "-".join(part for part in known if isinstance(part, str) and part)
    # The words come from somebody else's file: none may lead out of the folder.
    safe = _NOT_IN_NAMES.sub("-", stem or Path(document.name).stem).strip(".-")[:120]
    return f"{safe or 'contract'}.yaml", found.text, list(found.findings)


def _each(files: Sequence[Path], out: Path | None, make: Callable[[Document], _Made]) -> int:
    """Make a file of each; print one, or write all into a folder. Returns the worst exit code."""
    if out is None and len(files) > 1:
        return _say("Several files are written, not printed: give --out FOLDER.", UNREADABLE)
    return max(_one(path, out, make) for path in files)


def _one(path: Path, out: Path | None, make: Callable[[Document], _Made]) -> int:
    from meshline.core.yaml12 import load

    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        name, text, findings = make(load(raw, name=str(path), max_bytes=_MOST_BYTES))
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        return _say(f"{path}: The file cannot be read: {reason}.", UNREADABLE)
    except DocumentUnreadable as error:
        return _tell(path, error.findings, UNREADABLE)
    except DocumentRefused as error:
        return _tell(path, error.findings, REFUSED)
    except SchemaRefused as error:
        return _say(f"{path}: {error.message} {error.remedy}".rstrip(), REFUSED)
    code = _tell(path, findings, REFUSED if refusals(findings) else OK)
    return _written(text, None if out is None else out / name, code)


def _written(text: str, path: Path | None, code: int) -> int:
    if path is None:
        sys.stdout.write(text)
        return code
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        return _say(f"{path}: The file cannot be written: {reason}.", UNREADABLE)
    sys.stdout.write(f"{path}\n")
    return code


def _tell(path: Path, findings: Sequence[Finding], code: int) -> int:
    refused = refusals(findings)
    for finding in findings:
        _say(f"{path}: {'' if finding in refused else 'note: '}{finding}", code)
    return code


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code
