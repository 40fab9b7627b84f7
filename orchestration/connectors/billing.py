"""Billing, spoken as Stripe does: refunds looked up before they are made, subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from meshline.core.safejson import Json
from orchestration.connectors.answers import Part
from orchestration.connectors.base import Call, CallFailed, Endpoint
from orchestration.connectors.http import Exchange, Form, HttpClient, Query, path
from orchestration.connectors.rest import HttpConnector
from orchestration.rules.outcomes import Done, Outcome, Refused

_STATUS = {"requires_action": "pending", "canceled": "failed"}
_MAX_PAGES = 5
_NO_SUBSCRIPTION = {
    "id": None,
    "status": "missing",
    "cancel_at_period_end": False,
    "reference": None,
}
_NO_REFUND = {
    "id": None,
    "status": "missing",
    "reference": None,
    "amount_minor": None,
    "currency": None,
}

_Shape: TypeAlias = Callable[[Part], dict[str, Json]]


class Billing(HttpConnector):
    """Operations `billing.*`; money is looked up before it moves."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        client = HttpClient(
            endpoint,
            headers={"Authorization": f"Bearer {endpoint.token}"},
            busy=frozenset({409}),  # the same key is being worked on at this moment
            explain=_explain,
        )
        super().__init__(client, timeout_s)
        self.handlers = {
            "billing.create_refund": _create_refund,
            "billing.get_refund": _get_refund,
            "billing.cancel_subscription": _cancel_subscription,
            "billing.get_subscription": _get_subscription,
            "billing.flag_for_review": _flag_for_review,
        }
        self.look_ups = {
            "billing.create_refund": _existing_refund,
            "billing.cancel_subscription": _cancelled_already,
            "billing.flag_for_review": _flagged_already,
        }


def _create_refund(call: Call, http: Exchange) -> Outcome:
    form = {"charge": str(call.args["charge"]), "amount": str(call.args["amount_minor"])}
    made = http.effect("POST", "/v1/refunds", form={**form, **_our_mark(call)})
    return _refund_done(made, adopted=False)


def _existing_refund(call: Call, http: Exchange) -> Outcome | None:
    """Find the refund by our reference, else one made by hand on the same charge, and adopt it.

    What failed at billing is no refund. Several, or one of another amount, are a person's matter.
    """
    ours = [refund for refund in _by_reference(call.args["reference"], http) if _is_live(refund)]
    on_charge: list[Part] = []
    if not ours:  # billing's search lags behind; its list does not
        on_charge = [r for r in _pages(http, {"charge": str(call.args["charge"])}) if _is_live(r)]
        ours = [refund for refund in on_charge if _reference(refund) == call.args["reference"]]
    if ours:
        same = len(ours) == 1 and ours[0].whole("amount") == call.args["amount_minor"]
        return _refund_done(ours[0], adopted=False) if same else _ambiguous(ours)
    by_hand = [refund for refund in on_charge if _reference(refund) is None]
    if not by_hand:
        return None
    if len(by_hand) > 1 or by_hand[0].whole("amount") != call.args["amount_minor"]:
        return _ambiguous(by_hand)
    return _adopt(call, by_hand[0], http)


def _adopt(call: Call, refund: Part, http: Exchange) -> Outcome:
    """Write our reference on a refund made by hand: its acknowledgement then finds its run."""
    at = path("/v1/refunds/{id}", id=refund.text("id"))
    return _refund_done(
        http.effect("POST", at, form=_our_mark(call), purpose="adopt"), adopted=True
    )


def _ambiguous(found: list[Part]) -> Refused:
    amounts = ", ".join(f"{refund.text('id')} of {refund.whole('amount')}" for refund in found[:5])
    return Refused(
        "ambiguous_refund",
        f"Billing already holds {amounts} (minor units) on this charge. Compare by hand.",
    )


def _get_refund(call: Call, http: Exchange) -> Outcome:
    if call.args.get("billing_id"):
        at = path("/v1/refunds/{id}", id=call.args["billing_id"])
        return _or_missing(http, at, _refund_of, _NO_REFUND)
    found = _by_reference(call.args["reference"], http)
    # A failed one that was made again is past; the newest live one is what counts.
    best = next((refund for refund in found if _is_live(refund)), found[0] if found else None)
    return Done(_refund_of(best) if best else _NO_REFUND)


