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
