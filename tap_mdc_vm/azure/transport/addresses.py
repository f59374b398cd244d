"""Where a request goes: host and port, and the proxy on the way that the environment names."""

from __future__ import annotations

from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy


def proxies(url: str) -> dict[str, str]:
    """Return the environment's proxies for ``url``; none for plain http.

    Only the endpoints of managed identities speak plain http. They are this machine's: no proxy reaches them.
    """
    return dict(get_environ_proxies(url)) if url.startswith("https:") else {}


def proxy(url: str) -> str | None:
    """Return the address of the proxy on the way to ``url``; None if there is none."""
    found = select_proxy(url, proxies(url))
    return f"http://{found}" if found and "://" not in found else found


def address(url: str) -> tuple[str, int]:
    """Return host and port."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def printable(url: str) -> str:
    """Return what of an address can be printed: no user, password, path or query."""
    host, port = address(url)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