def _by_reference(reference: Json, http: Exchange) -> list[Part]:
    """Refunds with our reference, newest first; without a search at billing, among recent ones."""
    quoted = str(reference).replace("\\", "\\\\").replace("'", "\\'")
    query: Query = {"query": f"metadata['reference']:'{quoted}'", "limit": 100}
    try:
        found = http.get("/v1/refunds/search", query).parts("data")
    except CallFailed as failed:
        if failed.status not in {400, 404}:
            raise
        found = _pages(http, {})
    return [refund for refund in found if _reference(refund) == reference]


def _pages(http: Exchange, query: dict[str, str]) -> list[Part]:
    """A list of refunds, newest first, over a bounded number of pages."""
    found: list[Part] = []
    after: dict[str, str] = {}
    for _ in range(_MAX_PAGES):
        page = http.get("/v1/refunds", {"limit": 100, **query, **after})
        refunds = page.parts("data")
        found += refunds
        if not refunds or page.raw("has_more") is not True:
            break
        after = {"starting_after": refunds[-1].text("id")}
    return found


def _cancel_subscription(call: Call, http: Exchange) -> Outcome:
    form = {"cancel_at_period_end": "true", **_our_mark(call)}
    at = path("/v1/subscriptions/{id}", id=call.args["subscription"])
    return Done(_subscription_of(http.effect("POST", at, form=form)))


def _cancelled_already(call: Call, http: Exchange) -> Outcome | None:
    at = path("/v1/subscriptions/{id}", id=call.args["subscription"])
    found = _or_missing(http, at, _subscription_of, _NO_SUBSCRIPTION).result
    ours = found.get("reference") == call.args["reference"]
    return Done(found) if ours and found.get("cancel_at_period_end") else None


def _get_subscription(call: Call, http: Exchange) -> Outcome:
    at = path("/v1/subscriptions/{id}", id=call.args["subscription"])
    return _or_missing(http, at, _subscription_of, _NO_SUBSCRIPTION)


def _flag_for_review(call: Call, http: Exchange) -> Outcome:
    found = _by_reference(call.args["reference"], http)
    if not found:
        return Refused("not_found", "Billing holds no refund with this reference to flag.")
    at = path("/v1/refunds/{id}", id=found[0].text("id"))
    http.effect("POST", at, form={"metadata[review]": str(call.args["note"])[:500], **_mark(call)})
    return Done()


def _flagged_already(call: Call, http: Exchange) -> Outcome | None:
    note = str(call.args["note"])[:500]
    found = _by_reference(call.args["reference"], http)
    flagged = any(refund.maybe_part("metadata").raw("review") == note for refund in found)
    return Done() if flagged else None


def _or_missing(http: Exchange, at: str, shape: _Shape, missing: Mapping[str, Json]) -> Done:
    """Read one object; what is not there is an answer too: status `missing`."""
    try:
        return Done(shape(http.get(at)))
    except CallFailed as failed:
        if failed.status != 404:
            raise
        return Done(missing)


def _refund_done(refund: Part, *, adopted: bool) -> Done:
    found = _refund_of(refund)
    found.pop("reference")
    return Done({**found, "adopted": adopted})


def _refund_of(refund: Part) -> dict[str, Json]:
    status = refund.text("status")
    return {
        "id": refund.text("id"),
        "status": _STATUS.get(status, status),
        "reference": _reference(refund),
        "amount_minor": refund.whole("amount"),
        "currency": refund.text("currency").upper(),
    }


def _subscription_of(subscription: Part) -> dict[str, Json]:
    return {
        "id": subscription.text("id"),
        "status": subscription.text("status"),
        "cancel_at_period_end": subscription.flag("cancel_at_period_end"),
        "reference": _reference(subscription),
    }


def _is_live(refund: Part) -> bool:
    return refund.text("status") not in {"failed", "canceled"}


def _reference(thing: Part) -> str | None:
    return thing.maybe_part("metadata").maybe_text("reference")


def _our_mark(call: Call) -> Form:
    return {"metadata[reference]": str(call.args["reference"]), **_mark(call)}


def _mark(call: Call) -> Form:
    return {"metadata[meshline_run]": call.run} if call.run else {}


def _explain(body: Json) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    reason = error.get("code") or error.get("type") or ""
    return str(reason), str(error.get("message") or "")
