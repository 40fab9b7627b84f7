"""How commands answer: one JSON document on standard output, or one sentence and exit code 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meshline.core.errors import DocumentRefused, MeshlineError


class JsonCommand(BaseCommand):
    """A command whose `answer()` is printed as JSON."""

    requires_system_checks = ()

    def answer(self, **options: Any) -> Mapping[str, Any] | list[Any]:
        """Do the work; returns what is printed."""
        raise NotImplementedError

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the answer, or explain on standard error what went wrong."""
        try:
            answer = self.answer(**options)
        except DocumentRefused as error:
            lines = [error.message, *(str(finding) for finding in error.findings)]
            raise CommandError("\n  ".join(lines)) from error
        except MeshlineError as error:
            raise CommandError(f"{error.message} {error.remedy}".rstrip()) from error
        self.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False))
