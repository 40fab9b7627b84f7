"""The demo check's people: they press what the story waits for, on the console's own pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from meshline.local.demo_browser import Browser, Form, NotThere, Page
from meshline.local.state import Login

FIRST, SECOND = "support_agent", "ops_lead"
SLUGS = {"replay": "flow.replay", "backfill": "flow.backfill", "escalate": "escalate"}
REASONS = {
    "replay": "Billing says that it is well again.",
    "backfill": "The shop knows these carts by now.",
    "escalate": "The customer waits and I cannot mend it.",
}
# What a ticket's page says once it is over, and not before.
OUTCOMES = {
    "replay": ("The run has succeeded",),
    "backfill": ("The run has succeeded",),
    "escalate": ("oncall.page.acknowledged", "has taken", "Page acknowledged"),
}
LOOK_S = 0.5
FIND_WITHIN_S = 20.0
OUTCOME_WITHIN_S = 45.0


@dataclass
class Seen:
    """What the people saw on their screens; the promises are judged by it."""

    previews: dict[str, str] = field(default_factory=dict)
    pressed: dict[str, str] = field(default_factory=dict)
    told_first: list[str] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
    story_s: float = 0.0


class Player:
    """Starts the story, answers what it wants, and kills what it is told to kill."""

    def __init__(
        self,
        *,
        console: str,
        sandbox: str,
        supervisor: str,
        logins: list[Login],
        say: Callable[[str], None],
    ) -> None:
        self.seen = Seen()
        self._console, self._sandbox, self._supervisor = console, sandbox, supervisor
        self._people = {login.role: login for login in reversed(logins)}
        self._say = say
        self._watchers: list[threading.Thread] = []

    def play(self, *, kill: tuple[str, ...] = (), within_s: float = 400.0) -> Seen:
        """Play the story to its end. Raises: TimeoutError if it does not end."""
        with httpx.Client(base_url=self._sandbox, timeout=20) as vendors:
            began = time.monotonic()
            vendors.post("/_story/start").raise_for_status()
            chapter, answered, to_kill = 0, set[str](), list(kill)
            while time.monotonic() - began < within_s:
                story: dict[str, Any] = vendors.get("/_story").json()
                if story["chapter"] != chapter:
                    chapter = story["chapter"]
                    self._say(f"  {chapter} {story['title']}: {story['text_bold']}")
                if story["state"] == "done":
                    break
                if chapter >= 2 and to_kill:
                    to_kill = [name for name in to_kill if not self._kill(name)]
                if story["wants"] and story["wants"] not in answered:
                    answered.add(story["wants"])
                    self._answer(story["wants"], str(story["ticket"]))
                time.sleep(LOOK_S)
            else:
                raise TimeoutError(f"The story did not end; it stands in chapter {chapter}.")
            self.seen.story_s = time.monotonic() - began
        for watcher in self._watchers:
            watcher.join(OUTCOME_WITHIN_S)
        return self.seen

    def _kill(self, name: str) -> bool:
        """SIGKILL one process through the supervisor's page; False while it is not up."""
        answer = httpx.post(f"{self._supervisor}/kill/{name}", timeout=10)
        if answer.status_code != 200:
            return False
        self.seen.killed[name] = int(answer.json()["pid"])
        self._say(f"    killed {name}, process {self.seen.killed[name]}")
        return True

    def _answer(self, wants: str, ticket: str) -> None:
        self._say(f"    the story wants {wants} on {ticket}")
        try:
            self._press(wants, ticket)
        except (NotThere, httpx.HTTPError) as problem:
            self.seen.problems.append(f"{wants}: {problem}")
            self._say(f"    could not press {wants}: {problem}")

    def _press(self, wants: str, ticket: str) -> None:
        """Two people open the same form; with Replay both press it at the same moment."""
        slug = SLUGS[wants]
        roles = (FIRST, SECOND) if wants == "replay" else (SECOND,)
        browsers = [self._signed_in(role) for role in roles]
        forms: list[Form] = []
        before = browsers[0].get(f"/tickets/{ticket}/").text
        for browser in browsers:
            preview = _until(lambda b=browser: _preview(b, _place(b, wants, ticket), slug))  # type: ignore[misc]
            self.seen.previews[wants] = preview.text
            forms.append(preview.form(f"/{slug}/"))
        answers = _at_once(
            [
                lambda b=b, f=f: _send(b, f, **_typed(f, wants))  # type: ignore[misc]
                for b, f in zip(browsers, forms, strict=True)
            ]
        )
        for role, answer in zip(roles, answers, strict=True):
            self._note(wants, role, answer)
        for browser in browsers[1:]:
            browser.__exit__(None, None, None)
        self._follow(wants, ticket, browsers[0], before)

    def _signed_in(self, role: str) -> Browser:
        person = self._people[role]
        browser = Browser(self._console)
        browser.sign_in(person.username, person.password)
        return browser

    def _note(self, wants: str, role: str, answer: Page | None) -> None:
        name = self._people[role].name
        if answer is None:
            self._say(f"    {name} pressed {wants}; the server went away before it answered")
        elif answer.status == 409 and wants == "replay":
            self.seen.told_first.append(answer.text)
            self._say(f"    {name} pressed {wants} too, and is told who was first")
        elif answer.status in (200, 409):  # 409: our own press, whose answer was lost
            self.seen.pressed[wants] = name
            self._say(f"    {name} pressed {wants}")
        else:
            self.seen.problems.append(f"{wants}: {answer.status} {answer.text[:200]}")

    def _follow(self, wants: str, ticket: str, browser: Browser, before: str) -> None:
        """Watch the ticket's page, as the presser would, until it tells what it did not before."""
        words = OUTCOMES[wants]

        def watch() -> None:
            until = time.monotonic() + OUTCOME_WITHIN_S
            with browser:
                while time.monotonic() < until and wants not in self.seen.outcomes:
                    try:
                        text = browser.get(f"/tickets/{ticket}/").text
                    except httpx.HTTPError:
                        text = ""
                    found = next((w for w in words if text.count(w) > before.count(w)), "")
                    if found:
                        self.seen.outcomes[wants] = found
                    time.sleep(LOOK_S * 2)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        self._watchers.append(thread)


