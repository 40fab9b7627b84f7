"""What the demo check measures beside the promises: noted, not asserted."""

from __future__ import annotations

from collections.abc import Sequence

from meshline.local.promises.sides import Sides

_ENRICHED = """
SELECT extract(epoch FROM r.finished_at - e.received_at)::float AS took_s
  FROM orchestration_run r JOIN orchestration_event e ON e.id = r.event_id
 WHERE r.flow = 'cart-context' AND r.replay_of IS NULL AND r.state = 'succeeded'
"""
_OUTCOMES = """
SELECT outcome, count(*) AS n FROM orchestration_run WHERE NOT internal GROUP BY outcome
"""


def figures(sides: Sides, *, ready_s: float) -> list[tuple[str, str]]:
    """Return pairs of what was measured and its value, in the order in which they are read."""
    enriched = [row["took_s"] for row in sides.ours.rows(_ENRICHED)]
    answers = [one["ms"] for one in sides.theirs.attempts if one["status"] is not None]
    outcomes = {row["outcome"]: row["n"] for row in sides.ours.rows(_OUTCOMES)}
    return [
        ("Ready after", f"{ready_s:.1f} s"),
        ("The story took", f"{sides.seen.story_s:.1f} s"),
        ("Runs", ", ".join(f"{n} {name or 'open'}" for name, n in sorted(outcomes.items()))),
        ("Ticket enrichment", f"{_spread(enriched)} s over {len(enriched)} tickets"),
        ("Ingest answers", f"{_spread(answers, digits=0)} ms over {len(answers)} webhooks"),
    ]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie; 0.0 if there are none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def _spread(values: Sequence[float], *, digits: int = 2) -> str:
    p50, p99 = quantile(values, 0.5), quantile(values, 0.99)
    return f"p50 {p50:.{digits}f}, p99 {p99:.{digits}f}"
