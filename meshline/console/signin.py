"""Sign in and out, and change one's password: Django's own views, with lock-out and audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeDoneView
from django.contrib.auth.views import PasswordChangeView as StockPasswordChange
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator

from contracts_app.queries import clock, people
from meshline.console import demo, middleware
from meshline.console.ui import times
from orchestration.queries import health
from runbooks.rules import lockout
from runbooks.services import sign_ins

if TYPE_CHECKING:
    from datetime import datetime

    from runbooks.rules.lockout import Standing

WRONG = "That name and password do not match."
BUSY = "Another sign-in for this name is being looked at. Try again in a moment."
REFUSED, TOO_MANY = 422, 429


class SignInForm(AuthenticationForm):
    """Name or e-mail, password, and whether to stay."""

    error_messages = {"invalid_login": WRONG, "inactive": WRONG}
    stay = forms.BooleanField(label="Stay signed in for 12 hours on this device", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].label = "Name or e-mail"

    def clean_username(self) -> str:
        """Take an e-mail address for the name of the account that has it."""
        typed: str = self.cleaned_data["username"].strip()
        account = sign_ins.account_named(typed)
        return account.get_username() if account else typed


class SignIn(LoginView):
    """The door. One attempt at a time is judged for an account and for an address."""

    template_name = "console/signin.html"
    authentication_form = SignInForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Judge the attempt; every refusal and every sign-in is in the audit log."""
        form = self.get_form()
        typed = request.POST.get("username", "").replace("\0", "").strip()[:254]
        if not typed or not request.POST.get("password"):
            form.is_valid()
            return self._again(form, REFUSED)
        now = clock.now()
        with transaction.atomic():
            why, status = self._judge(form, typed, now)
        if not why:
            demo.start_once()
            return redirect(self.get_success_url())
        return self._told(form, why, status)

    def _judge(self, form: Any, typed: str, now: datetime) -> tuple[tuple[str, ...], int]:
        """Sign in, or say why not; nothing is rendered while others wait for their turn."""
        if not sign_ins.take_turn(typed):
            return (BUSY,), TOO_MANY
        before = sign_ins.standing(typed, now=now)
        if before.locked:
            return (_locked(before, now),), TOO_MANY
        if form.is_valid():
            self._open(form, now)
            return (), 0
        left = sign_ins.record_refusal(typed, now=now)
        if left.locked:
            return (WRONG, _locked(left, now)), TOO_MANY
        return (WRONG, _tries(left)), REFUSED

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Add who may sign in to a demo, and how the parts are."""
        shown = super().get_context_data(**more)
        parts = _parts(clock.now())
        running = all(part["ok"] for part in parts)
        return shown | {
            "demo_logins": demo.logins(),
            "parts": parts,
            "all_running": running,
            "public_catalogue": settings.PUBLIC_CATALOGUE,
        }

    def _open(self, form: Any, now: datetime) -> None:
        user: User = form.get_user()
        sign_ins.record_sign_in(user, now=now)
        login(self.request, user)  # a fresh session key: a planted one is worth nothing
        middleware.begin(self.request, now=now, admin="admin" in people.roles_of(user))
        if not form.cleaned_data["stay"]:
            self.request.session.set_expiry(0)  # ends with the browser, and by the limits anyway

    def _told(self, judged: Any, why: tuple[str, ...], status: int) -> HttpResponse:
        """The form with what is wrong; a locked one says nothing about the password."""
        form: Any = self.authentication_form(
            self.request, initial={"username": judged.data.get("username", "")}
        )
        form.full_clean()
        form.cleaned_data = {}
        for text in why:
            form.add_error(None, text)
        return self._again(form, status)

    def _again(self, form: Any, status: int) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status)


@method_decorator(login_not_required, name="dispatch")
class SignOut(LogoutView):
    """Ends the session, by POST only."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End it; what the browser has stored of these pages is cleared."""
        if isinstance(request.user, User):
            sign_ins.record_sign_out(request.user, now=clock.now())
        response = super().post(request, *args, **kwargs)
        response["Clear-Site-Data"] = '"cache"'
        return response


class PasswordChange(StockPasswordChange):
    """Choose another password; one's other sessions end with it."""

    template_name = "console/password.html"
    success_url = reverse_lazy("console:password-done")

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Store it, and note that it was changed."""
        sign_ins.record_password(self.request.user, now=clock.now())  # type: ignore[arg-type]
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show what is wrong with it."""
        return self.render_to_response(self.get_context_data(form=form), status=REFUSED)


class PasswordDone(PasswordChangeDoneView):
    """Says that it is done."""

    template_name = "console/password_done.html"


@login_not_required
def admin_door(request: HttpRequest) -> HttpResponse:
    """Send who wants into the administration to the one door; who may not enter is told so."""
    if request.user.is_authenticated:
        raise PermissionDenied("Your role has no part in the administration.")
    query = QueryDict(mutable=True)
    query["next"] = request.GET.get("next") or reverse("admin:index")
    return redirect(f"{reverse('console:signin')}?{query.urlencode(safe='/')}")


def admin_password(request: HttpRequest) -> HttpResponse:
    """There is one page for it."""
    messages.info(request, "Passwords are changed here.")
    return redirect("console:password")


def _parts(now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "title": part.title,
            "ok": part.ok,
            "note": f"last look {times.relative(part.seen_at, now)}" if part.seen_at else part.note,
        }
        for part in health.parts(now)
    ]


def _tries(left: Standing) -> str:
    tries = f"{left.tries_left} tries" if left.tries_left != 1 else "One try"
    return f"{tries} left, then a pause of {times.duration(lockout.PAUSE)}."


def _locked(left: Standing, now: datetime) -> str:
    until = left.locked_until or now
    return f"Too many sign-ins were refused here. Try again in {times.duration(until - now)}."
