"""Ports: two sets on one machine never listen on the same one."""

from __future__ import annotations

import socket

from meshline.local import places


def test_a_held_port_is_given_to_nobody_else_and_its_own_server_may_listen_there() -> None:
    with places.hold_port() as held:
        port = places.port_of(held)

        with places.hold_port(port) as other:
            assert places.port_of(other) != port
        assert places.free_port(port) != port

        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            server.bind(("127.0.0.1", port))
            server.listen()
            assert places.listens(port)
            assert places.free_port(port) != port
    assert places.free_port(port) == port
