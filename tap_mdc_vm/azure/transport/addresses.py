"""Where a request goes: host and port, and the proxy on the way that the environment names."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote, urlsplit

from requests.utils import get_environ_proxies, select_proxy


def proxy(url: str) -> str | None:
    """Return the address of the proxy on the way to ``url``, as the environment names it; None if there is none.

    Only the endpoints of managed identities speak plain http. They are this machine's: no proxy reaches them.
    """
    found = select_proxy(url, get_environ_proxies(url)) if url.startswith("https:") else None
    return f"http://{found}" if found and "://" not in found else found


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
