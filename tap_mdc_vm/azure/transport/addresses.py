"""Where a request goes: host and port, and the proxy on the way that the environment names."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit

from requests.utils import get_environ_proxies, select_proxy

from tap_mdc_vm.errors import ProxyFailedError, see

_PROXY = re.compile(r"https?://([^/?#]*@)?([\w.-]+|\[[\da-f:.]+\])(:\d+)?(/.*)?", re.IGNORECASE)
_LARGEST_PORT = 65535


def proxy(url: str) -> str | None:
    """Return the address of the proxy on the way to ``url``, as the environment names it; None if there is none.

    Only the endpoints of managed identities speak plain http. They are this machine's: no proxy reaches them.

    Raises:
        ProxyFailedError: What it names can't be a proxy's address.
    """
    found = select_proxy(url, get_environ_proxies(url)) if url.startswith("https:") else None
    if not found:
        return None
    between = found if "://" in found else f"http://{found}"
    match = _PROXY.fullmatch(between)
    if not match or int((match[3] or ":0")[1:]) > _LARGEST_PORT:
        # Nothing of it is shown: with an odd password, any part may be of the password.
        raise ProxyFailedError(
            "The proxy's address in the environment is none: http:// or https://, a host and a port are needed.",
            "Check HTTPS_PROXY and ALL_PROXY; in user and password, write %23 for #, %2F for /, %3A for :, %3F for ?"
            f" and %40 for @. {see('proxy-refuses')}",
        )
    return between


def credentials(between: str) -> dict[str, str]:
    """Return the header for a proxy whose address has user and password; none for another."""
    user, at, _ = urlsplit(between).netloc.rpartition("@")
    return {"Proxy-Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"} if at else {}


def address(url: str) -> tuple[str, int]:
    """Return host and port."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def printable(url: str) -> str:
    """Return what of an address can be printed: no user, password, path or query."""
    host, port = address(url)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
