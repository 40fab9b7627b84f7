"""The api app: no tables of its own."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "meshline.api"
    label = "meshline_api"
