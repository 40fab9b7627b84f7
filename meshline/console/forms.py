"""Forms of the buttons: ticket, reason, and an action's own parameters out of its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms

from meshline.core.errors import BadValue, ViolationLike
from meshline.core.keys import TicketKey

PREFIX = "value-"
MAX_REASON = 1000
LONG_TEXT = 120


class ReasonForm(forms.Form):
    """Why: one of the presets, own words, or both."""

    preset = forms.ChoiceField(label="Reason", required=False)
    reason = forms.CharField(
        label="In your own words",
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept in the audit log, and shown on the ticket.",
    )

    def __init__(self, data: Any = None, *, presets: Iterable[str] = (), **options: Any) -> None:
        super().__init__(data, **options)
        listed = tuple(presets)
        if listed:
            choices = [("", "Choose, or write below"), *((text, text) for text in listed)]
            self.fields["preset"] = forms.ChoiceField(
                label="Reason", required=False, choices=choices
            )
        else:
            del self.fields["preset"]
            self.fields["reason"].label = "Reason"

    def clean(self) -> dict[str, Any]:
        """Ask for a reason in one of the two ways."""
        values: dict[str, Any] = super().clean() or {}
        if not self.has_error("reason") and not self.why():
            self.add_error("reason", "Choose a reason or say it in a few words.")
        return values

    def why(self) -> str:
        """Return the reason as it is kept."""
        chosen = self.cleaned_data.get("preset") or ""
        own = (self.cleaned_data.get("reason") or "").strip()
        return ". ".join(part for part in (chosen.rstrip("."), own) if part)[:MAX_REASON]


class PressForm(ReasonForm):
    """What a press needs: ticket, contract (shown only), reason, the action's own values."""

    press_key = forms.CharField(widget=forms.HiddenInput, max_length=200)
    ticket = forms.CharField(
        max_length=80,
        help_text="The case that this is done for.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Name the ticket that this is about, like desk:4812."},
    )

    def __init__(
        self,
        data: Any = None,
        *,
        parameters: Mapping[str, Any],
        presets: Iterable[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(data, presets=presets, **options)
        self.parameters = parameters
        required = set(parameters.get("required", ()))
        for name, schema in parameters.get("properties", {}).items():
            self.fields[PREFIX + name] = field_for(name, schema, required=name in required)
        self.order_fields(["press_key", "ticket", "preset", "reason"])

    def clean_ticket(self) -> str:
        """Check the ticket's form."""
        try:
            return str(TicketKey.parse(self.cleaned_data["ticket"].strip()))
        except BadValue as error:
            raise forms.ValidationError(f"{error.message} {error.remedy}") from error

    def own_fields(self) -> list[forms.BoundField]:
        """Return the fields of the action's own parameters."""
        return [self[name] for name in self.fields if name.startswith(PREFIX)]

    def values(self) -> dict[str, Any]:
        """Return the action's own values; what was left empty is not among them."""
        sent = {
            name.removeprefix(PREFIX): value
            for name, value in self.cleaned_data.items()
            if name.startswith(PREFIX)
        }
        return {name: value for name, value in sent.items() if value not in (None, "")}

    def blame(self, violations: Sequence[ViolationLike], message: str) -> None:
        """Show what the action refused beside the field that it is about."""
        for violation in violations:
            name = PREFIX + violation.path.strip("/").split("/")[0]
            self.add_error(name if name in self.fields else None, violation.sentence)
        if not violations:
            self.add_error(None, message)


def field_for(name: str, schema: Mapping[str, Any], *, required: bool) -> forms.Field:
    """Return the form field of one property of a JSON Schema object."""
    label = schema.get("title") or name.replace("_", " ").capitalize()
    shared: dict[str, Any] = {
        "label": label,
        "required": required,
        "initial": schema.get("default"),
        "help_text": schema.get("description", ""),
    }
    kind = schema.get("type", "string")
    if "enum" in schema:
        choices = [(value, str(value).replace("_", " ").capitalize()) for value in schema["enum"]]
        return forms.ChoiceField(choices=choices if required else [("", "—"), *choices], **shared)
    if kind == "boolean":
        return forms.BooleanField(**{**shared, "required": False})
    if kind == "integer":
        least, most = schema.get("minimum"), schema.get("maximum")
        return forms.IntegerField(min_value=least, max_value=most, **shared)
    longest = schema.get("maxLength")
    widget: forms.Widget = forms.TextInput()
    if longest is None or longest > LONG_TEXT:
        widget = forms.Textarea(attrs={"rows": 2})
    return forms.CharField(
        max_length=longest, min_length=schema.get("minLength"), widget=widget, **shared
    )
