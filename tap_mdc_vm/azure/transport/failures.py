"""Why no conversation took place, in a user's words, out of what the libraries raise."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions
from isal import isal_zlib

from tap_mdc_vm.errors import (
    ConnectionFailedError,
    HostUnknownError,
    NetworkError,
    ProxyFailedError,
    TimedOutError,
    UntrustedCertificateError,
    see,
)

from .addresses import address, printable, proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_IsalError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub takes it for an instance

# What the libraries may raise, and what it means to a user. A test asks them for all their exceptions.
COUNTERPARTS: dict[type[BaseException], type[NetworkError]] = {
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
    _IsalError: ConnectionFailedError,
    EOFError: ConnectionFailedError,  # gzip that ends too soon
}
# One failure often shows as several exceptions, one inside the other. The most telling comes first.
MOST_TELLING = (
    UntrustedCertificateError,
    ProxyFailedError,
    HostUnknownError,
    TimedOutError,
    ConnectionFailedError,
)
LIBRARY_ERRORS = (
    OSError,
    UnicodeError,
    http.client.HTTPException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
    _IsalError,
    EOFError,
)


def network_error(error: BaseException, url: str, patience: str, issuer: Callable[[], str]) -> NetworkError:
    """Return what an exception of the libraries means.

    Args:
        error: One of :data:`LIBRARY_ERRORS`.
        url: What was asked.
        patience: For how long was waited, in words.
        issuer: Finds out who issued the certificate that was shown; empty if that can't be found out.
    """
    causes = list(_causes(error))
    kinds = [counterpart(cause) for cause in causes]
    kind = next(kind for kind in MOST_TELLING if kind in kinds)
    host, reason = printable(url), _reason(causes[-1])
    if kind is UntrustedCertificateError:
        return _untrusted(host, causes[kinds.index(kind)], issuer())
    if kind is ProxyFailedError:
        return kind(
            f"The proxy {printable(proxy(url) or '')} did not connect to {host}: {reason}.",
            "Check HTTPS_PROXY (with user and password if the proxy wants them) and that the proxy lets this host"
            f" through, or name the host in NO_PROXY. {see('proxy-refuses')}",
        )
    if kind is HostUnknownError:
        return kind(
            f"The name of the host {address(url)[0]} does not resolve: {reason}.",
            "Check cloud, authority_host and resource_manager_url, and this machine's DNS; where only a proxy reaches"
            f" the internet, set HTTPS_PROXY. {see('host-unknown')}",
        )
    if kind is TimedOutError:
        return kind(
            f"{host} did not answer in time ({patience}).",
            f"Check that a firewall lets this machine through to it, and request_timeout. {see('no-answer-in-time')}",
        )
    return kind(
        f"No conversation with {host}: {reason}.",
        f"Check that a firewall or proxy lets this machine through to it. {see('connection-failed')}",
    )


def _untrusted(host: str, cause: BaseException, issuer: str) -> NetworkError:
    why = getattr(cause, "verify_message", "") or "verification failed"
    return UntrustedCertificateError(
        f"The certificate of {host}{issuer and f', issued by {issuer},'} is not trusted: {why}.",
        "If a proxy that inspects TLS stands between, set ca_bundle to a PEM file with its root certificate; if it"
        f" is expired or not valid yet, check this machine's clock. {see('certificate-not-trusted')}",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an exception and those that it carries, the outermost first."""
    yield error
    inner = [getattr(error, "reason", None), *error.args[::-1], error.__cause__]
    cause = next((each for each in inner if isinstance(each, BaseException)), None)
    if cause is not None:
        yield from _causes(cause)


def counterpart(cause: BaseException) -> type[NetworkError]:
    """Return the class of this tap for an exception of the libraries, by its class or the nearest above it."""
    return next((COUNTERPARTS[kind] for kind in type(cause).__mro__ if kind in COUNTERPARTS), ConnectionFailedError)


def _reason(cause: BaseException) -> str:
    """Return the innermost cause in a few words, without addresses in memory or lines of C."""
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return re.sub(r"\s*\(_ssl\.c:\d+\)|<[^>]*>:?\s*", "", str(text))[:200].strip().rstrip(".")
