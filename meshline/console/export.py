"""CSV files for people's spreadsheets: every cell quoted, none of them a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.http import HttpResponse

from meshline.core.spreadsheets import neutral


def csv_answer(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]], *, cut: str = ""
) -> HttpResponse:
    """Return the rows as a file to be saved as `name`; `cut` is a closing line on what is left out.

    Times are written in UTC as ISO 8601, so that the file means the same everywhere.
    """
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([cell(title) for title in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    if cut:
        writer.writerow([cell(cut)])
    answer = HttpResponse(written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def cell(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet computes."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return neutral(str(value))
