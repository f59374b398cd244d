"""The one HTTPS client: alone opens sockets, and says in this tap's terms why no conversation took place.

It asks once. Who may ask again, and after how long, is decided by those who know the service that they ask.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import certifi
import requests
import urllib3.exceptions
from isal import igzip
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.ssltransport import SSLTransport

from .addresses import address, printable, proxies, proxy
from .failures import LIBRARY_ERRORS, network_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Answer", "Transport"]

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 120.0
"""For the whole of an answer, and never less than twice the time-out."""

_PART = 65536
"""Bytes to read at once, at most; a record of TLS holds 16 KiB (RFC 8446, section 5.1)."""

_Socket: TypeAlias = socket.socket | SSLTransport


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whatever its status.

    Attributes:
        status: HTTP status.
        headers: Names in any letter case.
        body: The whole body, decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def without(self, secret: str) -> Answer:
        """Return the answer with ``***`` wherever it repeats a secret that was sent, as an error's text may."""
        spellings = {secret, json.dumps(secret)[1:-1]} - {""}
        body = self.body
        for spelling in spellings:
            body = body.replace(spelling.encode(), b"***")
        return replace(self, body=body)


class Transport:
    """Asks over HTTPS, keeps connections for the next time, and may be used by many threads at once.

    Proxies come from the environment (``HTTPS_PROXY``, ``NO_PROXY``). Redirects are not followed, as a token
    must not travel on to another host, and cookies are not kept.

    Args:
        ca_bundle: File or directory of the certificates to trust; None for those of ``certifi``.
        timeout: Seconds to wait for a connection (15 at most) and for each next part of an answer. The whole of it
            has twice as many, at least 120.
        pool_size: Connections to keep per host.
        clock: Returns seconds, as ``time.monotonic``.
    """

    def __init__(
        self,
        *,
        ca_bundle: str | None,
        timeout: float,
        pool_size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is opened before the first request."""
        self._timeout, self._clock = timeout, clock
        self._whole_timeout = max(2 * timeout, ANSWER_SECONDS)
        self._connect_timeout = min(timeout, CONNECT_SECONDS)
        self._trusted = ca_bundle or certifi.where()
        self._session = requests.Session()
        # With it, REQUESTS_CA_BUNDLE would win over ca_bundle, and ~/.netrc over our token.
        self._session.trust_env = False
        self._session.verify = self._trusted
        self._session.headers["User-Agent"] = f"tap-mdc-vm/{_version()}"
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._closed = False
        self._adapter = HTTPAdapter(pool_maxsize=pool_size)
        self._session.mount("https://", self._adapter)

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send ``body`` and return the answer.

        Raises:
            NetworkError: If there was none, or it broke off.
            CancelledError: The transport is closed: the run is over.
        """
        return self._ask("POST", url, body, headers)

    def get(self, url: str, *, headers: Mapping[str, str]) -> Answer:
        """Return what is at ``url``.

        Raises:
            NetworkError: If there was no answer, or it broke off.
            CancelledError: As :meth:`post`.
        """
        return self._ask("GET", url, None, headers)

    def reach(self, url: str) -> None:
        """Connect to the host, through the proxy where there is one, and send nothing.

        Raises:
            NetworkError: If that fails.
        """
        with self._translated(url), self._connection(url):
            pass

    def shake_hands(self, url: str) -> None:
        """Establish TLS with the host, and send nothing.

        Raises:
            NetworkError: If that fails.
        """
        with self._translated(url), self._connection(url) as connection, self._tls(connection, url):
            pass

    def proxy(self, url: str) -> str | None:
        """Return the host and port of the proxy on the way to ``url``; None if there is none."""
        between = proxy(url)
        return printable(between) if between else None

    def close(self) -> None:
        """Close the connections that are kept, and open no more, whatever threads a run that failed leaves behind."""
        self._closed = True
        self._session.close()

    def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        if self._closed:
            raise CancelledError
        deadline = self._clock() + self._whole_timeout
        with (
            self._translated(url),
            self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=(self._connect_timeout, self._timeout),
                proxies=proxies(url),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            # What is packed is unpacked by ISA-L, in less than half of zlib's time.
            packed = response.headers.get("Content-Encoding") == "gzip"
            content = self._body(response.raw, deadline, decode=not packed)
            if packed:
                content = igzip.decompress(content)  # type: ignore[no-untyped-call]
            return Answer(response.status_code, response.headers, content)

    def _body(self, raw: urllib3.HTTPResponse, deadline: float, *, decode: bool) -> bytes:
        """Read the whole body, not in requests' parts of 10 kB but in as large ones as come at once.

        The time-out of a socket is for the next byte, so that a body which trickles would never meet it.

        Raises:
            TimeoutError: The deadline has passed.
            urllib3.exceptions.HTTPError: The body is cut short, or the next part doesn't come.
        """
        parts = []
        while part := raw.read1(_PART, decode_content=decode):
            parts.append(part)
            if self._clock() > deadline:
                raise TimeoutError
        return b"".join(parts)

    @contextmanager
    def _connection(self, url: str) -> Iterator[socket.socket]:
        """Open a connection on which the next word belongs to the host."""
        between = proxy(url)
        with ExitStack() as opened:
            if between is None:
                yield opened.enter_context(socket.create_connection(address(url), self._connect_timeout))
                return
            try:
                connection = opened.enter_context(socket.create_connection(address(between), self._connect_timeout))
                if between.startswith("https:"):
                    connection = opened.enter_context(
                        self._context().wrap_socket(connection, server_hostname=address(between)[0])
                    )
                self._tunnel(connection, printable(url), between)
            except (OSError, http.client.HTTPException) as error:
                raise urllib3.exceptions.ProxyError("Unable to connect to proxy", error) from error
            yield connection

    def _tunnel(self, connection: socket.socket, target: str, between: str) -> None:
        """Ask the proxy between to connect."""
        headers = {"Host": target, **self._adapter.proxy_headers(between)}
        lines = [
            f"CONNECT {target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        with closing(http.client.HTTPResponse(connection, method="CONNECT")) as response:
            response.begin()
            if response.status != http.client.OK:
                raise OSError(f"{response.status} {response.reason}")

    def _tls(self, connection: socket.socket, url: str) -> _Socket:
        host, _ = address(url)
        if isinstance(connection, ssl.SSLSocket):  # a proxy that is itself spoken to by TLS
            return SSLTransport(connection, self._context(), server_hostname=host)
        return self._context().wrap_socket(connection, server_hostname=host)

    def _context(self) -> ssl.SSLContext:
        """Return the rules of verification as urllib3 makes them for a request."""
        context = create_urllib3_context()
        folder = Path(self._trusted).is_dir()
        context.load_verify_locations(**{"capath" if folder else "cafile": self._trusted})
        return context

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        """Turn whatever the libraries raise into a :class:`NetworkError`."""
        try:
            yield
        except LIBRARY_ERRORS as error:
            patience = (
                f"{self._timeout:g} seconds, for a connection {self._connect_timeout:g}, "
                f"for the whole of an answer {self._whole_timeout:g}"
            )
            raise network_error(error, url, patience, lambda: self._issuer(url)) from error

    def _issuer(self, url: str) -> str:
        """Return who issued the certificate that was refused, so that a user knows whose root is missing.

        Python tells nothing about a certificate that it refuses, so it is looked at once more, unverified, on
        a connection of its own on which not a byte is sent.
        """
        from cryptography import x509  # noqa: PLC0415 - slow to import, and needed in this case alone

        onlooker = create_urllib3_context(cert_reqs=ssl.CERT_NONE)
        try:
            with (
                self._connection(url) as connection,
                onlooker.wrap_socket(connection, server_hostname=address(url)[0]) as tls,
            ):
                certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
                return certificate.issuer.rfc4514_string()
        except (*LIBRARY_ERRORS, ValueError):
            return ""  # the message does without


def _version() -> str:
    try:
        return version("tap-mdc-vm")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
