"""What the docs name exists: files, functions, commands, settings, addresses, links, pictures."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, get_resolver, resolve

from contracts_app.services.credentials import READ_SCOPES
from contracts_app.services.roles import roles
from meshline import cli
from meshline.api.intake import STATUSES
from orchestration.rules.signature_schemes import SCHEMES
from runbooks.rules.document_check import check_files
from runbooks.rules.document_kinds import KINDS
from tests.architecture.source_files import PACKAGES, ROOT, own_files

DOCS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
IMAGES = ROOT / "docs" / "img"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
FILE = re.compile(r"([\w.-]+/)*[\w.-]*\w\.(?:py|md|toml|ya?ml|html|css|js|txt|json|sh)")
FOLDER = re.compile(r"([\w.-]+/)+")
SETTING = re.compile(r"\b(?:MESHLINE_[A-Z0-9_]+|[A-Z_]*DATABASE_URL|[A-Z]+_URL)\b")
# What the demo makes where it runs, and what a reader makes: not in the tree.
MADE = {"var/", "var/log/", "staticfiles/", "var/secrets.json", "people.yaml", "lint-imports"}
PLACES = ("systems", "calendars", "rotas", "contracts", "runbooks", "flows", "policies", "sources")


def _blocks(doc: Path, kind: str = "") -> list[str]:
    """The fenced blocks of a document, of one kind if it is given."""
    found = FENCE.findall(doc.read_text(encoding="utf-8"))
    return [text for told, text in found if not kind or told == kind]


def _words(doc: Path) -> list[str]:
    """What stands between backquotes, outside fenced blocks."""
    return INLINE.findall(FENCE.sub("", doc.read_text(encoding="utf-8")))


def _code() -> Iterator[tuple[str, str]]:
    """Every line of a shell block and every inline code of every document, with its name."""
    for doc in DOCS:
        for block in _blocks(doc, "sh"):
            lines = block.replace("\\\n", " ").splitlines()
            yield from ((doc.name, line.partition(" #")[0].strip()) for line in lines)
        yield from ((doc.name, word.strip()) for word in _words(doc))


def _named_paths() -> Iterator[tuple[str, str, str]]:
    """Paths that the docs name: document, path, and the function or class named with it."""
    for doc in DOCS:
        for word in _words(doc):
            path, _, name = word.partition(":")
            if "<" not in word and (FILE.fullmatch(path) or FOLDER.fullmatch(path)):
                yield doc.name, path, name if path.endswith(".py") else ""
        for tree in _blocks(doc, "tree"):
            yield from ((doc.name, line.split()[0], "") for line in tree.splitlines())


def _is_there(path: str) -> bool:
    named = path.rstrip("/")
    if path in MADE or named in PLACES or path.startswith("var/log/"):
        return True
    if (ROOT / named).exists() or (ROOT / "docs" / named).exists():
        return True
    # A bare name of the tree's own files, after its folder has been told.
    return "/" not in named and any(found.name == named for found in own_files(".py", ".toml"))


def _defines(path: Path, name: str) -> bool:
    tree: ast.AST = ast.parse(path.read_text(encoding="utf-8"))
    for part in name.split("."):
        body: list[ast.stmt] = getattr(tree, "body", [])
        named = [
            node
            for node in body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part
        ]
        if not named:
            return False
        tree = named[0]
    return True


def _commands() -> dict[str, argparse.ArgumentParser]:
    parser = cli._parser()
    [chosen] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(chosen.choices)


def _options(parser: argparse.ArgumentParser) -> set[str]:
    found = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                found |= _options(one)
    return found


def _flags(line: str) -> set[str]:
    return set(re.findall(r"(?<!\S)(--[a-z][a-z-]*)", line))


def test_every_file_that_the_docs_name_is_in_the_tree() -> None:
    assert [(doc, path) for doc, path, _ in _named_paths() if not _is_there(path)] == []


def test_every_function_that_the_docs_name_is_in_its_file() -> None:
    named = [(doc, path, name) for doc, path, name in _named_paths() if name]
    assert len(named) > 30
    assert [one for one in named if not _defines(ROOT / one[1], one[2])] == []


def test_every_room_of_the_product_is_on_the_map() -> None:
    [tree] = _blocks(ROOT / "docs" / "architecture.md", "tree")
    told = {line.split()[0].rstrip("/") for line in tree.splitlines()}
    rooms = {
        str(path.relative_to(ROOT).parent)
        for path in own_files(".py", below=(*PACKAGES, "tests", "benchmarks", "tools"))
        if path.name not in {"__init__.py", "conftest.py"} and "migrations" not in path.parts
    }
    folded = tuple(f"{room}/" for room in told if room.endswith("/management"))
    missing = {room for room in rooms - told if not room.startswith(folded)}
    # The files of the packages' own folders and of tests/ stand on the map by themselves.
    assert missing - {"tests", *PACKAGES} == set()


def test_every_make_target_that_the_docs_name_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (doc, found)
        for doc, line in _code()
        for found in re.findall(r"(?:^|\s)make ([a-z-]+)", line)
    }
    assert named
    assert {one for one in named if one[1] not in targets} == set()


def test_every_meshline_command_that_the_docs_name_takes_those_options() -> None:
    commands = _commands()
    wrong = []
    for doc, line in _code():
        for name, rest in re.findall(r"(?:^|\s)meshline ([a-z-]+)(.*)", line):
            if name not in commands or not _flags(rest) <= _options(commands[name]):
                wrong.append((doc, line))
    assert wrong == []


def test_every_management_command_that_the_docs_name_takes_those_options() -> None:
    known = get_commands()
    named, wrong = set(), []
    for doc, line in _code():
        for name, rest in re.findall(r"manage\.py ([a-z_]+)(.*)", line):
            named.add(name)
            if name not in known:
                wrong.append((doc, line))
                continue
            command = load_command_class(known[name], name)
            parser = command.create_parser("manage.py", name)
            if not _flags(rest) <= _options(parser):
                wrong.append((doc, line))
    assert wrong == []
    ours = {name for name, app in known.items() if app in PACKAGES}
    assert ours - named == set(), "These commands are in no document."


def test_every_setting_that_the_docs_name_is_read_and_every_setting_is_told() -> None:
    sources = [*own_files(".py", below=("meshline",)), ROOT / "Makefile"]
    sources += [path for path in (ROOT / ".ci").iterdir() if path.is_file()]
    read = {found for path in sources for found in SETTING.findall(path.read_text())}
    for name in settings.SYSTEMS:
        read |= {f"MESHLINE_{name.upper()}_URL", f"MESHLINE_{name.upper()}_TOKEN"}
    told = {
        (doc.name, found)
        for doc in DOCS
        for found in SETTING.findall(doc.read_text(encoding="utf-8"))
    }
    assert {one for one in told if one[1] not in read} == set()
    text = (ROOT / "meshline" / "settings.py").read_text()
    wanted = set(re.findall(rf'"({SETTING.pattern})"', text))
    wanted |= {f"MESHLINE_{name.upper()}_URL" for name in settings.SYSTEMS}
    assert len(wanted) > 20
    assert wanted - {name for _, name in told} == set()


def test_every_address_of_ours_that_the_docs_name_is_routed() -> None:
    example = {"<source>": "billing", "$RUN_ID": "01a2097f-6fe7-7e6e-9a21-22c2ac2e1bed"}
    wrong, seen = [], 0
    for doc, line in _code():
        for path in re.findall(r"/api/v1/[^\s?\"`]*", line):
            for mark, value in example.items():
                path = path.replace(mark, value)
            seen += 1
            try:
                name = resolve(path).url_name
            except Resolver404:
                name = None
            if name is None:  # the catch-all of the API has no name
                wrong.append((doc, path))
    assert seen > 5
    assert wrong == []


def test_every_url_name_that_the_docs_name_exists() -> None:
    named = {
        (doc.name, *word.split(":"))
        for doc in DOCS
        for word in _words(doc)
        if re.fullmatch(r"(console|api|admin):[a-z-]+", word)
    }
    spaces = get_resolver().namespace_dict
    known = {space: set(spaces[space][1].reverse_dict) for space in ("console", "api", "admin")}
    assert len(named) > 3
    assert {one for one in named if one[2] not in known[one[1]]} == set()


def test_links_between_the_docs_lead_somewhere() -> None:
    broken = []
    for doc in DOCS:
        for image, target in LINK.findall(doc.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            if image or "://" in target:
                continue
            there = (doc.parent / path).resolve() if path else doc
            if not there.exists() or (anchor and anchor not in _anchors(there)):
                broken.append((doc.name, target))
    assert broken == []


def _anchors(doc: Path) -> set[str]:
    """The anchors of a document's headings, as the usual viewers make them."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", doc.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_picture_that_the_docs_show_is_there() -> None:
    if not any(IMAGES.glob("*.png")):
        pytest.skip("docs/img holds no screenshot yet: the browser tests make them.")
    missing = [
        (doc.name, target)
        for doc in DOCS
        for image, target in LINK.findall(doc.read_text(encoding="utf-8"))
        if image and not (doc.parent / target).is_file()
    ]
    assert missing == []


