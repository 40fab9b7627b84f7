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
    with hold_port(wanted) as held:
        return port_of(held)


def hold_port(wanted: int = 0) -> socket.socket:
    """`wanted` if it is free, else a free port; nobody else is given it while the socket is open.

    A server that sets SO_REUSEPORT, as granian does, listens there beside it. Without the hold
    two sets that start at the same moment would share one port, and each other's requests.

    Raises: OSError if no port is free.
    """
    try:
        return hold_this_port(wanted)
    except OSError:
        return hold_this_port(0)


def hold_this_port(port: int) -> socket.socket:
    """As hold_port, but this port and no other.

    Raises: OSError if it is taken; PermissionError if this user may not listen there.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As servers do, so that a port in TIME_WAIT after a restart still counts as free.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind(("127.0.0.1", port))
    except OSError:
        held.close()
        raise
    # Only after binding: until here it must not share, from here on only with our server.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held


def port_of(held: socket.socket) -> int:
    """The port that `held` is bound to."""
    port: int = held.getsockname()[1]
    return port
