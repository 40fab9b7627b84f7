"""The ledger: reserve an effect before the call, settle it after, reuse what is done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from meshline.core.canonical import digest
from meshline.core.errors import Conflict
from meshline.core.safejson import Json
from orchestration.models import Effect, EffectState, Run
from orchestration.rules.outcomes import Done, Outcome, Refused, Transient, Unknown


@dataclass(frozen=True)
class Claim:
    """An effect reserved for a call; `fresh` if nobody ever asked for it before."""

    effect: Effect
    fresh: bool

    @property
    def stored(self) -> Done | None:
        """The result of an earlier attempt or run, if it is done."""
        if self.effect.state != EffectState.DONE:
            return None
        return Done(self.effect.result or {})


def claim(*, run: Run, path: str, scope: str, key: str, args: Json, now: datetime) -> Claim:
    """Reserve the effect (scope, key) for this run, or return what is known of it.

    Call it in the transaction that holds the run's lease: the intent is committed before the call.
    Raises: Conflict if the same key was reserved with other arguments and may have been applied.
    """
    fingerprint = digest(args)
    reserved = Effect.objects.bulk_create(
        [
            Effect(
                scope=scope,
                key=key,
                event_id=run.event_id,
                run_id=run.pk,
                last_run_id=run.pk,
                path=path,
                flow=run.flow,
                contract=run.contract,
                ticket=run.ticket,
                digest=fingerprint,
                request=args,
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    effect = Effect.objects.select_for_update().get(scope=scope, key=key)
    fresh = effect.created_at == reserved[0].created_at and effect.run_id == run.pk
    if effect.digest != fingerprint:
        _take_other_arguments(effect, args=args, fingerprint=fingerprint)
    if effect.last_run_id != run.pk:
        effect.last_run_id = run.pk
        effect.save(update_fields=["last_run_id"])
    return Claim(effect, fresh and effect.attempts == 0)


def _take_other_arguments(effect: Effect, *, args: Json, fingerprint: str) -> None:
    """A key stands for one request; only one that was refused (so: not applied) may change it."""
    if effect.state != EffectState.REFUSED:
        raise Conflict(
            f"Effect {effect.scope} {effect.key} was asked for with other values before.",
            remedy="Compare both requests on the run page, then resolve the handoff by hand.",
        )
    effect.digest, effect.request = fingerprint, args
    effect.save(update_fields=["digest", "request"])


def reuse(effect: Effect) -> None:
    """Count that a later run took the stored result instead of asking again."""
    Effect.objects.filter(pk=effect.pk).update(reused=F("reused") + 1)


def begin_attempt(effect: Effect) -> None:
    """Mark that a request is about to leave: until it is settled, nobody knows whether it did.

    What is done stays done, and what is unknown stays so until an answer says more.
    """
    refused = effect.state == EffectState.REFUSED
    Effect.objects.filter(pk=effect.pk).update(
        attempts=F("attempts") + 1, state=EffectState.INTENT if refused else effect.state
    )


def unanswered(*, run: Run) -> list[Effect]:
    """Call unknown what this run has asked for without an answer; returns all that is unknown.

    Call it when nobody will ask again by themselves, in the transaction that stops the run.
    """
    rows = Effect.objects.filter(event_id=run.event_id, last_run_id=run.pk)
    rows.filter(state=EffectState.INTENT, attempts__gt=0).update(state=EffectState.UNKNOWN)
    return list(rows.filter(state=EffectState.UNKNOWN).order_by("pk"))


def settle(*, scope: str, key: str, outcome: Outcome, now: datetime) -> bool:
    """Write what became of the effect; True if it has just become done.

    What is done stays done, whatever a later attempt says.
    """
    rows = Effect.objects.filter(scope=scope, key=key)
    news = False
    match outcome:
        case Done(result):
            news = rows.exclude(state=EffectState.DONE).exists()
            rows.update(
                state=EffectState.DONE,
                result=dict(result),
                adopted=bool(result.get("adopted")),
                settled_at=now,
                last_error="",
            )
        case Refused(reason, detail):
            rows.exclude(state=EffectState.DONE).update(
                state=EffectState.REFUSED, settled_at=now, last_error=f"{reason} {detail}"[:500]
            )
        case Transient(reason):
            rows.exclude(state=EffectState.DONE).update(last_error=reason[:500])
        case Unknown(reason):
            rows.exclude(state=EffectState.DONE).update(
                state=EffectState.UNKNOWN, last_error=reason[:500]
            )
    return news


def doubt(*, run: Run, paths: Collection[str]) -> None:
    """The system said done, and its acknowledgement never came: nobody knows any more."""
    of_run(run, paths).filter(state=EffectState.DONE).update(
        state=EffectState.UNKNOWN, last_error="answered, but never acknowledged"
    )


def confirm(*, run: Run, paths: Collection[str], now: datetime) -> None:
    """The acknowledgement came: what was in doubt is done."""
    of_run(run, paths).filter(state=EffectState.UNKNOWN, result__isnull=False).update(
        state=EffectState.DONE, settled_at=now, last_error=""
    )


def of_run(run: Run, paths: Collection[str]) -> QuerySet[Effect]:
    """The effects of these steps of the run's event and flow, whichever run made them."""
    return Effect.objects.filter(event_id=run.event_id, flow=run.flow, path__in=paths)
