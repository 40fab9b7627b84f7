"""Promises of the engine itself: runs end, leases hold, timers fire, the audit stays."""

from __future__ import annotations

from typing import LiteralString

import psycopg

from meshline.local.promises.sides import Promise, Sides

# Two periods of the slower sweep, beat's; after an outage, the recovery budget.
LATE_S = 10.0
RECOVERED_S = 60.0
GRACE = "10 seconds"

_STUCK = """
SELECT r.id, r.flow, r.state, r.ticket FROM orchestration_run r
 WHERE (r.state = 'ready' AND r.wake_at < now() - %s::interval)
    OR (r.state = 'waiting' AND (r.wake_at IS NULL OR r.wake_at < now() - %s::interval))
    OR (r.state = 'running' AND r.lease_until < now())
    OR (r.state = 'failed' AND NOT EXISTS (
          SELECT 1 FROM orchestration_handoff h WHERE h.run_id = r.id AND h.state <> 'resolved'))
"""
_ALARMS = """
SELECT a.timer_id, a.level, t.ticket, t.metric, a.due_at, a.fired_at,
       extract(epoch FROM a.fired_at - a.due_at)::float AS late_s,
       a.fired_at IS NULL AND a.due_at < now() - interval '60 seconds' AS missed
  FROM orchestration_timeralarm a JOIN orchestration_slatimer t ON t.id = a.timer_id
 WHERE a.due_at IS NOT NULL AND (a.fired_at IS NOT NULL OR a.due_at < now())
"""
_DOUBLE_ALARMS = """
SELECT told.* FROM (
  SELECT object_id, detail->>'level' AS level, count(*) AS times FROM contracts_app_auditentry
   WHERE action IN ('timer.warn', 'timer.breach') GROUP BY 1, 2) told
 WHERE told.times > (SELECT count(*) FROM orchestration_timeralarm t
                      WHERE t.timer_id::text = told.object_id AND t.level::text = told.level
                        AND t.fired_at IS NOT NULL)
"""
_UNAUDITED = """
SELECT 'handoff ' || h.id AS what FROM orchestration_handoff h
 WHERE NOT EXISTS (SELECT 1 FROM contracts_app_auditentry a
                    WHERE a.object_type = 'handoff' AND split_part(a.object_id, '-', 2) = h.id::text
                      AND a.action = 'handoff.open')
    OR (h.state = 'resolved' AND NOT EXISTS (
          SELECT 1 FROM contracts_app_auditentry a
           WHERE a.object_type = 'handoff' AND split_part(a.object_id, '-', 2) = h.id::text
             AND a.action = 'handoff.resolve'))
UNION ALL
SELECT 'timer ' || t.id FROM orchestration_slatimer t
 WHERE NOT EXISTS (SELECT 1 FROM contracts_app_auditentry a
                    WHERE a.object_type = 'timer' AND a.object_id = t.id::text
                      AND a.action = 'timer.start')
    OR (t.state IN ('met', 'cancelled') AND NOT EXISTS (
          SELECT 1 FROM contracts_app_auditentry a
           WHERE a.object_type = 'timer' AND a.object_id = t.id::text
             AND a.action IN ('timer.stop', 'timer.cancel')))
"""
_ATTACKS: tuple[LiteralString, ...] = (
    "UPDATE contracts_app_auditentry SET reason = 'never happened'",
    "DELETE FROM contracts_app_auditentry",
    "TRUNCATE contracts_app_auditentry",
    "ALTER TABLE contracts_app_auditentry DISABLE TRIGGER ALL",
)


def runs_end(sides: Sides) -> Promise:
    """Every run has ended, waits for something to come, or lies with a person."""
    stuck = sides.ours.rows(_STUCK, GRACE, GRACE)
    states = sides.ours.rows(
        "SELECT state, count(*) AS n FROM orchestration_run GROUP BY state ORDER BY n DESC"
    )
    total = sum(row["n"] for row in states)
    return Promise(
        "Every run has ended, waits for an answer or lies with a person",
        ", ".join(f"{row['n']} {row['state']}" for row in states),
        f"{total} runs, {len(stuck)} out of sight",
        total,
        tuple(f"{row['flow']} of {row['ticket']} is {row['state']}" for row in stuck),
    )


