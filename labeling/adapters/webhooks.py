"""Calls webhooks, and nothing else: no address inside, no redirect, no answer that never ends (ADR-0026)."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from labeling.projects.webhooks import Undeliverable
from labeling.settings import Settings

CONNECT_S = 10
MOST_S = 20
"""From the first byte sent to the status line, however slowly it comes."""

_OF_AZURE = ip_address("168.63.129.16")
"""The platform's own services, behind an address that looks public.

Source: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
"""

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def is_public(address: str) -> bool:
    """Whether an address is one of the internet, and of nobody's inside.

    >>> [is_public(one) for one in ("203.0.114.1", "10.0.0.1", "::ffff:169.254.169.254", "168.63.129.16")]
    [True, False, False, False]
    """
    found = ip_address(address.partition("%")[0])
    inside = _inside(found)
    if inside is not None:
        return is_public(str(inside))
    return found.is_global and not found.is_multicast and found != _OF_AZURE


def _inside(found: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, where it is of a kind that does."""
    if isinstance(found, IPv4Address):
        return None
    if any(found in network for network in _NAT64):
        return IPv4Address(int(found) & 0xFFFFFFFF)
    teredo = found.teredo[1] if found.teredo else None
    return found.ipv4_mapped or found.sixtofour or teredo


class Caller:
    """Posts to webhooks; `settings.webhook_hosts` may be private, and without TLS."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = {host.strip().lower() for host in settings.webhook_hosts.split(",")} - {""}

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a body; the status of the answer, of which nothing else is read.

        Raises:
            Undeliverable: the address is not one that is called, or nobody answered in time.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        trusted = f"{host}:{port}" in self._trusted
        if parts.scheme != "https" and not trusted:
            raise Undeliverable("the address has to begin with https://")
        address = self._resolved(host, port, trusted=trusted)
        tls = self._tls if parts.scheme == "https" else None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = _Connection(host, port, address, tls)
        watch = Timer(MOST_S, connection.cut)
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", target, body=body, headers=dict(headers))
            return connection.getresponse().status
        except ssl.SSLError as error:
            reason = error.reason or "it was refused"
            raise Undeliverable(f"no safe connection to {host}: {reason}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Undeliverable(f"{host} did not answer: {type(error).__name__}") from None
        finally:
            watch.cancel()
            connection.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def _resolved(self, host: str, port: int, *, trusted: bool) -> str:
        """The address to connect to. The name is not looked up again, so it can't lead elsewhere then."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Undeliverable(f"there is no host {host!r}") from None
        addresses = [str(info[4][0]) for info in found]
        if not trusted and not all(is_public(address) for address in addresses):
            raise Undeliverable(f"{host} leads to an address that is not public")
        return addresses[0]


class _Connection(http.client.HTTPConnection):
    """HTTP to a host by an address that was looked at, with TLS for the host's name."""

    def __init__(self, host: str, port: int, address: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self._address = address
        self._context = tls
        if tls:
            self.default_port = 443  # else the port stands in the header Host

    def connect(self) -> None:
        """Connect to the address, whatever the name says by now."""
        self.sock: Any = socket.create_connection((self._address, self.port), self.timeout)
        if self._context:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        """End it from another thread: whoever reads is told at once."""
        if sock := self.sock:
            with suppress(OSError):  # ended by itself
                sock.shutdown(socket.SHUT_RDWR)
