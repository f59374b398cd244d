"""A stand-in for Entra ID and Azure Resource Graph on loopback, for tests and rehearsals.

It shares no code with the tap, so that it is a witness of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .credentials import AuthMethod as AuthMethod
    from .credentials import Trouble as Trouble
    from .drift import Drift as Drift
    from .faults import Chaos as Chaos
    from .faults import Fault as Fault
    from .faults import Kind as Kind
    from .fleet import Fleet as Fleet
    from .graph_api import Limits as Limits
    from .quota import Quota as Quota
    from .quota import Window as Window
    from .sandbox import Sandbox as Sandbox
    from .store import HashMode as HashMode

_HOMES = {
    "AuthMethod": "credentials",
    "Chaos": "faults",
    "Drift": "drift",
    "Fault": "faults",
    "Fleet": "fleet",
    "HashMode": "store",
    "Kind": "faults",
    "Limits": "graph_api",
    "Quota": "quota",
    "Sandbox": "sandbox",
    "Trouble": "credentials",
    "Window": "quota",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any of the names above
    """Import a name when it is first used, so that a missing extra is reported by the command, in one line."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
