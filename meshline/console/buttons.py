"""Buttons of runbooks: what a press would do, the press, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from contracts_app.queries import clock, people
from meshline.console import access
from meshline.console.forms import PressForm
from meshline.console.polling import etagged
from meshline.core.errors import ContractViolation, IllegalTransition, MeshlineError, NotAllowed
from orchestration.models import Event, Handoff, Run
from orchestration.queries import contacts, run_story, runs
from runbooks.actions import ACTIONS
from runbooks.actions.base import Action, Target
from runbooks.models import Intervention
from runbooks.queries import presses
from runbooks.rules.permit import Permit
from runbooks.services import buttons as service
from runbooks.services.buttons import TooLate, Wish

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from meshline.console.access import ConsoleRequest

ICONS = {
    "flow.replay": "rotate-cw",
    "flow.retry_step": "play",
    "flow.backfill": "rotate-ccw-clock",
    "escalate": "siren",
    "flow.resolve_by_hand": "hand",
    "flow.cancel": "x",
}
KEYS = {"flow.replay": "r", "flow.retry_step": "s", "escalate": "e", "flow.backfill": "b"}


@dataclass(frozen=True)
class ShownButton:
    """A button on a page: its address, its look, and whether this reader may press it."""

    slug: str
    title: str
    icon: str
    key: str
    url: str
    permit: Permit

    @property
    def is_shown_above(self) -> bool:
        """Whether it stands in the first row: paging somebody must never be searched for."""
        return self.slug == "escalate" and bool(self.permit)


def target_of(
    *, handoff: Handoff | None = None, run: Run | None = None, event: Event | None = None
) -> Target:
    """What a button on this handoff, run or event's ticket acts on."""
    return service.target_of(handoff=handoff, run=run, event=event)


def offered(target: Target, user: User) -> list[ShownButton]:
    """Return the buttons that make sense here, in the order of the register."""
    return [
        ShownButton(
            slug=button.action.slug,
            title=button.action.title,
            icon=ICONS.get(button.action.slug, "play"),
            key=KEYS.get(button.action.slug, ""),
            url=reverse("console:button-preview", args=[*_names(target), button.action.slug]),
            permit=button.permit,
        )
        for button in service.buttons_for(target=target, user=user)
    ]


def main_button(shown: list[ShownButton], named: tuple[str, ...] = ()) -> ShownButton | None:
    """Return the button to press first: Replay, or else what the runbook names first."""
    allowed = {button.slug: button for button in shown if button.permit}
    allowed.pop("escalate", None)  # it stands beside, always
    wanted = ["flow.replay"] if not named or "flow.replay" in named else []
    for slug in [*wanted, *named, "flow.replay", "flow.retry_step"]:
        if slug in allowed:
            return allowed[slug]
    return None


@require_GET
def button_preview(request: ConsoleRequest, kind: str, ref: str, slug: str) -> HttpResponse:
    """What the press would do, effect by effect, and the form to press with."""
    target = _find(request.user, kind, ref)
    context = preview_context(request, target, slug)
    if context is None:
        return _not_possible(request, target, slug)
    return render(request, _part(request, "preview"), context)


@require_POST
def button_press(request: ConsoleRequest, kind: str, ref: str, slug: str) -> HttpResponse:
    """Press: once, whoever presses beside; the answer is what came of it."""
    target, action = _find(request.user, kind, ref), _action(slug)
    form = PressForm(request.POST, parameters=action.parameters, presets=action.reasons)
    if not form.is_valid():
        return _again(request, target, slug, form)
    try:
        press = service.press_button(
            target=target, slug=slug, wish=_wish(form), by=request.user, now=clock.now()
        )
    except TooLate as late:
        return _first(request, _find(request.user, kind, ref), late)
    except NotAllowed as refusal:
        return refused(request, refusal, back=_back(target))
    except ContractViolation as wrong:
        form.blame(wrong.violations, wrong.message)
        return _again(request, target, slug, form)
    except MeshlineError as error:
        status = 409 if isinstance(error, IllegalTransition) else 422
        text = f"{action.title} was not started and nothing was sent. {error.message}"
        form.add_error(None, f"{text} {error.remedy}".strip())
        return _again(request, target, slug, form, status=status)
    return _pressed(request, target, press)


