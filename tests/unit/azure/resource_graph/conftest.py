"""What readings of a service in this process share."""

from __future__ import annotations

import pytest
import stand_in

from tap_mdc_vm.azure import retries
from tap_mdc_vm.azure.resource_graph import client, pacing
from tap_mdc_vm.azure.resource_graph.model import Scope
from tap_mdc_vm.errors import NetworkError, ThrottledError, UnavailableError

EVERYWHERE = (Scope(),)


class OwnTime(retries.Patience):
    """Patience in a time of its own, which only its waits fill, so that it doesn't matter how busy a machine is."""

    def __init__(self):
        self.now = 0.0
        super().__init__(clock=lambda: self.now)

    def wait(self, *args, **more):
        wait = super().wait(*args, **more)
        self.now += wait
        return wait


@pytest.fixture
def impatient(monkeypatch):
    """Cut waiting to thousandths of seconds; how long the tap really waits is tested where it is decided."""
    monkeypatch.setattr(client, "Patience", OwnTime)
    monkeypatch.setattr(pacing, "_WINDOW", 0.02)
    monkeypatch.setattr(pacing, "_LONGEST_WINDOW", 0.02)
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.004)
    monkeypatch.setattr(retries, "_BOUNDS", ((ThrottledError, 3.0), (UnavailableError, 0.05), (NetworkError, 0.05)))


@pytest.fixture
def read(impatient):
    """Read a stand-in whole, a hundred rows a page."""

    def read(service, *, scopes=EVERYWHERE, page_size=100, **options):
        return stand_in.read(service, scopes=scopes, page_size=page_size, **options)

    return read
