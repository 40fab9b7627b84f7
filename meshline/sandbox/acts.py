"""All acts by name: what people and machines at the vendors do, each in one transaction."""

from __future__ import annotations

from collections.abc import Callable

from meshline.sandbox import desk, faults, pager, shop, till
from meshline.sandbox.state import Db, Json
from meshline.sandbox.webhooks import send_again
from meshline.sandbox.wire import ActRefused
from meshline.sandbox.world import new_id

Act = Callable[[Db, Json], Json]


def perform(db: Db, name: str, args: Json) -> Json:
    """Do one act; returns the ids of what it made. Raises ActRefused."""
    act = ACTS.get(name)
    if act is None:
        raise ActRefused(f"There is no act {name!r}; there are {', '.join(ACTS)}.")
    try:
        return act(db, args)
    except KeyError as missing:
        raise ActRefused(f"{name} needs or does not know {missing}.") from missing
    except (TypeError, AttributeError, OverflowError) as wrong:
        raise ActRefused(f"{name} cannot read what it was given: {wrong}.") from wrong


def cart(db: Db, args: Json) -> Json:
    """A customer fills a cart; the shop tells, unless it does not know of it itself (`known`)."""
    email = str(args.get("email") or desk.customer(db, args)["email"])
    local, _, domain = email.lower().partition("@")
    known = bool(args.get("known", True))
    made = shop.put_cart(
        db,
        cart_token=str(args.get("cart_token") or new_id("", 32).lower()),
        email=f"{local.partition('+')[0]}@{domain}",
        total_minor=int(args.get("total_minor") or 14820),
        currency=str(args.get("currency") or "EUR").upper(),
        promo_code=str(args.get("promo_code") or ""),
        order_id=str(args.get("order_id") or ""),
        name=str(args.get("name") or local.title()),
        known=known,
        value_minor=int(args.get("value_minor") or 194060),
        new_fields=args.get("new_fields"),
    )
    if known:
        shop.send_cart(db, made, twice_after_s=args.get("twice_s"))
    return {"cart_token": made["cart_token"], "email": made["email"]}


def cart_known(db: Db, args: Json) -> Json:
    """The shop learns of a cart that it did not know, and tells."""
    made = shop.make_known(db, str(args["cart_token"]))
    shop.send_cart(db, made)
    return {"cart_token": made["cart_token"], "email": made["email"]}


def page_ack(db: Db, args: Json) -> Json:
    """Whoever was paged answers."""
    found = pager.close(db, str(args["dedup_key"]), by=args.get("by"))
    return {"dedup_key": found["dedup_key"], "by": found["by"]}


def sleep_through(db: Db, args: Json) -> Json:
    """The first page that holds these words goes unheard."""
    words = [*(db.kept(pager.SLEEPS_FOR) or []), str(args["words"])]
    db.keep(pager.SLEEPS_FOR, words)
    return {"words": words}


def redeliver(db: Db, args: Json) -> Json:
    """The same webhook once more."""
    if not send_again(db, str(args["external_id"])):
        raise ActRefused(f"No webhook had the id {args['external_id']}.")
    return {"external_id": args["external_id"]}


def fault(db: Db, args: Json) -> Json:
    """Turn a fault switch on."""
    return faults.switch_on(db, args, made=str(args.get("made") or "story")).as_json()


def fault_off(db: Db, args: Json) -> Json:
    """Turn fault switches off, as `POST /_faults {"clear": …}` does."""
    return {"cleared": faults.switch_off(db, args.get("clear"))}


ACTS: dict[str, Act] = {
    act.__name__: act
    for act in (
        desk.ticket,
        desk.comment,
        desk.ticket_status,
        desk.priority,
        desk.refund_request,
        desk.cancellation_request,
        till.charge,
        till.refund_by_hand,
        till.refund_status,
        till.invoice,
        cart,
        cart_known,
        page_ack,
        sleep_through,
        redeliver,
        fault,
        fault_off,
    )
}
