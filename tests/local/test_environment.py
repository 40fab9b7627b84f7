"""What `meshline up` chooses for its parts: the web server's port, the logins that it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from meshline import env
from meshline.local import announce, environment, places, state

LOW = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


@pytest.fixture(autouse=True)
def _own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHLINE_VAR", str(tmp_path))
    monkeypatch.delenv("MESHLINE_PORT", raising=False)


def test_a_given_port_that_is_taken_is_refused_and_a_wished_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with places.hold_port() as held:
        port = places.port_of(held)
        with environment.hold_web_port(port) as other:
            assert places.port_of(other) != port

        monkeypatch.setenv("MESHLINE_PORT", str(port))
        with pytest.raises(env.SettingError, match=f"MESHLINE_PORT is {port}.*listens there"):
            environment.choose_ports()
        # A worker's machine says where web listens, and that may well be web itself.
        ports, nothing = environment.choose_ports(web=False)
        assert (ports["web"], nothing) == (port, None)


@pytest.mark.skipif(int(LOW.read_text()) <= 80, reason="everybody may listen on port 80 here")
def test_a_port_that_needs_root_is_named_as_such() -> None:
    script = (
        "import os, encodings.idna\n"
        "from meshline.local import environment\n"
        "os.geteuid() or os.setuid(65534)\n"
        "try: environment.hold_web_port(8000)\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "MESHLINE_PORT": "80"},
        cwd=env.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("MESHLINE_PORT is 80, and a port so low needs root.")


def test_a_password_that_its_person_has_changed_is_not_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lena, nadia = (one for one in environment.logins() if one.username in {"lena", "nadia"})
    accounts: list[dict[str, Any]] = [
        {"username": lena.username, "password": None},
        {"username": nadia.username, "password": nadia.password},
    ]

    announce.ready("http://127.0.0.1:8000", environment.note_changed(accounts))

    printed = capsys.readouterr().out
    assert lena.password not in printed
    assert "(changed)" in printed
    assert nadia.password in printed
    kept = {one.username: one for one in environment.logins()}
    assert isinstance(kept[lena.username], state.Login)
    assert (kept[lena.username].changed, kept[nadia.username].changed) == (True, False)