def _place(browser: Browser, wants: str, ticket: str) -> str:
    """The page on which a person would look for the button."""
    if wants == "escalate":
        return f"/tickets/{ticket}/"
    listed = browser.get(f"/handoffs/?ticket={ticket}")
    for address, _ in listed.links:
        path = httpx.URL(address).path
        if path.startswith("/handoffs/") and path.strip("/").rpartition("/")[2].isdigit():
            return path
    raise NotThere(f"No handoff is listed for {ticket}.")


def _preview(browser: Browser, place: str, slug: str) -> Page:
    """Open the button's own page from the page that links to it. Raises: NotThere."""
    preview = browser.get(browser.get(place).link(f"/{slug}/"))
    preview.form(f"/{slug}/")
    return preview


def _until(look: Callable[[], Page]) -> Page:
    """Look again until the page holds what is wanted. Raises: NotThere, as the last look did."""
    until = time.monotonic() + FIND_WITHIN_S
    while True:
        try:
            return look()
        except NotThere:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_S)


def _typed(form: Form, wants: str) -> Mapping[str, str]:
    """What a person types: only the reason; ticket and contract are filled in already."""
    values = {"reason": REASONS[wants]}
    presets = [choice for choice in form.choices.get("preset", []) if choice]
    return values | ({"preset": presets[0]} if presets else {})


def _send(browser: Browser, form: Form, **typed: str) -> Page | None:
    """Press; if the answer was lost, once more under the same press key: two make one action."""
    for _ in range(3):
        try:
            return browser.send(form, **typed)
        except httpx.TransportError:
            browser.get("/")  # comes back when the server does
    return None


def _at_once(presses: list[Callable[[], Page | None]]) -> list[Page | None]:
    """Do all presses at the same moment, each in a thread."""
    gate = threading.Barrier(len(presses))
    answers: list[Page | None] = [None] * len(presses)

    def press(n: int) -> None:
        gate.wait(10)
        answers[n] = presses[n]()

    threads = [threading.Thread(target=press, args=(n,)) for n in range(len(presses))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
