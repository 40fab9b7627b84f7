"""The inventory's file: it comes back the same, each bad cell is named, and what it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.rules.inventory import sheet
from contracts_app.rules.inventory.entry import COLUMNS, FlowEntry, entry_of, read_cell
from contracts_app.rules.inventory.import_plan import ImportPlan, plan_import
from contracts_app.rules.inventory.sheet import decode, read_sheet, write_sheet
from meshline.core.errors import BadValue, TooLarge
from meshline.core.spreadsheets import FORMULA_STARTS, neutral, plain

HEAD = "name,title,kind"


def flow(name: str = "a.flow", **cells: str) -> FlowEntry:
    texts = {"name": name, "title": "A flow", "kind": "event", **cells}
    return entry_of({column: read_cell(column, text) for column, text in texts.items()})


def planned(text: str, *known: FlowEntry) -> ImportPlan:
    return plan_import(read_sheet(text), {entry.name: entry for entry in known})


@given(st.text(max_size=12) | st.text(alphabet="'=+-@\t＝a", max_size=4))  # noqa: RUF001
def test_no_cell_is_a_formula_and_each_comes_back(text: str) -> None:
    written = neutral(text)

    assert not written.startswith(FORMULA_STARTS)
    assert plain(written) == text


@pytest.mark.parametrize(
    "notes",
    ["=1+1", "'=1", "''x", "'a'", "-5", "@SUM(A1)", "a;b,c", 'He said "no"', "two\n\nlines", "＝1"],  # noqa: RUF001
)
@pytest.mark.parametrize("before", ["", "\ufeff"])
def test_export_comes_back_exactly(notes: str, before: str) -> None:
    entries = [
        flow("a.flow", notes=notes, title=f"{notes.splitlines()[0]} x", consumers="b c"),
        flow("b.flow", money="no", frequency="daily", service_level="PT2H", owner="ops"),
    ]

    plan = planned(before + write_sheet(entries), *entries)

    assert plan.same == ("a.flow", "b.flow")
    assert (plan.steps, plan.problems, plan.unknown) == (0, (), ())
    again = planned(write_sheet(entries))
    assert [one.entry for one in again.new] == entries


@pytest.mark.parametrize(
    "text",
    [
        "name,title,kind\na.flow,A flow,event\n",
        "\ufeffname;title;kind\r\na.flow;A flow;event\r\n",
        "kind,NAME,Title\nEvent,a.flow,A flow",
        "\n\nname,title,kind\n\n,,\na.flow,A flow,event\n\n",
        "name,title,kind\na.flow,A flow,event,,,\n",
    ],
)
def test_file_is_read_as_spreadsheets_write_it(text: str) -> None:
    (new,) = planned(decode(text.encode())).new

    assert new.entry == flow()


def test_quoted_line_break_stays_in_its_cell_and_counts_as_one_row() -> None:
    plan = planned(f'{HEAD},notes\na.flow,A flow,event,"one\r\ntwo"\nb.flow,B,wrong,\n')

    assert plan.new[0].entry.notes == "one\ntwo"
    assert [(one.row, one.column) for one in plan.problems] == [(3, "kind")]


def test_each_bad_cell_is_named_with_row_column_value_and_remedy() -> None:
    text = (
        f"{HEAD},owner,money\na.flow,A,webhook,Team A,yes\nb.flow,B,event,ops,maybe\nc.c,C,event,,"
    )
    plan = planned(text)

    told = [(one.row, one.column, one.value) for one in plan.problems]
    assert told == [(2, "kind", "webhook"), (2, "owner", "Team A"), (3, "money", "maybe")]
    assert all(one.message and one.remedy for one in plan.problems)
    assert str(plan.problems[0]).startswith("row 2, kind: 'webhook' is not on the list. Write")
    assert plan.refused_rows == 2
    assert [one.entry.name for one in plan.new] == ["c.c"]


def test_row_with_too_many_or_too_few_cells_is_refused_as_a_whole() -> None:
    plan = planned(f"{HEAD}\na.flow,A\nb.flow,Hello, you,event\n")

    assert [one.row for one in plan.problems] == [2, 3]
    assert "4 cells, and the header row has 3" in plan.problems[1].message


def test_name_that_stands_twice_is_refused_in_both_rows() -> None:
    plan = planned(f"{HEAD}\na.flow,One,event\nb.flow,B,event\nA.FLOW,Two,event\n")

    told = [(one.row, one.message) for one in plan.problems]
    assert told == [(2, "It stands also in row 4."), (4, "It stands also in row 2.")]
    assert [one.entry.name for one in plan.new] == ["b.flow"]


def test_unknown_column_is_named_with_the_one_that_may_be_meant() -> None:
    plan = planned(f"{HEAD},ownr,Remarks by Tom\na.flow,A flow,event,ops,x\n")

    assert [(one.name, one.meant) for one in plan.unknown] == [
        ("ownr", "owner"),
        ("Remarks by Tom", ""),
    ]
    assert plan.new[0].entry.owner == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The file is empty."),
        ("\n \n", "The file is empty."),
        ("title,kind\nA,event\n", "names no column “name”"),
        ("name,title,Name\n", "The column name stands twice"),
        (f'{HEAD}\na.flow,"A flow,event\n', "cannot be read"),
        ("name" + ",x" * 100, "101 columns"),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(text: str, says: str) -> None:
    with pytest.raises((BadValue, TooLarge), match=says) as refusal:
        read_sheet(text)
    assert refusal.value.remedy


def test_file_that_is_not_utf8_says_how_to_save_it() -> None:
    with pytest.raises(BadValue, match="line 2") as refusal:
        decode(b"name\nM\xfcller\n")
    assert "CSV UTF-8" in refusal.value.remedy


def test_limits_of_size_and_rows_are_told() -> None:
    with pytest.raises(TooLarge, match="bytes"):
        decode(b"x" * (sheet.MAX_BYTES + 1))
    most = "".join(f"a.f{number}\n" for number in range(sheet.MAX_ROWS))
    assert len(read_sheet(f"name\n{most}").rows) == sheet.MAX_ROWS
    with pytest.raises(TooLarge, match="more than 2000 rows"):
        read_sheet(f"name\n{most}one.more\n")


def test_plan_tells_new_changed_with_cells_same_and_what_a_new_row_lacks() -> None:
    known = flow(owner="ops", notes="kept"), flow("b.flow")
    plan = planned("name,owner,money\na.flow,payments,yes\nb.flow,,\nc.flow,ops,\n", *known)

    (changed,) = plan.changed
    assert [(one.column, one.before, one.after) for one in changed.cells] == [
        ("owner", "ops", "payments"),
        ("money", "", "yes"),
    ]
    assert changed.entry.notes == "kept"
    assert plan.same == ("b.flow",)
    assert [(one.row, one.column) for one in plan.problems] == [(4, "")]


def test_digest_binds_the_file_and_the_rows_as_they_were() -> None:
    text = f"{HEAD}\na.flow,Newer,event\n"
    shown = planned(text, flow())

    assert planned(text.replace("\n", "\r\n"), flow()).digest == shown.digest
    assert planned(text.replace("Newer", "Other"), flow()).digest != shown.digest
    assert planned(text, flow(owner="ops")).digest != shown.digest
    assert planned(text).digest != shown.digest


def test_header_of_the_file_is_the_columns() -> None:
    assert write_sheet([]).strip().replace('"', "").split(",") == list(COLUMNS)
