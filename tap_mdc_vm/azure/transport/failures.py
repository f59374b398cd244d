"""Why no conversation took place, in a user's words, out of what the libraries raise."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterator

from isal import isal_zlib
from urllib3 import exceptions

from tap_mdc_vm import errors
from tap_mdc_vm.errors import see

from .addresses import address, printable, proxy

_IsalError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub takes it for an instance

_STRICT = range(80, 94)
"""OpenSSL's numbers for what only its flag X509_STRICT refuses (x509_vfy.h), such as a missing key identifier."""

LIBRARY_ERRORS = (
    OSError,
    UnicodeError,
    http.client.HTTPException,
    exceptions.HTTPError,
    exceptions.ProxySchemeUnsupported,
    _IsalError,
    EOFError,  # gzip that ends too soon
)
"""Whatever the libraries may raise. A test asks them for all their exceptions."""

COUNTERPARTS: tuple[tuple[type[errors.NetworkError], tuple[type[BaseException], ...]], ...] = (
    (errors.UntrustedCertificateError, (ssl.SSLCertVerificationError,)),
    (
        errors.ProxyFailedError,
        (exceptions.ProxyError, exceptions.ProxySchemeUnknown, exceptions.ProxySchemeUnsupported),
    ),
    (
        errors.HostUnknownError,
        # UnicodeError: a name that DNS can't have; LocationValueError: a label of more than 63 characters, or none
        (socket.gaierror, UnicodeError, exceptions.NameResolutionError, exceptions.LocationValueError),
    ),
    (errors.TimedOutError, (TimeoutError, exceptions.ReadTimeoutError)),
    (errors.ConnectionFailedError, LIBRARY_ERRORS),
)
"""What they mean to a user. One failure often shows as several exceptions, one inside the other: the most telling
comes first."""


def network_error(error: BaseException, url: str, patience: str, issuer: Callable[[], str]) -> errors.NetworkError:
    """Return what an exception of the libraries means.

    Args:
        error: One of :data:`LIBRARY_ERRORS`.
        url: What was asked.
        patience: For how long was waited, in words.
        issuer: Finds out who issued the certificate that was shown; empty if that can't be found out.
    """
    causes = list(_causes(error))
    kind, telling = next(
        (kind, cause) for kind, theirs in COUNTERPARTS for cause in causes if isinstance(cause, theirs)
    )
    host, reason = printable(url), _reason(causes[-1])
    if kind is errors.UntrustedCertificateError:
        return _untrusted(host, telling, issuer())
    if kind is errors.ProxyFailedError:
        return kind(
            f"The proxy {printable(proxy(url) or '')} did not connect to {host}: {reason}.",
            "Check HTTPS_PROXY (with user and password if the proxy wants them) and that the proxy lets this host"
            f" through, or name the host in NO_PROXY. {see('proxy-refuses')}",
        )
    if kind is errors.HostUnknownError:
        return kind(
            f"The name of the host {address(url)[0]} does not resolve: {reason}.",
            "Check cloud, authority_host and resource_manager_url, and this machine's DNS; where only a proxy reaches"
            f" the internet, set HTTPS_PROXY. {see('host-unknown')}",
        )
    if kind is errors.TimedOutError:
        return kind(
            f"{host} did not answer in time ({patience}).",
            f"Check that a firewall lets this machine through to it, and request_timeout. {see('no-answer-in-time')}",
        )
    return kind(
        f"No conversation with {host}: {reason}.",
        f"Check that a firewall or proxy lets this machine through to it. {see('connection-failed')}",
    )


def _untrusted(host: str, cause: BaseException, issuer: str) -> errors.NetworkError:
    why = (getattr(cause, "verify_message", "") or "verification failed").removesuffix(".")
    strict = getattr(cause, "verify_code", 0) in _STRICT
    rule = " (a rule of Python 3.13 and later for certificates that ca_bundle does not name)" if strict else ""
    return errors.UntrustedCertificateError(
        f"The certificate of {host}{issuer and f', issued by {issuer},'} is not trusted: {why}{rule}.",
        "If a proxy that inspects TLS stands between, set ca_bundle to a PEM file with its root certificate; if it"
        " is expired or not valid yet, check this machine's clock; if it is of another name, check the address."
        f" {see('certificate-not-trusted')}",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an exception and those that it carries, the outermost first."""
    yield error
    inner = [getattr(error, "reason", None), *error.args[::-1], error.__cause__]
    cause = next((each for each in inner if isinstance(each, BaseException)), None)
    if cause is not None:
        yield from _causes(cause)


def _reason(cause: BaseException) -> str:
    """Return the innermost cause in a few words, without addresses in memory or lines of C."""
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return re.sub(r"\s*\(_ssl\.c:\d+\)|<[^>]*>:?\s*", "", str(text))[:200].strip().rstrip(".")
