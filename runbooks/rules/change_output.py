"""A report of changes as text, JSON, JUnit or the code host's annotations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from contracts_app.rules.change_verdict import alike, versions_of
from contracts_app.rules.compat import Counterexample
from contracts_app.rules.contract_change import Against
from contracts_app.rules.schema_lines import line_of_place
from runbooks.rules.change_report import ChangeReport, Entry

FORMATS = ("text", "json", "junit", "annotations")
_WORDS = {"passes": "safe", "refused": "refused", "undecided": "undecided"}
_LEVELS = {"refused": "error", "undecided": "error", "passes": "notice"}


def rendered(report: ChangeReport, form: str) -> str:
    """Return a report in one of FORMATS."""
    match form:
        case "json":
            return json.dumps(report.as_json(), indent=2, ensure_ascii=False, default=str)
        case "junit":
            return _junit(report)
        case "annotations":
            return "\n".join(_annotations(report))
    return "\n".join(_text(report))


def _text(report: ChangeReport) -> Iterator[str]:
    yield from map(str, report.unreadable)
    for entry in report.entries:
        yield f"{entry.file}:{entry.line}: {_WORDS[entry.outcome]}: {' '.join(entry.reasons[:1])}"
        yield from (f"  {reason}" for reason in entry.reasons[1:])
        yield from _details(entry)
    yield from report.notes
    yield report.summary


def _details(entry: Entry) -> Iterator[str]:
    for group in alike(entry.comparisons):
        against = group[0]
        yield f"  against {versions_of(group)}: {against.comparison.verdict}"
        for one in against.comparison.changes:
            yield f"    {_mark(against, one.breaking):7} {one.rule}  {one.sentence}"
        yield from _example(against.comparison.counterexample, "    ")
    for impact in entry.impacts:
        if impact.state in ("hurt", "unknown"):
            team = f" ({impact.team})" if impact.team else ""
            word = "hurt" if impact.state == "hurt" else "perhaps hurt"
            yield f"  {word}: {impact.system}{team}"
            yield from _example(impact.counterexample, "    ")
    if entry.least_version:
        yield f"  least version: {entry.least_version}"


def _mark(against: Against, breaking: bool) -> str:
    if not breaking:
        return "allowed"
    return "may break" if against.comparison.verdict == "unknown" else "breaks"


def _example(example: Counterexample | None, indent: str) -> Iterator[str]:
    if example is None:
        return
    refused_by = {"old": "the new version", "new": "the other side"}[example.accepted_by]
    payload = json.dumps(example.payload, ensure_ascii=False, default=str)
    yield f"{indent}counterexample, refused by {refused_by}: {payload}"
    yield from (f"{indent}  {one.rule}  {one.sentence}" for one in example.violations)


def _annotations(report: ChangeReport) -> Iterator[str]:
    """One line for each thing to mend, at its own line of the file where that is known."""
    for one in report.unreadable:
        yield _annotation("error", one.file, one.line, "unreadable", one.message)
    for entry in report.entries:
        title = f"{entry.title}: {_WORDS[entry.outcome]}"
        level = _LEVELS[entry.outcome]
        told = " ".join(entry.reasons)
        if entry.least_version and entry.outcome != "passes":
            told = f"{told} Least version: {entry.least_version}."
        yield _annotation(level, entry.file, entry.line, title, told)
        if entry.outcome != "passes":
            for line, rule, sentence in _breaking_changes(entry):
                yield _annotation("error", entry.file, line, rule, sentence)
    yield from (f"::notice::{_escaped(note)}" for note in report.notes)


def _breaking_changes(entry: Entry) -> Iterator[tuple[int, str, str]]:
    told = set()
    for against in entry.comparisons:
        for one in against.comparison.changes:
            if one.breaking and (one.path, one.rule) not in told:
                told.add((one.path, one.rule))
                sentence = f"{one.sentence}{_shown(against)}"
                yield line_of_place(entry.lines, one.path, entry.line), one.rule, sentence


def _shown(against: Against) -> str:
    example = against.comparison.counterexample
    if example is None:
        return ""
    payload = json.dumps(example.payload, ensure_ascii=False, default=str)
    return f" Counterexample against {against.version}: {payload}"


def _annotation(level: str, file: str, line: int, title: str, message: str) -> str:
    place = f"file={_escaped(file, property_=True)},line={line}"
    return f"::{level} {place},title={_escaped(title, property_=True)}::{_escaped(message)}"


def _escaped(text: str, *, property_: bool = False) -> str:
    """Escape what the code host reads as the end of a line, of a property or of a command."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_ else text


def _junit(report: ChangeReport) -> str:
    cases = [_case(entry) for entry in report.entries]
    for one in report.unreadable:
        case = Element("testcase", name=_xml(one.file), classname="meshline.check")
        SubElement(case, "error", message=_xml(one.message), type="unreadable")
        cases.append(case)
    refused = sum(one.outcome == "refused" for one in report.entries)
    undecided = sum(one.outcome == "undecided" for one in report.entries)
    suite = Element(
        "testsuite",
        name="meshline check",
        tests=str(len(cases)),
        failures=str(refused),
        errors=str(undecided + len(report.unreadable)),
        skipped="0",
    )
    suite.extend(cases)
    return tostring(suite, encoding="unicode", xml_declaration=True)


def _case(entry: Entry) -> Element:
    case = Element(
        "testcase",
        name=_xml(entry.title),
        classname="meshline.check",
        file=_xml(entry.file),
        line=str(entry.line),
    )
    told = _xml("\n".join([*entry.reasons, *_details(entry)]))
    # What is undecided is an error and no skip: a skipped test looks like a pass.
    kind = {"refused": "failure", "undecided": "error"}.get(entry.outcome)
    if kind is None:
        SubElement(case, "system-out").text = told
    else:
        message = _xml(entry.reasons[0] if entry.reasons else entry.verdict)
        SubElement(case, kind, message=message, type=entry.verdict).text = told
    return case


def _xml(text: Any) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return "".join(
        c
        if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
        else "�"
        for c in str(text)
    )
