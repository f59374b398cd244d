"""A tenant whose machines can be deleted, and what should arrive of it at a target."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace
from typing import Any

import oracle

from tap_mdc_vm_sandbox import Fault, Fleet, Kind, Limits

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
KEYS = {
    "virtual_machines": "id",
    "network_interfaces": "id",
    "assessments": "id",
    "etm_assets": "externalAssetId",
    "etm_findings": "externalFindingId",
}
Records = dict[str, dict[str, dict[str, Any]]]
"""By stream, then by key."""
SCHEMAS = {"postgres": "tap_mdc_vm_sandbox", "duckdb": "tap_mdc_vm"}
"""In which each database holds the tables that came from the sandbox."""
BUCKET = "security-lake"
BREAKING: dict[str, Any] = {
    "faults": [Fault(kind=Kind.EXPIRED_TOKEN, times=None, after=4, containing="SecurityResources")],
    "limits": Limits(payload=450_000),
}
"""Ends the run in the midst of the findings, which come in several answers; no other failure is so quick to end one."""
csv.field_size_limit(2**24)  # the tenant has a value of 300 kB, as Azure may
_DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
Meltano = Callable[..., CompletedProcess[str]]


class Tenant(Fleet):
    """A made-up tenant in which machines can be deleted, with all that belongs to them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.deleted: set[str] = set()

    def delete(self, machine_id: str) -> None:
        """Delete a machine, by its id in lower case."""
        self.deleted.add(machine_id)

    def lines(self) -> dict[str, Iterator[bytes]]:
        return {table: filter(self._remains, lines) for table, lines in super().lines().items()}

    def _remains(self, line: bytes) -> bool:
        row_id = json.loads(line)["id"].lower()
        return not any(row_id == each or row_id.startswith(f"{each}/") for each in self.deleted)

    def expected(self) -> Records:
        """Compute what should arrive of the three streams, from the raw rows."""
        readable = {each.id for each in self.subscriptions if each.readable}
        rows = [row for lines in self.lines().values() for row in map(json.loads, lines)]

        def of(resource_type: str) -> list[dict[str, Any]]:
            return [row for row in rows if row["type"] == resource_type and row["subscriptionId"] in readable]

        interfaces = of("microsoft.network/networkinterfaces")
        tables = SimpleNamespace(
            virtual_machines=of("microsoft.compute/virtualmachines"),
            network_interfaces=[row for row in interfaces if oracle.said(row, "properties.virtualMachine.id")],
            public_ips=of("microsoft.network/publicipaddresses"),
            assessments=of("microsoft.security/assessments"),
        )
        return {name: {row["id"]: row for row in oracle.expected(tables, name)} for name in oracle.ORACLES}


def postgres_variables(database: str) -> dict[str, str]:
    """Return what leads target-postgres to a database, by its address."""
    return {"TARGET_POSTGRES_SQLALCHEMY_URL": database.replace("postgresql:", "postgresql+psycopg:")}


def project_in(folder: Path) -> Path:
    """Make a copy of the Meltano project that commands may change and write to, and return its folder."""
    (folder / "output").mkdir(parents=True)
    shutil.copy(ROOT / "meltano.yml", folder)
    (folder / "constraints").symlink_to(ROOT / "constraints")
    return folder


def unflattened(row: dict[str, str | None], record: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a file that knows only text, with the values that the tap sent.

    Args:
        row: Nothing stands for null and for an empty text; a date has a zone or is one in UTC.
        record: What the tap sent of it when it wasn't flat: it says which type each value has.
    """

    def value(text: str | None, sent: Any) -> Any:
        if not text:
            return sent or None if isinstance(sent, str) else None
        if isinstance(sent, str) and _DATE.fullmatch(sent):
            return datetime.fromisoformat(text).replace(tzinfo=None)
        if sent is None or isinstance(sent, str):
            return text
        return json.loads(text.lower() if isinstance(sent, bool) else text)

    return {name: value(text, record.get(name)) for name, text in row.items()}


def differences(found: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> list[str]:
    """Name every row and field in which a table differs from what should be in it.

    Args:
        found: By key; a timestamp without a zone is one in UTC.
        expected: By key, as the tap sends it.
    """
    lines = [f"{key} is missing" for key in expected.keys() - found.keys()]
    lines += [f"{key} should not be there" for key in found.keys() - expected.keys()]
    for key in expected.keys() & found.keys():
        for field in expected[key].keys() | found[key].keys():
            is_, ought = found[key].get(field, "no such field"), expected[key].get(field, "no such field")
            if isinstance(is_, datetime) and isinstance(ought, str):
                ought = datetime.fromisoformat(ought).replace(tzinfo=None)
            if isinstance(is_, Decimal):
                is_ = float(is_)
            if is_ != ought:
                lines.append(f"{key}: {field} is {is_!r}, not {ought!r}")
    return lines
