"""The inventory as a CSV file: written so that it comes back the same, read cell by cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from contracts_app.rules.inventory.entry import COLUMNS, FlowEntry, read_cell
from meshline.core.errors import BadValue, TooLarge
from meshline.core.spreadsheets import neutral, plain

MAX_BYTES = 512 * 1024
MAX_ROWS = 2_000
MAX_COLUMNS = 100
_SHOWN = 80


@dataclass(frozen=True)
class CellProblem:
    """One thing that keeps a row out: which row (the header is row 1), column, value, and what to
    do; the column is "" where the whole row is meant."""

    row: int
    column: str
    value: str
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"row {self.row}, {self.column}" if self.column else f"row {self.row}"
        return f"{where}: {self.message} {self.remedy}".strip()


@dataclass(frozen=True)
class UnknownColumn:
    """A column that is not read, and the known one that it may have meant."""

    name: str
    meant: str = ""


@dataclass(frozen=True)
class SheetRow:
    """One row whose cells can all be read; only the columns that the file has."""

    row: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Sheet:
    """A file as read: its good rows, what is wrong with the others, and what it says besides.

    `named` are the names in all its rows, refused ones too.
    """

    rows: tuple[SheetRow, ...]
    problems: tuple[CellProblem, ...]
    unknown: tuple[UnknownColumn, ...] = ()
    named: frozenset[str] = frozenset()


def write_sheet(entries: Iterable[FlowEntry]) -> str:
    """Return flows as the text of a CSV file; nothing in it is a formula to a spreadsheet."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow([neutral(text) for text in entry.cells().values()])
    return written.getvalue()


def decode(raw: bytes) -> str:
    """Return the text of an uploaded file. Raises: TooLarge; BadValue if it is not UTF-8."""
    if len(raw) > MAX_BYTES:
        raise TooLarge(
            f"The file has {len(raw)} bytes; at most {MAX_BYTES} are read.",
            remedy="Part it into several files with the same header row.",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise BadValue(
            f"The file is not UTF-8: line {row} holds a byte that is none.",
            remedy="Save it again as “CSV UTF-8”.",
        ) from None


def read_sheet(text: str) -> Sheet:
    """Read a CSV text, parted by commas or semicolons, its columns in any order.

    Raises: TooLarge; BadValue for what cannot be read as a table at all.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise TooLarge(
            f"The file has more than {MAX_BYTES} bytes.", remedy="Part it into several files."
        )
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    records = list(_records(lines))
    if not records:
        raise BadValue("The file is empty.", remedy="Begin it with a row that names the columns.")
    (_, header), *body = records
    columns, unknown = _columns(header)
    rows: list[SheetRow] = []
    problems: list[CellProblem] = []
    named: set[str] = set()
    at = columns.index("name")
    for number, record in body:
        named |= {plain(cell.strip()) for cell in record[at : at + 1]}
        cells, found = _row(number, record, columns)
        problems += found
        if not found:
            rows.append(SheetRow(number, cells))
    twice = list(_twice(rows))
    refused = {problem.row for problem in twice}
    kept = tuple(row for row in rows if row.row not in refused)
    told = tuple(sorted([*problems, *twice], key=lambda one: one.row))
    return Sheet(kept, told, unknown, frozenset(named - {""}))


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold anything, with their numbers as a spreadsheet counts them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = kept = 0
    try:
        for number, record in enumerate(reader, start=1):
            if not any(cell.strip() for cell in record):
                continue
            kept += 1
            if kept > MAX_ROWS + 1:
                raise TooLarge(
                    f"The file has more than {MAX_ROWS} rows.",
                    remedy="Part it into several files with the same header row.",
                )
            yield number, record
    except csv.Error as error:
        raise BadValue(
            f"Row {number + 1} cannot be read: {error}.",
            remedy="Look for a quotation mark that is not closed, or save the file as CSV again.",
        ) from None


def _delimiter(text: str) -> str:
    """Spreadsheets of many countries write semicolons: whichever parts the header row more."""
    header = next((line for line in text.split("\n") if line.strip()), "")
    return ";" if header.count(";") > header.count(",") else ","


def _columns(header: list[str]) -> tuple[list[str], tuple[UnknownColumn, ...]]:
    """Return the column that each cell is for, "" where it is not read, and what is not known."""
    if len(header) > MAX_COLUMNS:
        raise TooLarge(
            f"The file has {len(header)} columns; {len(COLUMNS)} are known.",
            remedy="Is it the right file? Export the inventory to see its columns.",
        )
    titles = {title.lower(): column for column, title in COLUMNS.items()}
    columns, unknown = [], []
    for cell in header:
        told = " ".join(plain(cell).split()).lower()
        column = titles.get(told) or told.replace(" ", "_").replace("-", "_")
        if column in columns and column:
            raise BadValue(
                f"The column {column} stands twice in the header row.",
                remedy="Take one of them out.",
            )
        if column not in COLUMNS:
            if told:
                close = get_close_matches(column, COLUMNS, n=1)
                unknown.append(UnknownColumn(cell.strip()[:_SHOWN], close[0] if close else ""))
            column = ""
        columns.append(column)
    if "name" not in columns:
        named = ", ".join(repr(one.name) for one in unknown[:5]) or "none that is known"
        raise BadValue(
            f"The first row names no column “name” (it has {named}).",
            remedy=f"Name the columns in the first row: {', '.join(COLUMNS)}.",
        )
    return columns, tuple(unknown)


def _row(
    number: int, record: list[str], columns: list[str]
) -> tuple[dict[str, str], list[CellProblem]]:
    surplus = [cell for cell in record[len(columns) :] if cell.strip()]
    if surplus or len(record) < len(columns):
        message = f"It has {len(record)} cells, and the header row has {len(columns)}."
        remedy = "Put a text that holds the separator into quotation marks."
        return {}, [CellProblem(number, "", "", message, remedy)]
    cells: dict[str, str] = {}
    problems: list[CellProblem] = []
    for column, cell in zip(columns, record, strict=False):
        if not column:
            continue
        try:
            cells[column] = read_cell(column, plain(cell.strip()))
        except BadValue as error:
            shown = cell if len(cell) <= _SHOWN else f"{cell[: _SHOWN - 1]}…"
            problems.append(CellProblem(number, column, shown, error.message, error.remedy))
    return cells, problems


def _twice(rows: list[SheetRow]) -> Iterator[CellProblem]:
    """Yield a problem for every row of a name that stands twice: neither silently wins."""
    where: dict[str, list[int]] = {}
    for row in rows:
        where.setdefault(row.cells["name"], []).append(row.row)
    for name, numbers in where.items():
        for number in numbers if len(numbers) > 1 else ():
            others = ", ".join(str(other) for other in numbers if other != number)
            message = f"It stands also in row {others}."
            yield CellProblem(number, "name", name, message, "Keep one of them.")
