"""Guarded connections: one deadline over all reads and writes, and only addresses allowed."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, TypeAlias

import httpcore
import httpx

CONNECT_TIMEOUT_S = 3.0
_SLICE_BYTES = 65_536

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str, int], list[str]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Threads that may hang in a name server that does not answer, kept apart from those that work.
_lookups = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class AddressRefused(Exception):
    """A host's name leads to an address that calls may not go to."""


@dataclass(frozen=True)
class Deadline:
    """The moment on the monotonic clock when a whole call must have ended."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline `seconds` from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())


_current: ContextVar[Deadline | None] = ContextVar("deadline of the call", default=None)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Hold every connection that this thread uses meanwhile to the deadline."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system finds them. Raises: OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_loopback_name(host: str) -> bool:
    """Say whether a host of a base URL means this machine by its very name."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_address(text: str, *, loopback: bool) -> str:
    """Return the address if calls may go there. Raises: AddressRefused.

    A system on loopback is reached on loopback only, every other one on global addresses only.
    """
    address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_loopback if loopback else _is_public(address):
        return text
    raise AddressRefused(f"{address} is not {'a loopback' if loopback else 'a public'} address")


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one (mapped, 6to4, NAT64), else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def checked_addresses(
    host: str,
    port: int,
    *,
    loopback: bool,
    within_s: float | None,
    resolver: Resolver = resolve,
) -> list[str]:
    """Return the addresses of a host, resolved once and all of them allowed.

    One bad address spoils the name: which of them is taken must not decide.
    Raises: AddressRefused, TimeoutError, OSError if the name is not found.
    """
    try:
        found = [str(ipaddress.ip_address(host))]
    except ValueError:
        found = _lookups.submit(resolver, host, port).result(within_s)
    return [check_address(text, loopback=loopback) for text in found]


class GuardedStream(httpcore.NetworkStream):
    """A connection whose every read and write must end before the deadline of the call."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SLICE_BYTES):
            left = _left(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + _SLICE_BYTES], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return GuardedStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, expired: type[httpcore.TimeoutException]) -> float | None:
    deadline = _current.get()
    if deadline is None:
        return timeout
    left = deadline.left_s
    if left <= 0:
        raise expired("the deadline of the call has passed")
    return left if timeout is None else min(timeout, left)


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves a name once, checks every address it has, and connects to what was checked."""

    def __init__(self, *, loopback: bool, resolver: Resolver = resolve) -> None:
        self._loopback = loopback
        self._resolver = resolver
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = checked_addresses(
                host,
                port,
                loopback=self._loopback,
                resolver=self._resolver,
                within_s=_left(timeout, httpcore.ConnectTimeout),
            )
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name server did not answer in time") from None
        except OSError:
            raise httpcore.ConnectError("the host's name was not found") from None
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                return GuardedStream(self._inner.connect_tcp(address, port, left))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport over connections that keep the deadline and the address rule."""

    def __init__(self, *, loopback: bool, tls: bool, resolver: Resolver = resolve) -> None:
        # The parent would make a pool without a network backend of ours, so it is not called.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False) if tls else None,
            network_backend=GuardedBackend(loopback=loopback, resolver=resolver),
            keepalive_expiry=5,
            max_connections=64,
            max_keepalive_connections=16,
        )
