"""Where the embedded servers keep things: under var/, and sockets in a short path."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path

# A Unix socket's address is at most 107 bytes, so it cannot lie under any checkout's var/.
_SHORT = Path("/tmp")  # noqa: S108 - the folder made below is ours alone, and that is checked


def private_folder(path: Path) -> Path:
    """Make `path` with its parents, readable by nobody else; returns it."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def mark(home: Path) -> str:
    """Eight letters that stand for the folder `home` on this machine."""
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:8]


def socket_folder(home: Path) -> Path:
    """A folder of ours with a short name and no space, the same for the same `home`.

    Another user may have made a folder of that name first: then a fresh one is made.
    """
    parent = _SHORT if os.access(_SHORT, os.W_OK) else Path(tempfile.gettempdir())
    path = parent / f"meshline-{os.geteuid()}-{mark(home)}"
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return Path(tempfile.mkdtemp(prefix="meshline-", dir=parent))
    return path


def listens(port: int) -> bool:
    """Whether something takes connections on this port of the loopback address."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port(wanted: int = 0) -> int:
    """`wanted` if nothing listens there, else a free port of the loopback address."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As servers do, so that a port in TIME_WAIT after a restart still counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise OSError("No free port on 127.0.0.1.")
