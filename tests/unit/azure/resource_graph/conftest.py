"""What readings of a service in this process share."""

from __future__ import annotations

import pytest
import stand_in

from tap_mdc_vm.azure import retries
from tap_mdc_vm.azure.resource_graph import pacing
from tap_mdc_vm.azure.resource_graph.model import Scope
from tap_mdc_vm.errors import NetworkError, ThrottledError, UnavailableError

EVERYWHERE = (Scope(),)


@pytest.fixture
def impatient(monkeypatch):
    """Cut waiting to thousandths of seconds; how long the tap really waits is tested where it is decided."""
    monkeypatch.setattr(pacing, "_WINDOW", 0.02)
    monkeypatch.setattr(pacing, "_LONGEST_WINDOW", 0.02)
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.004)
    monkeypatch.setattr(retries, "_BOUNDS", ((ThrottledError, 3.0), (UnavailableError, 0.3), (NetworkError, 0.3)))


@pytest.fixture
def read(impatient):
    """Read a stand-in whole, a hundred rows a page."""

    def read(service, *, scopes=EVERYWHERE, page_size=100, **options):
        return stand_in.read(service, scopes=scopes, page_size=page_size, **options)

    return read
