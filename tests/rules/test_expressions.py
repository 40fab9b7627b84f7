"""CEL behind one wrapper: values in plain JSON, errors that raise, budgets that hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from orchestration.rules.expressions import (
    MAX_OUTPUT_BYTES,
    Context,
    ExpressionFailed,
    ExpressionRefused,
    PathMissing,
    compile_expression,
    evaluate,
    expressions_in,
    holds,
    reading_headers,
    render,
)

EVENT: dict[str, Any] = {
    "data": {
        "amount_minor": 21800,
        "note": None,
        "name": "Zoë",
        "lines": [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}],
        "price": 19.99,
    }
}
SCOPE = {"event": EVENT}
SUM_OF_21 = " + ".join(["1"] * 21)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("event.data.amount_minor + 1", 21801),
        ("= event.data.name + '!'", "Zoë!"),
        ("event.data.lines", [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}]),
        ("event.data.lines.filter(l, l.n > 1).map(l, l.sku)", ["a"]),
        ("{'a': event.data.lines[0], 'b': null}", {"a": {"sku": "a", "n": 2}, "b": None}),
        ("event.data.price", 19.99),
        ("event.data.?missing.orValue('x')", "x"),
        ("event.data.?missing", None),
        ("event.data.?name", "Zoë"),
        ("'eur'.upperAscii()", "EUR"),
        ("string(timestamp(1780463728))", "2026-06-03T05:15:28Z"),
        ("timestamp(1780463728)", "2026-06-03T05:15:28Z"),
        ("timestamp('2026-01-05T12:00:00.25+01:00')", "2026-01-05T11:00:00.250000Z"),
        ("duration('90m')", "PT1H30M"),
        ("{'a': [timestamp(0)], 'b': 1}", {"a": ["1970-01-01T00:00:00Z"], "b": 1}),
        ("9223372036854775808u", 9223372036854775808),
    ],
)
def test_values_come_out_as_plain_json(text: str, value: object) -> None:
    found = evaluate(text, SCOPE)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("number", "seen"),
    [
        (2**53 + 1, 2**53 + 1),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63 + 5, 2**63 + 5),
        (2**64 - 1, 2**64 - 1),
        (2**64, str(2**64)),  # beyond what CEL can hold: its digits as text, never rounded
        (-(2**63) - 1, str(-(2**63) - 1)),
        (Decimal("19.99"), 19.99),
    ],
)
def test_numbers_pass_through_without_being_rounded(number: object, seen: object) -> None:
    assert evaluate("event.n", {"event": {"n": number}}) == seen


def test_one_huge_number_does_not_spoil_the_other_expressions_over_the_same_data() -> None:
    scope = {"event": {"id": 5, "huge": 10**39}}

    assert evaluate("event.id", scope) == 5
    assert holds("event.id == 5", scope)


def test_times_inside_the_data_are_read_as_text_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    scope = {"run": {"started_at": datetime(2026, 1, 5, 12, tzinfo=berlin)}}

    assert evaluate("run.started_at", scope) == "2026-01-05T11:00:00Z"
    assert evaluate("occurred_at", {"occurred_at": datetime(2026, 1, 5, tzinfo=UTC)}) == (
        "2026-01-05T00:00:00Z"
    )


@pytest.mark.parametrize(
    "text",
    [
        "event.data.missing",
        "event.nothing.at.all",
        "event.data.lines[7].sku",
        "event.data.note.deeper",
        "event.data.name.deeper",
        "{'EUR': 1}[event.data.name]",
        "awaited.data.status",  # not in scope at all
    ],
)
def test_a_path_that_is_not_there_raises_and_is_false_for_a_guard(text: str) -> None:
    with pytest.raises(PathMissing) as caught:
        evaluate(text, SCOPE)

    assert caught.value.remedy
    assert holds(f"{text} == 1", SCOPE) is False
    assert holds(f"!({text} == 1)", SCOPE) is False


@pytest.mark.parametrize(
    "text",
    [
        "event.data.name + 1",
        "event.data.note > 3",
        "event.data.amount_minor && true",
        "int('x')",
        "9223372036854775807 + event.data.amount_minor",
        "1.0 / 0.0",
        "0.0 / 0.0",
        "b'raw'",
        "type(1)",
        "{1: 2}",
        "{event.data.name: 1, 'Zoë': 2}",
        "timestamp('yesterday')",
    ],
)
def test_an_expression_that_cannot_be_evaluated_raises_instead_of_answering(text: str) -> None:
    with pytest.raises(ExpressionFailed) as caught:
        evaluate(text, SCOPE)

    assert not isinstance(caught.value, PathMissing)
    assert caught.value.message.startswith("The expression ")


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ("event.data.amount_minor > 0", True),
        ("event.data.amount_minor == 21800.0", True),
        ("event.data.missing == 1 || true", True),
        ("false && event.data.missing", False),
        ("has(event.data.note)", True),
        ("has(event.data.missing)", False),
        ("has(event.nothing.at.all)", False),
        ("= event.data.note == null", True),
    ],
)
def test_guards_are_true_or_false(guard: str, expected: bool) -> None:
    assert holds(guard, SCOPE) is expected


def test_a_guard_that_is_neither_true_nor_false_raises() -> None:
    with pytest.raises(ExpressionFailed, match="instead of true or false"):
        holds("event.data.name", SCOPE)


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("event.data +", "flow", "Syntax error"),
        ("body.id", "flow", "undeclared reference to 'body.id' at character 5"),
        ("header('x')", "flow", "undeclared reference to 'header'"),
        ("now()", "any", "undeclared reference to 'now'"),
        ("event.data.open('/etc/passwd').read()", "any", "undeclared reference"),
        ("true ? 1 : 'a'", "any", "no matching overload"),
        ("", "any", "empty"),
        ("   ", "any", "empty"),
        ("'" + "x" * 1_000 + "'", "any", "1002 characters; 1000 are allowed"),
        (f"[{SUM_OF_21}, {SUM_OF_21}, 1 + 1]", "any", "41 additions; 40 are allowed"),
        (" + ".join(["1"] * 40), "any", "chained longer, than 32 operators"),
        ("[1].map(a, [1].map(b, [1].map(c, [1].map(d, d))))", "any", "4 loops"),
    ],
)
def test_an_expression_that_does_not_compile_is_refused_with_place_or_limit(
    text: str, place: Context, told: str
) -> None:
    with pytest.raises(ExpressionRefused) as caught:
        compile_expression(text, context=place)

    assert told in caught.value.message
    assert caught.value.remedy
    assert "\n" not in caught.value.message


def test_the_limits_themselves_are_allowed() -> None:
    assert evaluate(f"[{SUM_OF_21}, {SUM_OF_21}]", {}) == [21, 21]
    assert evaluate("[1].map(a, [1].map(b, [1].map(c, c)))", {}) == [[[1]]]
    assert len(evaluate("'" + "x" * 998 + "'", {})) == 998


def test_an_endless_loop_is_stopped_and_a_large_answer_refused() -> None:
    many = {"event": {"l": list(range(300)), "s": "x" * 2_000}}

    with pytest.raises(ExpressionFailed, match="more steps than allowed"):
        evaluate("event.l.map(a, event.l.map(b, event.l.map(c, a * b * c)))", many)
    with pytest.raises(ExpressionFailed, match=str(MAX_OUTPUT_BYTES)):
        evaluate("event.l.map(a, event.s)", many)


def test_no_message_quotes_the_data() -> None:
    secret = {"event": {"card": "4111-1111", "n": 2**80, "odd": object()}}

    with pytest.raises(ExpressionFailed) as caught:
        evaluate("event.card", secret)

    assert "4111" not in str(caught.value)


def test_a_template_renders_its_expressions_and_leaves_the_rest() -> None:
    template = {
        "plain": "text",
        "amount": "= event.data.amount_minor",
        "list": ["= event.data.name", 7, None],
        "deep": {"sku": "= event.data.lines[0].sku"},
    }

    assert render(template, SCOPE) == {
        "plain": "text",
        "amount": 21800,
        "list": ["Zoë", 7, None],
        "deep": {"sku": "a"},
    }


def test_an_empty_optional_is_left_out_of_its_map_and_list() -> None:
    template = {"email": "= event.data.?email", "name": "= event.data.?name", "l": ["= event.?x"]}

    assert render(template, SCOPE) == {"name": "Zoë", "l": []}
    assert render("= event.data.?email", SCOPE) is None


def test_a_template_says_where_its_expressions_are() -> None:
    template = {"a/b": "= event.x", "l": ["no", {"c": "= event.y"}]}

    assert list(expressions_in(template)) == [("/a~1b", "= event.x"), ("/l/1/c", "= event.y")]


def test_headers_are_read_by_name_in_any_case_and_are_null_when_missing() -> None:
    with reading_headers({"x-shopify-topic": "checkouts/update"}):
        assert evaluate("header('X-Shopify-Topic')", {}, context="source") == "checkouts/update"
        assert evaluate("header('x-none')", {}, context="source") is None
    assert evaluate("header('x-shopify-topic')", {}, context="source") is None


def test_threads_see_only_their_own_headers() -> None:
    seen: dict[str, set[str]] = {"a": set(), "b": set()}

    def read(name: str) -> None:
        with reading_headers({"x": name}):
            for _ in range(500):
                seen[name].add(evaluate("header('x')", {}, context="source"))

    threads = [Thread(target=read, args=(name,)) for name in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {"a": {"a"}, "b": {"b"}}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("event.data.amount", {"event.data.amount": False}),
        ("event['data'].l[0].x", {"event.data.l[…].x": False}),
        ("has(event.a.b) && event.c", {"event.a.b": True, "event.c": False}),
        ("event.?a.?b.orValue(1)", {"event.a.b": True}),
        ("event.l.exists(i, i.z)", {"event.l": False, "event.l[…].z": False}),
        ("constants.limits[event.cur]", {"constants.limits[…]": False, "event.cur": False}),
        ("{?'k': event.?x, 'l': [event.y]}", {"event.x": True, "event.y": False}),
        ("'event.data' == steps.a", {"steps.a": False}),
    ],
)
def test_the_paths_that_an_expression_reads_are_known(text: str, paths: dict[str, bool]) -> None:
    found = compile_expression(text).paths

    assert {str(path): path.tested for path in found} == paths


def test_equal_expressions_are_compiled_once() -> None:
    assert compile_expression("event.data.x == 1") is compile_expression("= event.data.x == 1")
