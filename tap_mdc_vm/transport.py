"""The one HTTPS client: alone opens sockets, and says in this tap's terms why no conversation took place.

It asks once. Who may ask again, and after how long, is decided by those who know the service that they ask.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import certifi
import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy
from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.ssltransport import SSLTransport

from .errors import (
    ConnectionFailedError,
    HostUnknownError,
    NetworkError,
    ProxyFailedError,
    TimedOutError,
    UntrustedCertificateError,
    see,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONNECT_SECONDS = 15.0

_Socket: TypeAlias = socket.socket | SSLTransport

# What the libraries may raise, and what it means to a user. A test asks them for all their exceptions.
_COUNTERPARTS: dict[type[BaseException], type[NetworkError]] = {
    ssl.SSLCertVerificationError: UntrustedCertificateError,
    requests.exceptions.ProxyError: ProxyFailedError,
    requests.exceptions.InvalidProxyURL: ProxyFailedError,
    requests.exceptions.InvalidSchema: ProxyFailedError,  # a SOCKS proxy without the library for it
    urllib3.exceptions.ProxyError: ProxyFailedError,
    urllib3.exceptions.ProxySchemeUnknown: ProxyFailedError,
    urllib3.exceptions.ProxySchemeUnsupported: ProxyFailedError,
    socket.gaierror: HostUnknownError,
    UnicodeError: HostUnknownError,  # a name that can't be written in DNS
    requests.exceptions.InvalidURL: HostUnknownError,  # a label of more than 63 characters, or none
    urllib3.exceptions.NameResolutionError: HostUnknownError,
    urllib3.exceptions.LocationParseError: HostUnknownError,
    urllib3.exceptions.LocationValueError: HostUnknownError,
    TimeoutError: TimedOutError,
    requests.exceptions.Timeout: TimedOutError,
    requests.exceptions.ConnectTimeout: TimedOutError,
    requests.exceptions.ReadTimeout: TimedOutError,
    urllib3.exceptions.TimeoutError: TimedOutError,
    urllib3.exceptions.ReadTimeoutError: TimedOutError,
    urllib3.exceptions.ConnectTimeoutError: TimedOutError,
    OSError: ConnectionFailedError,
    http.client.HTTPException: ConnectionFailedError,
    requests.exceptions.RequestException: ConnectionFailedError,
    requests.exceptions.ConnectionError: ConnectionFailedError,
    requests.exceptions.SSLError: ConnectionFailedError,
    requests.exceptions.ChunkedEncodingError: ConnectionFailedError,
    requests.exceptions.ContentDecodingError: ConnectionFailedError,
    urllib3.exceptions.HTTPError: ConnectionFailedError,
    urllib3.exceptions.PoolError: ConnectionFailedError,
    urllib3.exceptions.RequestError: ConnectionFailedError,
    urllib3.exceptions.MaxRetryError: ConnectionFailedError,
    urllib3.exceptions.SSLError: ConnectionFailedError,
    urllib3.exceptions.DecodeError: ConnectionFailedError,
    urllib3.exceptions.ProtocolError: ConnectionFailedError,
    urllib3.exceptions.NewConnectionError: ConnectionFailedError,
    urllib3.exceptions.IncompleteRead: ConnectionFailedError,
    urllib3.exceptions.InvalidChunkLength: ConnectionFailedError,
    urllib3.exceptions.InvalidHeader: ConnectionFailedError,
    urllib3.exceptions.HeaderParsingError: ConnectionFailedError,
}
# One failure often shows as several exceptions, one inside the other. The most telling comes first.
_MOST_TELLING = (
    UntrustedCertificateError,
    ProxyFailedError,
    HostUnknownError,
    TimedOutError,
    ConnectionFailedError,
)
_LIBRARY_ERRORS = (
    OSError,
    UnicodeError,
    http.client.HTTPException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
)


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


class Transport:
    """Asks over HTTPS, keeps connections for the next time, and may be used by many threads at once.

    Proxies come from the environment (``HTTPS_PROXY``, ``NO_PROXY``). Redirects are not followed, as a token
    must not travel on to another host, and cookies are not kept.

    Args:
        ca_bundle: File or directory of the certificates to trust; None for those of ``certifi``.
        timeout: Seconds to wait for a connection (15 at most) and for each next part of an answer.
        pool_size: Connections to keep per host.
    """

    def __init__(self, *, ca_bundle: str | None, timeout: float, pool_size: int) -> None:
        """Prepare; nothing is opened before the first request."""
        self._timeout = timeout
        self._connect_timeout = min(timeout, CONNECT_SECONDS)
        self._trusted = ca_bundle or certifi.where()
        self._session = requests.Session()
        # With it, REQUESTS_CA_BUNDLE would win over ca_bundle, and ~/.netrc over our token.
        self._session.trust_env = False
        self._session.verify = self._trusted
        self._session.headers["User-Agent"] = f"tap-mdc-vm/{_version()}"
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._adapter = HTTPAdapter(pool_maxsize=pool_size)
        self._session.mount("https://", self._adapter)

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send ``body`` and return the answer.

        Raises:
            NetworkError: If there was none, or it broke off.
        """
        return self._ask("POST", url, body, headers)

    def get(self, url: str, *, headers: Mapping[str, str]) -> Answer:
        """Return what is at ``url``.

        Raises:
            NetworkError: If there was no answer, or it broke off.
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
        proxy = _proxy(url)
        return _host(proxy) if proxy else None

    def close(self) -> None:
        """Close the connections that are kept."""
        self._session.close()

    def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        with (
            self._translated(url),
            self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=(self._connect_timeout, self._timeout),
                proxies=_proxies(url),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            # One read of the whole, not requests' many of 10 kB. It too raises if the body is cut short.
            content = response.raw.read(decode_content=True)
            return Answer(response.status_code, response.headers, content)

    @contextmanager
    def _connection(self, url: str) -> Iterator[socket.socket]:
        """Open a connection on which the next word belongs to the host."""
        host, port = _address(url)
        proxy = _proxy(url)
        with ExitStack() as opened:
            if proxy is None:
                yield opened.enter_context(socket.create_connection((host, port), self._connect_timeout))
                return
            try:
                connection = opened.enter_context(socket.create_connection(_address(proxy), self._connect_timeout))
                if urlsplit(proxy).scheme == "https":
                    connection = opened.enter_context(
                        self._context().wrap_socket(connection, server_hostname=_address(proxy)[0])
                    )
                self._tunnel(connection, f"{host}:{port}", proxy)
            except (OSError, http.client.HTTPException) as error:
                raise urllib3.exceptions.ProxyError("Unable to connect to proxy", error) from error
            yield connection

    def _tunnel(self, connection: socket.socket, target: str, proxy: str) -> None:
        """Ask the proxy to connect."""
        headers = {"Host": target, **self._adapter.proxy_headers(proxy)}
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
        host, _ = _address(url)
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
        except _LIBRARY_ERRORS as error:
            raise self._network_error(url, list(_causes(error))) from error

    def _network_error(self, url: str, causes: list[BaseException]) -> NetworkError:
        kinds = [_counterpart(cause) for cause in causes]
        kind = next(kind for kind in _MOST_TELLING if kind in kinds)
        host, reason = _host(url), _reason(causes[-1])
        if kind is UntrustedCertificateError:
            return self._untrusted(url, causes[kinds.index(kind)])
        if kind is ProxyFailedError:
            return kind(
                f"The proxy {self.proxy(url)} did not connect to {host}: {reason}.",
                "Check HTTPS_PROXY (with user and password if the proxy wants them) and that the proxy lets"
                f" this host through, or name the host in NO_PROXY. {see('proxy-refuses')}",
            )
        if kind is HostUnknownError:
            return kind(
                f"The name of the host {_address(url)[0]} does not resolve: {reason}.",
                "Check cloud, authority_host and resource_manager_url, and this machine's DNS; where only a"
                f" proxy reaches the internet, set HTTPS_PROXY. {see('host-unknown')}",
            )
        if kind is TimedOutError:
            return kind(
                f"{host} did not answer in time ({self._timeout:g} seconds, for a connection"
                f" {self._connect_timeout:g}).",
                "Check that a firewall lets this machine through to it, and request_timeout."
                f" {see('no-answer-in-time')}",
            )
        return kind(
            f"No conversation with {host}: {reason}.",
            f"Check that a firewall or proxy lets this machine through to it. {see('connection-failed')}",
        )

    def _untrusted(self, url: str, cause: BaseException) -> NetworkError:
        why = getattr(cause, "verify_message", "") or "verification failed"
        issuer = self._issuer(url)
        return UntrustedCertificateError(
            f"The certificate of {_host(url)}{issuer and f', issued by {issuer},'} is not trusted: {why}.",
            "If a proxy that inspects TLS stands between, set ca_bundle to a PEM file with its root"
            " certificate; if it is expired or not valid yet, check this machine's clock."
            f" {see('certificate-not-trusted')}",
        )

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
                onlooker.wrap_socket(connection, server_hostname=_address(url)[0]) as tls,
            ):
                certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
                return certificate.issuer.rfc4514_string()
        except (*_LIBRARY_ERRORS, ValueError):
            return ""  # the message does without


def _proxies(url: str) -> dict[str, str]:
    """Return the environment's proxies for ``url``; none for plain http.

    Only the endpoints of managed identities speak plain http. They are this machine's: no proxy reaches them.
    """
    return dict(get_environ_proxies(url)) if url.startswith("https:") else {}


def _proxy(url: str) -> str | None:
    proxy = select_proxy(url, _proxies(url))
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _host(url: str) -> str:
    """Return what of an address can be printed: no user, password, path or query."""
    host, port = _address(url)
    return f"{host}:{port}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an exception and those that it carries, the outermost first."""
    yield error
    inner = [getattr(error, "reason", None), *error.args[::-1], error.__cause__]
    cause = next((each for each in inner if isinstance(each, BaseException)), None)
    if cause is not None:
        yield from _causes(cause)


def _counterpart(cause: BaseException) -> type[NetworkError]:
    return next((_COUNTERPARTS[kind] for kind in type(cause).__mro__ if kind in _COUNTERPARTS), ConnectionFailedError)


def _reason(cause: BaseException) -> str:
    """Return the innermost cause in a few words, without addresses in memory or lines of C."""
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return re.sub(r"\s*\(_ssl\.c:\d+\)|<[^>]*>:?\s*", "", str(text))[:200].strip().rstrip(".")


def _version() -> str:
    try:
        return version("tap-mdc-vm")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
