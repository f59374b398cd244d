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
from xdist.scheduler import LoadFileScheduling

from tap_mdc_vm import packaged
from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.sources import SOURCES, needed
from tap_mdc_vm_sandbox import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ["https_servers", "singer_sdk.testing.pytest_plugin"]

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Rows and exchanges captured from Azure; they lie beside the checkout and are no part of it."""

settings.register_profile("unhurried", deadline=None, max_examples=50)
settings.load_profile("unhurried")

LOADED = {
    f"tests/targets/test_{name}.py" for name in ("duckdb", "examples", "extra_streams_loaded", "jsonl", "postgres")
}
"""Files whose tests read the same databases and files, which are loaded once in each process that wants them."""


class ByWhatIsLoaded(LoadFileScheduling):
    """Gives a file of tests to one process, and to the same one those that read what was loaded."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "loaded" if file in LOADED else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWhatIsLoaded:
    """Distribute by ourselves, whatever --dist says, and in order: a file of many tests need not take long."""
    config.option.loadscopereorder = False
    return ByWhatIsLoaded(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files that take long come first, so that no process is left with one at the end."""
    items.sort(key=lambda item: item.path.parent.name != "targets")


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
def individual(shared: Path) -> list[dict[str, Any]]:
    """Six assessments as they come since 2026: one for each software, update, secret. Not to be changed."""
    rows = json.loads((shared / "azure/rows/constructed/assessments-individual.json").read_text(encoding="utf-8"))
    return list(rows)


@pytest.fixture(scope="session")
def captured_tenant(shared: Path, individual: list[dict[str, Any]]) -> Tenant:
    """The tenant of ``constructed/``: recorded bodies, one invented row for each oddity, the individual assessments."""
    names = ("virtual-machines", "network-interfaces", "public-ips", "assessments")
    folder = shared / "azure/rows/constructed"
    *others, assessments = (json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names)
    return Tenant(*others, [*assessments, *individual])


@pytest.fixture(scope="session")
def odd_rows() -> dict[str, list[dict[str, Any]]]:
    """The rows of each oddity of the sandbox by its name, the odd one first. Not to be changed."""
    return {name: [row for _, row in oddity.rows] for name, oddity in Fleet().oddities.items()}


@pytest.fixture(scope="session")
def made_up_tenant(odd_rows: dict[str, list[dict[str, Any]]]) -> Tenant:
    """The oddities of the sandbox, as far as its application can read them: rows that lie in this repository."""
    readable = {subscription.id for subscription in Fleet().subscriptions if subscription.readable}
    odd = [row for rows in odd_rows.values() for row in rows]

    def of(resource_type: str) -> list[dict[str, Any]]:
        rows = (row for row in odd if row["type"].lower() == resource_type and row["subscriptionId"] in readable)
        return [json.loads(json.dumps(row)) for row in rows]

    interfaces = of("microsoft.network/networkinterfaces")
    return Tenant(
        of("microsoft.compute/virtualmachines"),
        [row for row in interfaces if row["properties"].get("virtualMachine")],
        of("microsoft.network/publicipaddresses"),
        of("microsoft.security/assessments"),
    )


@pytest.fixture(scope="session", params=["captured", "made_up"] if SHARED.is_dir() else ["made_up"])
def tenant(request: pytest.FixtureRequest) -> Tenant:
    """One tenant and then the other, if both are here. Not to be changed."""
    tenant: Tenant = request.getfixturevalue(f"{request.param}_tenant")
    return tenant


@pytest.fixture(scope="session")
def records(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """The records of each tenant, by stream."""
    return tenant.records()


@pytest.fixture(scope="session")
def odd_record(made_up_tenant: Tenant, odd_rows: dict[str, list[dict[str, Any]]]) -> Callable[..., dict[str, Any]]:
    """A function that finds the record of an oddity's row by its name, the odd row's or that of another number."""
    records = {record["resourceId"]: record for found in made_up_tenant.records().values() for record in found}
    return lambda name, number=0: records[odd_rows[name][number]["id"]]


@pytest.fixture(scope="session")
def captured_records(captured_tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """The records of the captured tenant alone."""
    return captured_tenant.records()
