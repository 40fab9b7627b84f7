"""What came of each press of a button: told by the run or backfill that it set going."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from orchestration.models import Run, RunState
from runbooks.models import Backfill, BackfillItem, Intervention

ACTIVE = frozenset({RunState.READY, RunState.RUNNING, RunState.WAITING})
UNDER_WAY = ("running", "paused")
# Their work is done in the press itself; the run they name is only the one they were pressed on.
DONE_AT_ONCE = frozenset({"flow.resolve_by_hand", "flow.cancel"})


@dataclass(frozen=True)
class PressStory:
    """One press with what has come of it; `settled`: nothing more will."""

    press: Intervention
    run: Run | None
    backfill: Backfill | None
    word: str
    kind: str
    settled: bool

    @property
    def who(self) -> str:
        """The presser's name."""
        actor = self.press.actor
        return actor.get_full_name() or actor.get_username()

    @property
    def under_way(self) -> bool:
        """Whether the engine is still at it."""
        return not self.settled


def stories_of(presses: Iterable[Intervention]) -> list[PressStory]:
    """Return the presses with their outcomes, in the order given; two queries in all."""
    listed = list(presses)
    run_ids = [press.result_run_id for press in listed if press.result_run_id]
    runs = Run.objects.in_bulk(run_ids) if run_ids else {}
    backfills = _backfills(listed)
    return [_story(press, runs, backfills) for press in listed]


def of_handoff(handoff_id: int, *, limit: int = 20) -> list[PressStory]:
    """Return the newest presses on a handoff."""
    rows = Intervention.objects.filter(handoff_id=handoff_id).select_related("actor")
    return stories_of(rows[:limit])


def of_run(run_id: UUID, *, limit: int = 20) -> list[PressStory]:
    """Return the newest presses on a run."""
    rows = Intervention.objects.filter(run_id=run_id).select_related("actor")
    return stories_of(rows[:limit])


def of_tickets(tickets: Sequence[str], *, limit: int = 100) -> list[PressStory]:
    """Return the newest presses for some tickets."""
    rows = Intervention.objects.filter(ticket__in=tickets).select_related("actor")
    return stories_of(rows[:limit])


def starter_of(run: Run) -> Intervention | None:
    """Return the press that set this run going, by itself or in a backfill; None: nobody did."""
    rows = Intervention.objects.filter(result_run_id=run.pk).exclude(action__in=DONE_AT_ONCE)
    pressed = rows.select_related("actor").order_by("pk").last()
    if pressed is not None or run.replay_of is None:
        return pressed
    # A backfill is under way until its runs have ended, so only the few that are can have it.
    going = Backfill.objects.filter(state__in=UNDER_WAY, flow=run.flow)
    items = BackfillItem.objects.filter(backfill__in=list(going), event_id=run.event_id)
    item = items.select_related("backfill__intervention__actor").filter(run_id=run.pk).first()
    return item.backfill.intervention if item is not None else None


def _backfills(presses: list[Intervention]) -> dict[int, Backfill]:
    wanted = [press.pk for press in presses if press.action.startswith("flow.backfill")]
    if not wanted:
        return {}
    return {row.intervention_id: row for row in Backfill.objects.filter(intervention__in=wanted)}


def _story(
    press: Intervention, runs: dict[UUID, Run], backfills: dict[int, Backfill]
) -> PressStory:
    run = runs.get(press.result_run_id) if press.result_run_id else None
    backfill = backfills.get(press.pk)
    word, kind, settled = _outcome(press, run, backfill)
    return PressStory(press, run, backfill, word, kind, settled)


def _outcome(
    press: Intervention, run: Run | None, backfill: Backfill | None
) -> tuple[str, str, bool]:
    """Word, colour and whether it is over."""
    if backfill is not None:
        over = backfill.state in ("done", "stopped")
        return backfill.get_state_display(), "good" if over else "accent", over
    if run is None or press.action in DONE_AT_ONCE:
        return "Done", "good", True
    if run.state in ACTIVE:
        return ("Paging" if press.action == "escalate" else "Under way"), "accent", False
    if run.state == RunState.SUCCEEDED:
        return ("Acknowledged" if press.action == "escalate" else "Succeeded"), "good", True
    if run.state == RunState.FAILED:
        return "Needs a person again", "bad", False
    return "Ended by a person", "", True
