"""A stand-in for Entra ID and Azure Resource Graph on loopback, for tests and rehearsals.

It shares no code with the tap, so that it is a witness of its own.
"""

from __future__ import annotations

from .fleet import Fleet
from .quota import Quota
from .sandbox import Sandbox

__all__ = ["Fleet", "Quota", "Sandbox"]
