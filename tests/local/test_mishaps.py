"""A wrong setting ends a command with one sentence that names it: no traceback, no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from meshline import env, mishaps
from tests.conftest import database_url
from tests.whole_set import own_environment

KEY = "k" * 50
MANAGE = [sys.executable, "manage.py"]


def said_by(command: list[str], **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=own_environment(**given),
        cwd=env.ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def meshline(*words: str, home: Path, **given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshline.cli", *words]
    return said_by(command, **{"MESHLINE_VAR": str(home), **given})


def told(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """That it ended with 1 and one sentence, with these words in it."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("meshline: "))
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://root:s3cret@localhost/shop"),
        ("DATABASE_URL", "s3cret"),
        ("DATABASE_URL", "postgresql://app:s3cret/more@localhost/shop"),
        ("DATABASE_URL", "postgresql://app:s3cret@localhost:99999/shop"),
        ("DATABASE_URL", "postgresql://app:s3cret@[localhost/shop"),
        ("DATABASE_URL", "postgresql://app:s3cret@localhost/shop?surprise=1"),
        ("DATABASE_URL", "postgresql://app:%zzs3cret@127.0.0.1:1/shop"),
        ("MESHLINE_PORT", "abc"),
        ("MESHLINE_PORT", "99999"),
        ("BROKER_URL", "amqp://x"),
        ("MESHLINE_CONSOLE_URL", "http://ops.example.org"),
        ("MESHLINE_CONSOLE_URL", "https://"),
        ("MESHLINE_BEHIND_PROXY", "perhaps"),
        ("MESHLINE_LEASE_S", "soon"),
        ("MESHLINE_HELPDESK_URL", "http://desk.example.com"),
        ("MESHLINE_LOG_LEVEL", "loud"),
        ("MESHLINE_ZONE", "Mars/X"),
        ("MESHLINE_SECRET_KEY", "s3cret"),
        ("MESHLINE_SECRET_KEYS", "s3cret"),
        ("MESHLINE_HOST", "10.0.0.1"),
        ("MIGRATE_DATABASE_URL", "s3cret"),
    ],
)
def test_up_refuses_a_wrong_setting_by_its_name(name: str, value: str, tmp_path: Path) -> None:
    # A port that nobody listens on: what is wrong must be found before anybody is asked.
    given = {"DATABASE_URL": "postgresql://app:s3cret@127.0.0.1:1/none", "BROKER_URL": "redis://x"}
    done = meshline("up", home=tmp_path, **{**given, name: value})
    told(done, "MESHLINE_CONSOLE_URL" if name == "MESHLINE_HOST" else name)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["DATABASE_URL", "MIGRATE_DATABASE_URL"])
def test_up_says_which_database_refuses_it(name: str, tmp_path: Path) -> None:
    right = os.environ["MESHLINE_TEST_APPLICATION_URL"]
    wrong = right.replace(f":{urlsplit(right).password}@", ":s3cret@")
    given = {"DATABASE_URL": right, "BROKER_URL": "redis://x", name: wrong}
    told(meshline("up", home=tmp_path, **given), f"{name} cannot be used", "password")

    gone = right.replace(f"{urlsplit(right).path}?", "/no_such_database?")
    told(meshline("up", home=tmp_path, **{**given, name: gone}), name, "does not exist")


@pytest.mark.django_db
def test_up_and_doctor_refuse_an_owner_of_another_database(tmp_path: Path) -> None:
    given = {
        "DATABASE_URL": os.environ["MESHLINE_TEST_APPLICATION_URL"],
        "MIGRATE_DATABASE_URL": database_url(),
        "BROKER_URL": os.environ["BROKER_URL"],
        "MESHLINE_SECRET_KEY": KEY,
    }
    told(meshline("up", home=tmp_path, **given), "DATABASE_URL leads to", "MIGRATE_DATABASE_URL")

    examined = meshline("doctor", home=tmp_path, **given)
    assert examined.returncode == 1
    assert "broken  Roles: DATABASE_URL leads to" in examined.stdout


def test_doctor_of_an_empty_database_says_how_to_migrate(tmp_path: Path) -> None:
    given = {"DATABASE_URL": os.environ["MESHLINE_TEST_APPLICATION_URL"], "BROKER_URL": "redis://x"}
    keyless = meshline("doctor", home=tmp_path, **given)
    assert "MESHLINE_SECRET_KEY is not set" in keyless.stdout
    assert "embedded" not in keyless.stdout

    said = meshline("doctor", home=tmp_path, MESHLINE_SECRET_KEY=KEY, **given).stdout
    assert "owner None" not in said
    findings = said.replace("\n        ", " ").splitlines()
    for title in ("Roles", "Tables", "Beat", "Partitions"):
        (line,) = (line for line in findings if f" {title}: " in line)
        assert "manage.py migrate --database owner" in line


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "a file"
    taken.write_text("")
    told(meshline("up", home=taken / "var"), "MESHLINE_VAR")
    for command in ("up", "down", "doctor"):
        told(meshline(command, home=taken), "MESHLINE_VAR")


def test_commands_say_what_is_missing(tmp_path: Path) -> None:
    told(said_by([*MANAGE, "check"], MESHLINE_VAR=str(tmp_path)), "MESHLINE_SECRET_KEY is not set")

    given = {"MESHLINE_VAR": str(tmp_path), "MESHLINE_SECRET_KEY": KEY, "BROKER_URL": "redis://x"}
    away = {**given, "DATABASE_URL": "postgresql://app:s3cret@127.0.0.1:1/none"}
    told(said_by([*MANAGE, "secrets_rotate"], **away), "DATABASE_URL", "Connection refused")

    empty = {**given, "DATABASE_URL": os.environ["MESHLINE_TEST_APPLICATION_URL"]}
    told(
        said_by([*MANAGE, "user_create", "anna", "--role", "admin"], **empty), "tables are missing"
    )
    told(said_by([*MANAGE, "pilot_load", "--folder", "/nonexistent"], **empty), "/nonexistent")

    assert said_by([*MANAGE, "user_create", "anna"], **empty).returncode == 2


def test_an_error_of_our_own_keeps_its_traceback() -> None:
    def run() -> int:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        mishaps.told(run)
    assert mishaps.sentence(OSError("a bug")) is None
