"""Pages of accounts and roles; a role is a group, and nobody edits their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as stock  # noqa: F401 - registers, so that we can replace
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from contracts_app.admin.base import GuardedAdmin, ReadOnlyAdmin, change_url, person, shown_once
from contracts_app.admin.typed import TypedForm
from contracts_app.queries import clock
from contracts_app.queries.people import owned_contracts, roles_of
from contracts_app.services import people
from contracts_app.services.roles import roles, title_of

# Ours say less than Django's own, and ask the services.
for model in (User, Group):
    admin.site.unregister(model)


class PersonForm(TypedForm[User]):
    """An account: who it is and which roles it holds."""

    roles = forms.MultipleChoiceField(
        choices=[(slug, role.title) for slug, role in roles().items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="They count from the person's next request.",
    )

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "roles" in self.fields:
            self.fields["roles"].initial = sorted(roles_of(self.instance))


@admin.register(User)
class UserAdmin(GuardedAdmin[User]):
    """Accounts and their roles."""

    form = PersonForm
    change_form_template = "admin/contracts_app/user_form.html"
    list_display = ("username", "name", "email", "role", "owns", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    list_select_related = True
    ordering = ("username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ["username", "first_name", "last_name", "email"]
        if obj is None:
            return [*fields, "roles"]
        own = obj.pk == request.user.pk or not self.has_change_permission(request, obj)
        return [*fields, *(("role", "is_active") if own else ("roles", "is_active")), "last_login"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        own = obj.pk == request.user.pk
        return ("username", "role", "last_login", *(("is_active",) if own else ()))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        # Whoever may change a superuser's account could become one.
        return not obj.is_superuser or bool(getattr(request.user, "is_superuser", False))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Let the services make the account or change it."""
        values, by, now = form.cleaned_data, person(request), clock.now()
        if not change:
            name = f"{values['first_name']} {values['last_name']}".strip()
            made = people.create_user(
                username=values["username"],
                roles=values["roles"],
                name=name,
                email=values["email"],
                by=by,
                now=now,
            )
            made.user.first_password = made.password  # type: ignore[attr-defined]
            return made.user
        return people.change_user(
            user=form.instance,
            names={key: values[key] for key in ("first_name", "last_name", "email")},
            roles=values.get("roles"),
            active=values.get("is_active"),
            by=by,
            now=now,
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The services stored it already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Roles were set by the services."""

    def response_add(self, request: HttpRequest, obj: Any, *_: Any, **__: Any) -> HttpResponse:
        return self._shown(request, obj, obj.first_password)

    def get_urls(self) -> list[URLPattern]:
        """The stock pages, and a new password."""
        view = self.admin_site.admin_view(require_POST(self.password_view))
        return [
            path("<int:pk>/new-password/", view, name="auth_user_new_password"),
            *super().get_urls(),
        ]

    def password_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give somebody a new random password, shown this one time."""
        user = self.get_object(request, str(pk))
        if user is None or not self.has_change_permission(request, user):
            raise PermissionDenied
        if user.pk == request.user.pk:
            messages.error(request, "Change your own password with Change password, above.")
            return self.attempt(request, user, lambda: None, "Nothing was changed.")
        password = people.strong_password()
        people.give_password(user=user, password=password, by=person(request), now=clock.now())
        return self._shown(request, user, password)

    def _shown(self, request: HttpRequest, user: User, password: str) -> HttpResponse:
        return shown_once(
            self.admin_site,
            request,
            title=f"Password of {user.get_full_name() or user.username}",
            shown={"User name": user.username, "Password": password},
            back=change_url(user),
        )

    @admin.display(description="Name")
    def name(self, obj: User) -> str:
        """First and last name."""
        return obj.get_full_name()

    @admin.display(description="Roles")
    def role(self, obj: User) -> str:
        """Which roles the account holds."""
        held = [title_of(group.name) for group in obj.groups.all()]
        return ", ".join(["Superuser"] * obj.is_superuser + held) or "none"

    @admin.display(description="Owns")
    def owns(self, obj: User) -> str:
        """How many contracts the person answers for."""
        count = len(owned_contracts(obj))
        return f"{count} contract{'' if count == 1 else 's'}" if count else ""


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin[Group]):
    """Roles to look at: what each may do is data of the product."""

    list_display = ("title", "name", "people")
    search_fields = ("name",)
    list_select_related = True
    fields = ("title", "name", "people", "permissions")
    readonly_fields = ("title", "people")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).prefetch_related("user_set")

    @admin.display(description="Role")
    def title(self, obj: Group) -> str:
        """Its name for people."""
        return title_of(obj.name)

    @admin.display(description="People")
    def people(self, obj: Group) -> str:
        """Who holds it."""
        return ", ".join(user.get_full_name() or user.username for user in obj.user_set.all())
