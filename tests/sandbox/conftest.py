"""What whole runs share."""

from __future__ import annotations

import pytest

from tap_mdc_vm.azure import retries
from tap_mdc_vm.azure.credentials import keeping
from tap_mdc_vm.azure.resource_graph import pacing
from tap_mdc_vm.errors import NetworkError, ThrottledError, UnavailableError


@pytest.fixture
def impatient(monkeypatch):
    """Cut waiting to hundredths of seconds; how long the tap really waits is tested where it is decided."""
    monkeypatch.setattr(pacing, "_WINDOW", 0.05)
    monkeypatch.setattr(pacing, "_LONGEST_WINDOW", 0.05)
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.005)
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.02)
    monkeypatch.setattr(retries, "_BOUNDS", ((ThrottledError, 3.0), (UnavailableError, 1.0), (NetworkError, 1.0)))
    monkeypatch.setattr(keeping, "QUIET", 0.0)


@pytest.fixture
def giving_up(impatient, monkeypatch):
    """Ask again for a fifth of a second only: nothing is to come of it."""
    monkeypatch.setattr(retries, "_BOUNDS", tuple((error, 0.2) for error, _ in retries._BOUNDS))
    monkeypatch.setattr(retries, "_FIRST_CONTACT", 0.2)
