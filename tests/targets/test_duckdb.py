"""tap-mdc-vm with target-duckdb, by ``meltano run``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from pairs import KEYS, Meltano, Records, Tenant, differences

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = "tap_mdc_vm"


def read(path: Path, stream: str, fields: list[str]) -> list[dict[str, Any]]:
    """Return a table's rows under the names and with the values that the tap sent."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            f"select columns(lambda name: not starts_with(name, '_sdc_')) from {SCHEMA}.{stream}"
        )
        columns = [(name, str(kind)) for name, kind, *_ in found.description]
        rows = found.fetchall()
    names = {name.lower(): name for name in fields}
    assert {name for name, _ in columns} == names.keys(), "a column is missing, or one too many"
    return [
        {
            names[name]: json.loads(value) if kind == "JSON" and value is not None else value
            for (name, kind), value in zip(columns, row, strict=True)
        }
        for row in rows
    ]


def empty_as_null(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as this target takes it: it makes no difference between an empty text and null."""
    return {name: None if value == "" else value for name, value in record.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database goes."""
    return tmp_path / "defender.duckdb"


@pytest.fixture
def load(meltano: Meltano, path: Path) -> Iterator[Any]:
    """Run the pair on a tenant."""

    def run(tenant: Tenant) -> None:
        with Sandbox(tenant, quota=None) as sandbox:
            environ = sandbox.environment | {"TARGET_DUCKDB_PATH": str(path)}
            meltano("run", "tap-mdc-vm", "target-duckdb", environ=environ)

    return run


def test_every_table_holds_the_tenant_row_by_row_and_a_second_run_doubles_nothing(
    tenant: Tenant, etm_of_the_tap: Records, load: Any, path: Path
):
    load(tenant)
    load(tenant)
    for stream, expected in (tenant.expected() | etm_of_the_tap).items():
        rows = read(path, stream, list(next(iter(expected.values()))))
        found = {row[KEYS[stream]]: row for row in rows}
        assert differences(found, {key: empty_as_null(row) for key, row in expected.items()}) == []
        assert len(rows) == len(expected)


def test_types_land_as_what_they_are(tenant: Tenant, load: Any, path: Path):
    load(tenant)
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns"
        ).fetchall()
    types = {(table, column): kind for table, column, kind in found}
    for stream in ("virtual_machines", "network_interfaces", "assessments"):
        for name, schema in packaged.schema(stream)["properties"].items():
            kinds = {"object": "JSON", "array": "JSON", "boolean": "BOOLEAN", "integer": "HUGEINT", "string": "VARCHAR"}
            first = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
            expected = "TIMESTAMP" if schema.get("format") == "date-time" else kinds[first]
            assert types[stream, name.lower()] == expected, name
    assert types["etm_findings", "findingseverity"] == "HUGEINT"


@pytest.mark.parametrize("machines", [1, 2, 3, 700])
def test_no_row_is_lost_whatever_their_number(machines: int, load: Any, path: Path):
    tenant = Tenant(machines=machines, assessments_per_machine=5)
    load(tenant)
    for stream, expected in tenant.expected().items():
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute(f"select {KEYS[stream]} from {SCHEMA}.{stream}").fetchall()
        assert {key for (key,) in found} == expected.keys()
