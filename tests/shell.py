"""`python -m tests.shell [manage.py ARGS...]`: a shell beside throw-away servers, migrated."""

from __future__ import annotations

import os
import subprocess
import sys

from tests import embedded


def main(arguments: list[str]) -> int:
    """Start the servers, migrate, run one command or an interactive shell, stop the servers."""
    embedded.prepare_environment()
    try:
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, check=True)
        for name in ("DATABASE_URL", "BROKER_URL"):
            sys.stderr.write(f"{name}={os.environ[name]}\n")
        command = [sys.executable, *arguments] if arguments else [os.environ.get("SHELL", "sh")]
        return subprocess.run(command, check=False).returncode
    finally:
        embedded.stop_all()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