def test_docs_name_no_host_but_loopback_and_examples() -> None:
    hosts = {
        (doc.name, host)
        for doc in DOCS
        for host in re.findall(r"https?://([\w.-]+)", doc.read_text(encoding="utf-8"))
    }
    allowed = re.compile(r"127\.0\.0\.1|localhost|host|.*\.example|example\.(com|org)")
    assert {one for one in hosts if not allowed.fullmatch(one[1])} == set()


def test_examples_of_documents_pass_the_check_together(tmp_path: Path) -> None:
    blocks = _blocks(ROOT / "docs" / "documents.md", "yaml")
    for number, text in enumerate(blocks):
        (tmp_path / f"{number:02}.yaml").write_text(text, encoding="utf-8")
    code, lines = check_files([tmp_path], closed=True)
    assert (code, lines[:-1]) == (0, []), lines
    shown = {re.findall(r"^meshline: (\S+)", text, re.MULTILINE)[0] for text in blocks}
    assert shown == set(KINDS)


def test_connect_tells_every_status_and_scheme_and_no_other() -> None:
    text = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")
    assert {int(found) for found in re.findall(r"^\| (\d{3}) \|", text, re.MULTILINE)} == STATUSES
    told = set(re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE))
    assert told == {*SCHEMES, "apikey"}
    assert [scope for scope in READ_SCOPES if f"`{scope}`" not in text] == []


def test_security_tells_every_role_and_no_other() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) == set(roles())