def no_lapsed_lease(sides: Sides) -> Promise:
    """No run is held by a worker that is gone, and none is worked on when all is quiet."""
    rows = sides.ours.rows(
        "SELECT id, lease_by FROM orchestration_run WHERE state = 'running' OR "
        "lease_until IS NOT NULL"
    )
    taken = sides.ours.number("SELECT sum(fence) FROM orchestration_run")
    return Promise(
        "No lease is left behind",
        f"{taken} leases taken",
        f"{len(rows)} left",
        taken,
        tuple(f"run {row['id']} by {row['lease_by']}" for row in rows),
    )


def timers_fire(sides: Sides) -> Promise:
    """Each alarm fires once, not before its time, and soon after it."""
    rows = sides.ours.rows(_ALARMS)
    fired = [row for row in rows if row["fired_at"] is not None]
    limit = LATE_S if sides.calm else RECOVERED_S
    outages = [child for child in sides.children if child["restarts"]]
    broken = [f"{r['ticket']} {r['metric']} {r['level']} % fired {r['late_s']:.1f} s after its time"
              for r in fired if r["late_s"] < 0
              or r["late_s"] > (RECOVERED_S if outages else limit)]  # fmt: skip
    broken += [f"{r['ticket']} {r['metric']} {r['level']} % never fired" for r in rows
               if r["missed"]]  # fmt: skip
    broken += [f"timer {row['object_id']} at {row['level']} % fired {row['times']} times"
               for row in sides.ours.rows(_DOUBLE_ALARMS)]  # fmt: skip
    latest = max((row["late_s"] for row in fired), default=0.0)
    on_time = sum(row["late_s"] <= LATE_S for row in fired)
    return Promise(
        "Each promise's alarm fires once, and not early",
        f"{len(fired)} fired, the latest after {latest:.1f} s",
        f"{on_time} within {LATE_S:.0f} s",
        len(fired),
        tuple(broken),
    )


def audit_complete(sides: Sides) -> Promise:
    """Handoffs and timers moved only with an entry in the audit log."""
    total = sides.ours.number("SELECT count(*) FROM contracts_app_auditentry")
    things = sides.ours.number(
        "SELECT (SELECT count(*) FROM orchestration_handoff) "
        "+ (SELECT count(*) FROM orchestration_slatimer)"
    )
    missing = sides.ours.rows(_UNAUDITED)
    return Promise(
        "The audit log holds every handoff and every timer",
        f"{total} entries",
        f"{things} handoffs and timers, {len(missing)} not in it",
        things,
        tuple(str(row["what"]) for row in missing),
    )


def audit_fast(sides: Sides) -> Promise:
    """The application itself cannot change what the audit log says."""
    broken = [attack for attack in _ATTACKS if not _refused(sides, attack)]
    return Promise(
        "The application cannot change the audit log",
        f"{len(_ATTACKS) - len(broken)} ways refused",
        f"{len(_ATTACKS)} ways tried",
        len(_ATTACKS),
        tuple(broken),
    )


def _refused(sides: Sides, attack: LiteralString) -> bool:
    connection = sides.ours.connection
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(attack)
    except psycopg.Error:
        return True
    return False


def killed_came_back(sides: Sides) -> Promise:
    """What was killed in the middle runs again, by itself."""
    killed = [name for name in sides.seen.killed if name != "postgres-backend"]
    wanted = {"worker", *killed}
    children = {child["name"]: child for child in sides.children}
    broken = [f"{name} was never started again" for name in sorted(wanted)
              if not children.get(name, {}).get("restarts")]  # fmt: skip
    broken += [f"{name} is down" for name, child in children.items() if not child["pid"]]
    restarts = {name: child["restarts"] for name, child in children.items() if child["restarts"]}
    return Promise(
        "What is killed in the middle of it comes back by itself",
        ", ".join(f"{name} {times} x" for name, times in restarts.items()) or "nothing came back",
        f"killed: {', '.join(sorted({*wanted, *sides.seen.killed}))}",
        len(restarts),
        tuple(broken),
    )


PROMISES = (
    runs_end,
    no_lapsed_lease,
    timers_fire,
    audit_complete,
    audit_fast,
    killed_came_back,
)