@require_GET
@etagged
def press_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What came of one press; live until it is over."""
    access.require_reader(request.user)
    press = Intervention.objects.select_related("actor").filter(pk=pk).first()
    if press is None:
        raise Http404(f"There is no press with the number {pk}.")
    whole = not request.htmx and "partial" not in request.GET
    template = "console/buttons/outcome.html" if whole else "console/buttons/_outcome.html"
    return render(request, template, outcome_context(press))


def preview_context(request: ConsoleRequest, target: Target, slug: str) -> dict[str, Any] | None:
    """What the drawer shows, or None if the action is not offered (any more)."""
    action = _action(slug)
    button = next(
        (b for b in service.buttons_for(target=target, user=request.user) if b.action is action),
        None,
    )
    if button is None:
        return None
    form = PressForm(
        parameters=action.parameters,
        presets=action.reasons,
        initial={"ticket": target.ticket, "press_key": service.press_key_of(target)},
    )
    return {
        "action": action,
        "button": button,
        "form": form,
        "preview": service.preview_button(target=target, slug=slug),
        "target": target,
        "icon": ICONS.get(slug, "play"),
        "back": _back(target),
        "press_url": reverse("console:button-press", args=[*_names(target), slug]),
        "contacts": () if button.allowed else _others(target.contract, request.user),
        "now": clock.now(),
        "inline": bool(request.htmx),
    }


def outcome_context(press: Intervention) -> dict[str, Any]:
    """What came of a press, with where its run stands."""
    story = presses.stories_of([press])[0]
    action = ACTIONS.get(press.action)
    run = story.run
    handoff = Handoff.objects.filter(pk=press.handoff_id).first() if press.handoff_id else None
    return {
        "story": story,
        "title": action.title if action else press.action,
        "row": runs.rows_of([run])[0] if run else None,
        "handoff": handoff,
        "effects": run_story.story_of(run).effects if run and story.settled else [],
        "now": clock.now(),
        "outcome_url": reverse("console:press", args=[press.pk]) + "?partial=1",
    }


def refused(request: ConsoleRequest, refusal: NotAllowed, *, back: str) -> HttpResponse:
    """Answer 403 with the reason: as a problem that the script shows, or as a page."""
    if request.htmx:
        return JsonResponse(
            refusal.to_problem(), status=403, content_type="application/problem+json"
        )
    return render(
        request, "console/buttons/refused.html", {"refusal": refusal, "back": back}, status=403
    )


def go_to(request: ConsoleRequest, address: str) -> HttpResponse:
    """Send the browser to an address, with or without JavaScript."""
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def _pressed(request: ConsoleRequest, target: Target, press: Intervention) -> HttpResponse:
    if not request.htmx:
        messages.success(request, press.result or "Pressed.")
        return HttpResponseRedirect(_back(target))
    answer = render(request, "console/buttons/_outcome.html", outcome_context(press))
    answer["HX-Trigger"] = json.dumps({"meshline:tick": ""})
    return answer


def _again(
    request: ConsoleRequest, target: Target, slug: str, form: PressForm, *, status: int = 422
) -> HttpResponse:
    """The same drawer with what is wrong in it; or who was first, if that is what is wrong."""
    context = preview_context(request, target, slug)
    if context is None:
        return _not_possible(request, target, slug)
    return render(request, _part(request, "preview"), context | {"form": form}, status=status)


def _first(request: ConsoleRequest, target: Target, late: TooLate) -> HttpResponse:
    """Answer 409 to a press that came second: who was first, and where to watch it."""
    first = late.first
    own = first is not None and first.actor_id == request.user.pk
    context = {
        "late": late,
        "heading": "You pressed it already" if own else "Somebody was first",
        "looked": False,
        **_last(request, target, first),
    }
    return render(request, _part(request, "first"), context, status=409)


def _not_possible(request: ConsoleRequest, target: Target, slug: str) -> HttpResponse:
    """Answer 409 for a button that is not there any more: what happened last; nobody pressed."""
    context = {
        "heading": f"{_action(slug).title} is not possible here any more",
        "looked": True,
        **_last(request, target, service.latest_press(target)),
    }
    return render(request, _part(request, "first"), context, status=409)


def _last(request: ConsoleRequest, target: Target, press: Intervention | None) -> dict[str, Any]:
    """What happened last on the target, for the reader: who pressed what, who resolved it."""
    story = presses.stories_of([press])[0] if press else None
    own = press is not None and press.actor_id == request.user.pk
    handoff, run = target.handoff, story.run if story else None
    resolved = handoff is not None and handoff.state == "resolved"
    return {
        "story": story,
        "who": "You" if own else story.who if story else "",
        "title": _title(press.action) if press else "",
        "handoff": handoff if resolved else None,
        "closer": closer_of(handoff, request.user) if handoff and resolved else "",
        "now": clock.now(),
        "back": _back(target),
        "watch": _watch(story, run or target.run),
    }


def _watch(story: presses.PressStory | None, run: Run | None) -> str:
    """Where it can be followed: the backfill, or the run."""
    if story is not None and story.backfill is not None:
        return reverse("console:backfill", args=[story.backfill.pk])
    return reverse("console:run", args=[run.pk]) if run is not None else ""


def closer_of(handoff: Handoff, reader: User) -> str:
    """Return who has resolved it, as a sentence goes on after "by"."""
    if handoff.resolved_by == reader.get_username():
        return "you"
    return people.names_of([handoff.resolved_by])[handoff.resolved_by]


def _others(contract: str, reader: User) -> list[contacts.Contact]:
    """Return whom the reader can talk to about a contract: not themselves."""
    own = {reader.get_full_name(), reader.get_username()}
    found = contacts.contacts_of(contract, clock.now())
    others = {one.name: one for one in found if one.name not in own}
    return list(others.values())


def _wish(form: PressForm) -> Wish:
    return Wish(
        ticket=form.cleaned_data["ticket"],
        reason=form.why(),
        values=form.values(),
        press_key=form.cleaned_data["press_key"],
    )


def _find(user: User, kind: str, ref: str) -> Target:
    """Raises: Http404 if there is no such handoff, run or event."""
    if kind == "handoff" and ref.isdigit() and len(ref) < 19:
        return target_of(handoff=access.get_handoff_for(user, int(ref)))
    try:
        identifier = UUID(ref)
    except ValueError:
        raise Http404("There is no such thing to press a button on.") from None
    if kind == "event":
        return target_of(event=access.get_event_for(user, identifier))
    if kind != "run":
        raise Http404("There is no such thing to press a button on.")
    return target_of(run=access.get_run_for(user, identifier))


def _action(slug: str) -> Action:
    if slug not in ACTIONS:
        raise Http404(f"There is no action {slug[:60]}.")
    return ACTIONS[slug]


def _title(slug: str) -> str:
    return ACTIONS[slug].title if slug in ACTIONS else slug


def _names(target: Target) -> tuple[str, str]:
    """How the target is named in an address: by its handoff while there is one."""
    if target.handoff is not None:
        return "handoff", str(target.handoff.pk)
    if target.run is None and target.event is not None:
        return "event", str(target.event.pk)
    return "run", str(target.run.pk) if target.run else ""


def _back(target: Target) -> str:
    """The page on which the button stands."""
    if target.handoff is not None:
        return reverse("console:handoff", args=[target.handoff.pk])
    if target.run is not None:
        return reverse("console:run", args=[target.run.pk])
    return reverse("console:ticket", args=[target.ticket]) if target.ticket else "/"


def _part(request: ConsoleRequest, name: str) -> str:
    return f"console/buttons/_{name}.html" if request.htmx else f"console/buttons/{name}.html"
