"""What all tests share."""

from __future__ import annotations

import json
import logging
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from sent import sent

from tap_mdc_vm import packaged
from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.sources import SOURCES, needed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["https_servers"]

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Rows and exchanges captured from Azure; they lie beside the checkout and are no part of it."""

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of captured rows; a test that needs it is skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the captured rows of Azure are not beside this checkout (../shared)")
    return SHARED


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Undo what a tap, or Meltano, does to the whole process: handlers and levels of logging, signal handlers."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("", "tap-mdc-vm")}
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for number, handler in signals.items():
        signal.signal(number, handler)


@dataclass
class Tenant:
    """Rows of Resource Graph that belong together."""

    virtual_machines: list[dict[str, Any]]
    network_interfaces: list[dict[str, Any]]
    public_ips: list[dict[str, Any]]
    assessments: list[dict[str, Any]]

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Return the records of all streams, by the functions and indexes that a sync uses, in its order."""
        context, indexes, made = Context(), dict[str, Any](), dict[str, list[dict[str, Any]]]()
        for name in needed("assessments"):
            source = SOURCES[name]
            index = indexes[name] = source.index() if source.index else None
            found = (source.record(sent(row), indexes.get(source.joined_to), context) for row in getattr(self, name))
            made[name] = [record for record in found if record is not None]
            for record in made[name] if index else []:
                index.add(record)
        return {name: made[name] for name in packaged.STREAMS}


@pytest.fixture(scope="session")
def tenant(shared: Path) -> Tenant:
    """The tenant of ``constructed/``: recorded bodies, and one invented row for each oddity. Not to be changed."""
    names = ("virtual-machines", "network-interfaces", "public-ips", "assessments")
    folder = shared / "azure/rows/constructed"
    return Tenant(*(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names))


@pytest.fixture(scope="session")
def individual(shared: Path) -> list[dict[str, Any]]:
    """Six assessments as they come since 2026: one for each software, update, secret. Not to be changed."""
    rows = json.loads((shared / "azure/rows/constructed/assessments-individual.json").read_text(encoding="utf-8"))
    return list(rows)


@pytest.fixture(scope="session")
def records(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """The records of that tenant, by stream."""
    return tenant.records()
