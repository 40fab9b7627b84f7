"""What the console's tags and filters show: words, times, payloads, charts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.db.models import TextChoices
from django.template import Context, Template, TemplateSyntaxError
from django.utils import timezone

from contracts_app.models.contract import ContractState, RiskClass
from contracts_app.models.document import DocumentState
from meshline.console.ui import charts, code, people, states, times
from orchestration.models.effect import EffectState
from orchestration.models.event import EventState
from orchestration.models.handoff import HandoffState
from orchestration.models.run import RunState
from orchestration.models.timer import TimerState
from orchestration.rules.transitions import TABLES

NOW = datetime(2026, 11, 23, 13, 5, 22, tzinfo=UTC)


def show(source: str, **context: Any) -> str:
    return Template("{% load meshline_ui %}" + source).render(Context({"now": NOW, **context}))


# --- States -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("thing", "choices"),
    [
        ("run", RunState),
        ("effect", EffectState),
        ("handoff", HandoffState),
        ("timer", TimerState),
        ("event", EventState),
        ("version", ContractState),
        ("version", DocumentState),
        ("risk", RiskClass),
    ],
)
def test_every_stored_state_is_shown_with_the_word_of_its_model(
    thing: str, choices: type[TextChoices]
) -> None:
    shown = {value: states.KINDS[thing][value].word for value in choices.values}

    assert shown == dict(choices.choices)


@pytest.mark.parametrize("thing", sorted(TABLES))
def test_every_state_of_a_table_has_a_look(thing: str) -> None:
    assert set(TABLES[thing].states) <= set(states.KINDS[thing])


def test_every_look_has_an_icon_that_exists() -> None:
    for thing, looks in states.KINDS.items():
        for state in looks:
            assert states.look(state, thing).word in show(
                "{{ state|state_icon:thing }}{{ state|badge:thing }}", state=state, thing=thing
            )


def test_badge_shows_word_and_colour_of_the_kind_it_is_asked_for() -> None:
    as_effect = show('{{ "done"|badge:"effect" }}')
    as_step = show('{{ "done"|badge:"step" }}')

    assert 'class="tag good"' in as_effect
    assert "Done once" in as_effect
    assert "Done once" not in as_step


def test_badge_of_an_unknown_state_shows_its_own_escaped_word() -> None:
    assert show("{{ state|badge }}", state="new_<b>") == '<span class="tag ">New &lt;b&gt;</span>'


def test_unknown_icon_is_a_mistake_in_the_template() -> None:
    with pytest.raises(TemplateSyntaxError, match=r"no-such-icon.*icons\.txt"):
        show('{% icon "no-such-icon" %}')


# --- Times --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("span", "plain", "fine"),
    [
        (timedelta(milliseconds=8), "8 ms", "8 ms"),
        (timedelta(seconds=2, milliseconds=400), "2 s", "2.4 s"),
        (timedelta(seconds=48), "48 s", "48 s"),
        (timedelta(seconds=59, milliseconds=999), "59 s", "59 s"),
        (timedelta(minutes=15, seconds=35), "15 min", "15 min 35"),
        (timedelta(minutes=26), "26 min", "26 min"),
        (timedelta(hours=1, minutes=5), "1 h 05", "1 h 05"),
        (timedelta(hours=47, minutes=59), "47 h 59", "47 h 59"),
        (timedelta(days=3, hours=4), "3 d 4 h", "3 d 4 h"),
        (timedelta(days=2), "2 d", "2 d"),
        (-timedelta(minutes=3), "3 min", "3 min"),
    ],
)
def test_duration_reads_as_people_say_it(span: timedelta, plain: str, fine: str) -> None:
    assert (times.duration(span), times.duration(span, fine=True)) == (plain, fine)


def test_moment_is_relative_with_local_and_utc_in_the_tooltip() -> None:
    with timezone.override("Europe/Berlin"):
        shown = show("{{ at|moment:now }}", at=NOW - timedelta(minutes=39))

    assert ">39 min ago</time>" in shown
    assert 'datetime="2026-11-23T12:26:22.000Z"' in shown
    assert "Mon 23 Nov 2026, 13:26:22 CET · 12:26:22 UTC" in shown
    assert 'data-rel="ago"' in shown


def test_tooltip_names_the_utc_day_when_it_is_another() -> None:
    with timezone.override("Europe/Berlin"):
        tip = times.both_zones(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))

    assert tip == "Tue 24 Nov 2026, 00:30:00 CET · 23 Nov 23:30:00 UTC"


def test_moment_without_now_shows_the_clock_so_that_it_is_right_without_a_script() -> None:
    with timezone.override("Europe/Berlin"):
        assert ">14:05:22 CET</time>" in show("{{ at|moment }}", at=NOW)


def test_future_and_late_moments_say_so() -> None:
    assert ">in 26 min<" in show("{{ at|moment:now }}", at=NOW + timedelta(minutes=26))
    assert ">26 min<" in show("{{ at|left:now }}", at=NOW + timedelta(minutes=26))
    assert ">3 min late<" in show("{{ at|left:now }}", at=NOW - timedelta(minutes=3))


def test_clock_of_another_day_carries_the_date_and_a_missing_time_is_a_dash() -> None:
    assert ">22 Nov 13:05 UTC<" in show("{{ at|clock:now }}", at=NOW - timedelta(days=1))
    assert show("{{ at|moment:now }}{{ at|clock }}{{ at|stamp }}{{ gone|duration }}", at=None) == (
        "————"
    )


@pytest.mark.parametrize(
    ("minutes", "kind"), [(-3, "bad"), (7, "bad"), (14, "high"), (22, "warn"), (29, "")]
)
def test_promise_tag_gets_hotter_as_its_time_runs_out(minutes: int, kind: str) -> None:
    shown = show(
        "{% promise_tag due now total=total %}",
        due=NOW + timedelta(minutes=minutes),
        total=timedelta(minutes=30),
    )

    assert f'class="tag {kind}"' in shown


def test_promise_tag_of_a_paused_timer_shows_no_time_left() -> None:
    shown = show('{% promise_tag due now state="paused" %}', due=NOW)

    assert "Paused" in shown
    assert "<time" not in shown


def test_money_is_shown_in_its_currency_and_a_missing_amount_is_a_dash() -> None:
    assert show('{{ 21800|money:"EUR" }}') == "€ 218.00"
    assert show('{{ gone|money:"EUR" }}') == "—"


# --- Payloads -----------------------------------------------------------------------------
def test_payload_is_escaped_numbered_and_closed_to_htmx() -> None:
    shown = show("{{ value|json_block }}", value={"note": "<script>x</script>", "n": [1, None]})

    assert "<script>" not in shown
    assert "&lt;script&gt;x&lt;/script&gt;" in shown
    assert shown.startswith('<pre class="code" tabindex="0" hx-disable>')
    assert shown.count('<span class="ln">') == 7
    assert "<i>7</i>" in shown


def test_payload_colours_keys_text_and_other_values() -> None:
    shown = show("{{ value|json_block }}", value={"a": 'say "b": c', "n": 1.5})

    assert '<span class="k">&quot;a&quot;</span>: ' in shown
    assert '<span class="v">&quot;say \\&quot;b\\&quot;: c&quot;</span>,' in shown
    assert '<span class="nv">1.5</span>' in shown


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x1b", "\x7f", "\ufeff"])
def test_payload_shows_characters_that_would_hide_or_reorder_text(hidden: str) -> None:
    assert code.show_unseen(f"a{hidden}b") == f"a\\u{ord(hidden):04x}b"
    assert hidden not in show("{{ value|json_block }}", value={"k": f"a{hidden}b"})


def test_raw_bytes_are_shown_as_they_came_even_if_they_are_no_text() -> None:
    shown = show("{{ value|json_block }}", value=b'{"a": 1,\n "b": "\xff"}')

    assert "{&quot;a&quot;: 1,</span>" in shown
    assert "\\xff" in shown


def test_endless_payload_is_cut_and_says_so() -> None:
    shown = show("{{ value|json_block }}", value=list(range(code.MAX_LINES + 50)))

    assert shown.count('<span class="ln') == code.MAX_LINES + 1
    assert "the rest is not shown here" in shown


def test_diff_marks_only_what_changed() -> None:
    shown = show(
        "{% json_diff old new %}",
        old={"id": 1, "currency": "eur"},
        new={"id": 1, "currency": "EUR"},
    )

    assert re.findall(r'class="ln( \w+)?"><i>\d+</i><u>(.?)</u>', shown) == [
        ("", ""),
        ("", ""),
        (" del", code.MINUS),
        (" add", "+"),
        ("", ""),
    ]


# --- People and charts --------------------------------------------------------------------
def test_face_keeps_its_colour_and_nobody_is_a_question_mark() -> None:
    assert people.face("Lena Moritz") == people.face("Lena Moritz")
    assert ">LM</span>" in people.face("Lena Moritz")
    assert people.initials("tomas.ortega@harbour.example") == "TO"
    assert 'class="face none"' in people.face("")


def test_spark_spans_its_picture_and_needs_two_values() -> None:
    drawn = str(charts.spark([1, 2, 3], "bad"))

    assert "M0.0 31.0 L50.0 17.5 L100.0 4.0" in drawn
    assert charts.spark([5]) == ""
    assert "M0.0 31.0 L100.0 31.0" in charts.spark([7, 7])


@pytest.mark.parametrize(
    ("fraction", "width"), [(0.0, "0%"), (0.273, "27.3%"), (1.4, "100%"), (-1.0, "0%")]
)
def test_meter_stays_inside_its_picture(fraction: float, width: str) -> None:
    assert f'class="f-good" width="{width}"' in charts.meter(fraction, "good")


def test_segments_add_up_to_the_whole() -> None:
    drawn = str(charts.segments([("repaired", 3, "good"), ("left", 1, "none")]))

    assert 'aria-label="repaired 3, left 1"' in drawn
    assert re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', drawn) == [("0", "75"), ("75", "25")]


def test_waterfall_keeps_every_bar_in_sight_and_speaks_to_screen_readers() -> None:
    rows = [
        {"label": "Ask <again>", "took": "15 min", "bars": [(0.998, 0.0, "bad", "503")]},
        {"label": "Await", "bars": [(0.1, 0.5, "wait", "for billing")], "marks": [(0.6, "due")]},
    ]

    drawn = show("{% waterfall rows ticks %}", rows=rows, ticks=[(0, "13:26"), (1, "13:46")])

    assert '<rect class="f-bad" x="99.3%" y="13" width="0.7%"' in drawn
    assert 'aria-label="Ask &lt;again&gt;, 15 min, 503"' in drawn
    assert '<rect class="wait" x="10%" y="13" width="50%"' in drawn
    assert 'class="dl" x1="60%"' in drawn
    assert "style=" not in drawn


# --- Forms --------------------------------------------------------------------------------
class ReasonForm(forms.Form):
    """A form as a runbook's button has it."""

    reason = forms.CharField(help_text="Kept in the audit log.")


def test_field_ties_label_hint_and_error_to_its_control() -> None:
    form = ReasonForm({})
    form.is_valid()

    drawn = show("{% field form.reason %}", form=form)

    assert '<label for="id_reason">Reason</label>' in drawn
    assert 'class="input"' in drawn
    assert 'aria-invalid="true"' in drawn
    described = re.search(r'aria-describedby="([^"]+)"', drawn)
    assert described
    assert all(f'id="{name}"' in drawn for name in described[1].split())


def test_story_time_reads_as_a_clock() -> None:
    assert show("{{ 48|minutes }} {{ 120|minutes }}") == "0:48 2:00"
