"""PostgreSQL refuses root and users without a name: find a way to run it where we are."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from meshline.local.places import mark

_SHELTER = Path("/var/tmp")  # noqa: S108 - a folder owned by root is made in it


class NoWayToRun(Exception):
    """No way was found to run PostgreSQL here; the text says what was tried."""


@dataclass(frozen=True)
class Footing:
    """How to run PostgreSQL: a command's prefix or another user, its programs and its data."""

    programs: Path
    data: Path
    prefix: list[str] = field(default_factory=list)
    uid: int | None = None
    gid: int | None = None

    def popen_arguments(self) -> dict[str, object]:
        """What `subprocess` needs to become the other user; empty when there is none."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def find_footing(programs: Path, home: Path) -> Footing:
    """The footing for the server whose data lie under `home`.

    `programs` is the wheel's pginstall folder. As root the first that works is taken: a user
    namespace, the user nobody in place, nobody with copies in a folder that nobody can reach.
    Raises: NoWayToRun.
    """
    data = home / "data"
    namespace = _namespace()
    if os.geteuid() != 0:
        if _has_name(os.geteuid()):
            return Footing(programs, data)
        # As in a container that was given a bare number: initdb looks the name up.
        if _works(namespace):
            return Footing(programs, data, prefix=namespace)
        raise NoWayToRun(
            f"PostgreSQL will not run as user {os.geteuid()}, who has no name in /etc/passwd. "
            "Give the user a name, or set DATABASE_URL to a server of your own."
        )
    sheltered = _SHELTER / f"meshline-{mark(home)}" / "data"
    owner = next((d.stat().st_uid for d in (data, sheltered) if d.exists()), 0)
    if owner == 0 and _works(namespace):
        return Footing(programs, data, prefix=namespace)
    return _as_nobody(programs, data, sheltered)


def forget_shelter(home: Path) -> None:
    """Remove the copies that were made for `home`, if any were."""
    shutil.rmtree(_SHELTER / f"meshline-{mark(home)}", ignore_errors=True)


def _as_nobody(programs: Path, data: Path, sheltered: Path) -> Footing:
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise NoWayToRun(
            "PostgreSQL will not run as root, user namespaces are off and there is no user nobody. "
            "Run as an ordinary user, or set DATABASE_URL to a server of your own."
        ) from None
    reachable = Footing(programs, data, uid=nobody.pw_uid, gid=nobody.pw_gid)
    data.parent.mkdir(parents=True, exist_ok=True)
    if sheltered.exists() or not _reaches(reachable, programs / "bin" / "postgres", data.parent):
        programs, data = _copy_programs(programs, sheltered.parent), sheltered
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    return Footing(programs, data, uid=nobody.pw_uid, gid=nobody.pw_gid)


def _copy_programs(programs: Path, shelter: Path) -> Path:
    """Copy the wheel's programs and the libraries beside them to where nobody can read them."""
    package = programs.parent
    copy = shelter / package.name / programs.name
    if not (copy / "bin" / "postgres").exists():
        shelter.mkdir(mode=0o755, parents=True, exist_ok=True)
        shelter.chmod(0o755)
        libraries = f"{package.name}.libs"
        shutil.copytree(package.parent / libraries, shelter / libraries, dirs_exist_ok=True)
        shutil.copytree(programs, copy, dirs_exist_ok=True)
    return copy


def _namespace() -> list[str]:
    """Words that run a command in a user namespace, as somebody there who has a name."""
    people = sorted((one.pw_uid, one.pw_gid) for one in pwd.getpwall() if one.pw_uid)
    uid, gid = people[0] if people else (1000, 1000)
    return ["unshare", "--user", f"--map-user={uid}", f"--map-group={gid}", "--"]


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _works(prefix: list[str]) -> bool:
    try:
        return subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _reaches(footing: Footing, program: Path, folder: Path) -> bool:
    """Whether the other user can run `program` and pass through `folder`."""
    script = 'test -x "$1" && test -x "$2" && "$1" --version'
    tried = subprocess.run(  # type: ignore[call-overload]
        ["/bin/sh", "-c", script, "sh", str(program), str(folder)],
        check=False,
        capture_output=True,
        cwd="/",
        **footing.popen_arguments(),
    )
    return bool(tried.returncode == 0)
