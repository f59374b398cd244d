"""The one HTTPS client: alone opens sockets, and says in this tap's terms why no conversation took place.

It asks once. Who may ask again, and after how long, is decided by those who know the service that they ask.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import certifi
import urllib3
from isal import igzip, isal_zlib
from urllib3.connection import HTTPConnection
from urllib3.util.ssl_ import create_urllib3_context

from tap_mdc_vm.errors import SignInError, see

from .addresses import address, credentials, printable, proxy
from .answer import Answer, retry_after, seconds
from .failures import LIBRARY_ERRORS, network_error

__all__ = ["Answer", "Transport", "retry_after", "seconds"]

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 120.0
"""For the whole of an answer, and never less than twice the time-out."""

_PART = 65536
"""Bytes to read at once, at most; a record of TLS holds 16 KiB (RFC 8446, section 5.1)."""

_GZIP = 31
"""Of zlib's window bits: gzip, with the largest window."""

_LARGEST = 64 * 1024 * 1024
"""Bytes that are believed."""


class Transport:
    """Asks over HTTPS, keeps connections for the next time, and may be used by many threads at once.

    Proxies come from the environment (``HTTPS_PROXY``, ``NO_PROXY``). Redirects are not followed, as a token
    must not travel on to another host, and cookies are not kept.

    Args:
        ca_bundle: File or directory of the certificates to trust; None for those of ``certifi``.
        timeout: Seconds to wait for a connection (15 at most) and for each next part of an answer. The whole of it
            has twice as many, at least 120.
        pool_size: Connections to keep per host.
    """

    def __init__(
        self, *, ca_bundle: str | None, timeout: float, pool_size: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeout, self._clock, self._pool_size = timeout, clock, pool_size
        self._whole_timeout = max(2 * timeout, ANSWER_SECONDS)
        self._connect_timeout = min(timeout, CONNECT_SECONDS)
        self._context = _trusting(ca_bundle)
        self._headers = {"User-Agent": f"tap-mdc-vm/{_version()}", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        self._pools: dict[str | None, urllib3.PoolManager] = {
            None: urllib3.PoolManager(maxsize=pool_size, ssl_context=self._context)
        }
        self._closed = False

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send ``body`` and return the answer.

        Raises:
            NetworkError: There was none, or it broke off.
            SignInError: A header, such as the one with the token, can't be sent.
            CancelledError: The transport is closed: the run is over.
        """
        return self._ask("POST", url, body, headers)

    def get(self, url: str, *, headers: Mapping[str, str]) -> Answer:
        """Return what is at ``url``. Raises as :meth:`post`."""
        return self._ask("GET", url, None, headers)

    def reach(self, url: str) -> None:
        """Connect to the host, through the proxy where there is one, and send nothing; a NetworkError if that fails."""
        with self._translated(url), self._connection(url):
            pass

    def shake_hands(self, url: str) -> None:
        """Establish TLS with the host, by a request for nothing: any answer will do; a NetworkError if that fails."""
        self._ask("HEAD", url, None, {})

    def proxy(self, url: str) -> str | None:
        """Return the host and port of the proxy on the way to ``url``; None if there is none."""
        between = proxy(url)
        return printable(between) if between else None

    def close(self) -> None:
        """Close the connections that are kept, and open no more, whatever threads a run that failed leaves behind."""
        self._closed = True
        for pools in list(self._pools.values()):
            pools.clear()

    def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        if self._closed:
            raise CancelledError
        _check(headers, url)
        deadline = self._clock() + self._whole_timeout
        with self._translated(url):
            response = self._pool(proxy(url)).request(
                method,
                url,
                body=body,
                headers=self._headers | dict(headers),
                timeout=urllib3.Timeout(connect=self._connect_timeout, read=self._timeout),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            with closing(response):
                # What is packed is unpacked by ISA-L, in less than half of zlib's time.
                packed = response.headers.get("Content-Encoding") == "gzip"
                content = self._body(response, deadline, decode=not packed)
            if packed and content:  # there is nothing after a HEAD, and nothing to unpack
                content = _unpacked(content)
            return Answer(response.status, response.headers, content)

    def _pool(self, between: str | None) -> urllib3.PoolManager:
        """Return the connections that are kept: those without a proxy, or those through one."""
        if between and between not in self._pools:
            self._pools[between] = urllib3.ProxyManager(
                between,
                proxy_headers=credentials(between),
                maxsize=self._pool_size,
                ssl_context=self._context,
                proxy_ssl_context=self._context,
            )
        return self._pools[between]

    def _body(self, response: urllib3.BaseHTTPResponse, deadline: float, *, decode: bool) -> bytes:
        """Read the whole body, in as large parts as come at once.

        The time-out of a socket is for the next byte, so that a body which trickles would never meet it.
        """
        parts = []
        while part := response.read1(_PART, decode_content=decode):
            parts.append(part)
            if self._clock() > deadline:
                raise TimeoutError
        return b"".join(parts)

    @contextmanager
    def _connection(self, url: str) -> Iterator[socket.socket]:
        """Open a connection on which the next word belongs to the host, or to a proxy that is spoken to by TLS."""
        between = proxy(url)
        with closing(HTTPConnection(*address(between or url), timeout=self._connect_timeout)) as connection:
            if between and between.startswith("http:"):
                connection.set_tunnel(*address(url), headers=credentials(between))
            try:
                connection.connect()
            except LIBRARY_ERRORS as error:
                if between:
                    raise urllib3.exceptions.ProxyError("Unable to connect to proxy", error) from error
                raise
            yield connection.sock

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

        Python tells nothing about one that it refuses: it is looked at once more, on a connection that sends nothing.
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


def _trusting(ca_bundle: str | None) -> ssl.SSLContext:
    """Return the rules of verification.

    A certificate in a bundle that the user named is trusted as it is. From Python 3.13 on, the rules would ask of it
    what RFC 5280 wants of a root, which many a company's has not: an Authority Key Identifier, extensions marked
    critical. That it is an anchor, and that everything below it is signed, valid and for this host, is checked as ever.
    """
    context = create_urllib3_context()
    trusted = ca_bundle or certifi.where()
    context.load_verify_locations(**{"capath" if Path(trusted).is_dir() else "cafile": trusted})
    if ca_bundle:
        context.verify_flags = context.verify_flags & ~ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _check(headers: Mapping[str, str], url: str) -> None:
    """See that headers can be sent. The library would say of one which can't what it holds, and that is a secret."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise SignInError(
                f"The header {name} for {printable(url)} can't be sent: it holds a line break or a letter that no"
                " token has.",
                f"Check where the token or key in it comes from. {see('header-unsendable')}",
            )


def _version() -> str:
    try:
        return version("tap-mdc-vm")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"


def _unpacked(content: bytes) -> bytes:
    """Unpack gzip, into memory of the size that its end tells (RFC 1952): growing by and by would take it twice.

    A byte more is asked for, as memory that is just full is doubled before the end shows.
    """
    size = int.from_bytes(content[-4:], "little")
    unpacked = isal_zlib.decompress(content, _GZIP, min(size, _LARGEST) + 1)
    return unpacked if len(unpacked) == size else igzip.decompress(content)  # type: ignore[no-untyped-call]
