"""The console app: no tables of its own."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "meshline.console"
    label = "meshline_console"
