"""The readers of the environment fail at start, naming the variable."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from meshline import env


@pytest.fixture(autouse=True)
def _own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHLINE_VAR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)


def test_missing_variable_is_named_with_what_to_do() -> None:
    with pytest.raises(env.SettingError, match=r"DATABASE_URL is not set.*meshline up"):
        env.text("DATABASE_URL")


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (env.flag, "perhaps"),
        (lambda name: env.whole(name, 3), "-1"),
        (lambda name: env.whole(name, 3), "2.5"),
        (lambda name: env.seconds(name, 10), "soon"),
        (lambda name: env.seconds(name, 10), "nan"),
        (env.url, "ftp://somewhere"),
        (env.database, "mysql://root@localhost/shop"),
        (env.database, "postgresql://root@localhost"),
    ],
)
def test_unreadable_value_names_its_variable(
    reader: Any, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESHLINE_THING", value)
    with pytest.raises(env.SettingError, match="MESHLINE_THING"):
        reader("MESHLINE_THING")


def test_readers_take_what_people_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "Yes")
    monkeypatch.setenv("B", "0.5")
    monkeypatch.setenv("C", " one, ,two ")
    monkeypatch.setenv("D", "https://meshline.example/")
    assert env.flag("A")
    assert timedelta(seconds=env.seconds("B", 10)) == timedelta(milliseconds=500)
    assert env.words("C") == ["one", "two"]
    assert env.url("D") == "https://meshline.example"


@pytest.mark.parametrize(
    ("address", "host", "port", "options"),
    [
        ("postgresql://app:p%40ss@db.example:6432/mesh", "db.example", "6432", {}),
        ("postgres://app:p%40ss@/mesh?host=/run/pg&sslmode=disable", "/run/pg", "",
         {"sslmode": "disable"}),
    ],
)  # fmt: skip
def test_database_address_is_taken_apart(
    address: str, host: str, port: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    found = env.database("DATABASE_URL")
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("mesh", "app", "p@ss")
    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == (host, port, options)


def test_what_up_left_is_read_beside_its_own_database_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = {"DATABASE_URL": "postgresql://app@/demo", "MESHLINE_THING": "from the demo"}
    (tmp_path / "local.json").write_text(json.dumps({"environment": left}))

    assert env.text("MESHLINE_THING") == "from the demo"

    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.example/production")
    with pytest.raises(env.SettingError):
        env.text("MESHLINE_THING")
