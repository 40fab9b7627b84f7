"""Views of the catalogue that people saved: filters and order under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower, Now


class SavedView(models.Model):
    """One view: its maker's own, or everybody's."""

    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, help_text="As in the catalogue's address.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                "owner", Lower("name"), condition=models.Q(shared=False), name="saved_view_own_once"
            ),
            models.UniqueConstraint(
                Lower("name"), condition=models.Q(shared=True), name="saved_view_shared_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DefaultView(models.Model):
    """The view with which the catalogue opens for a person."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.view_id}"
