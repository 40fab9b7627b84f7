"""Django's command line; what an operator can mend ends in a sentence, with --traceback in more."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from django.core.management import execute_from_command_line

from meshline import mishaps


def main(words: Sequence[str]) -> int:
    """Run a management command, `words` being the program and its arguments; the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")

    def run() -> int:
        execute_from_command_line([*words])
        return 0

    return run() if "--traceback" in words else mishaps.told(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
