"""tap-mdc-vm with target-duckdb, by ``meltano run``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from pairs import KEYS, SCHEMAS, Meltano, Records, Tenant, differences

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, stream: str, fields: list[str]) -> list[dict[str, Any]]:
    """Return a table's rows under the names and with the values that the tap sent."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            f"select columns(lambda name: not starts_with(name, '_sdc_')) from {SCHEMAS['duckdb']}.{stream}"
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


def test_every_table_holds_the_tenant_row_by_row_after_two_runs(loaded_duckdb: Path, everything: Records):
    for stream, expected in everything.items():
        rows = read(loaded_duckdb, stream, list(next(iter(expected.values()))))
        found = {row[KEYS[stream]]: row for row in rows}
        assert differences(found, {key: empty_as_null(row) for key, row in expected.items()}) == []
        assert len(rows) == len(expected)


def test_types_land_as_what_they_are(loaded_duckdb: Path):
    with duckdb.connect(str(loaded_duckdb), read_only=True) as connection:
        query = "select table_name, column_name, data_type from information_schema.columns"
        found = connection.execute(query).fetchall()
    types = {(table, column): kind for table, column, kind in found}
    kinds = {"object": "JSON", "array": "JSON", "boolean": "BOOLEAN", "string": "VARCHAR"}
    kinds |= {"integer": "HUGEINT", "number": "DOUBLE"}
    for stream in ("virtual_machines", "network_interfaces", "assessments"):
        for name, schema in packaged.schema(stream)["properties"].items():
            first = schema["type"] if isinstance(schema["type"], str) else schema["type"][-1]
            expected = "TIMESTAMP" if schema.get("format") == "date-time" else kinds[first]
            assert types[stream, name.lower()] == expected, name
    assert types["etm_findings", "findingseverity"] == "HUGEINT"
    assert types["etm_findings", "findingfirstfoundon"] == "TIMESTAMP"


@pytest.mark.parametrize("machines", [1, *(pytest.param(number, marks=pytest.mark.slow) for number in (2, 700))])
def test_no_row_is_lost_whatever_their_number(machines: int, meltano: Meltano, project: Path):
    tenant = Tenant(machines=machines, assessments_per_machine=3)
    with Sandbox(tenant, quota=None) as sandbox:
        names = ("tap-mdc-vm", "target-duckdb")
        meltano("run", *names, environ=sandbox.environment, folder=project, environment="prod")
    expected = tenant.expected()
    keys = {stream: set(records) for stream, records in expected.items()}
    keys["etm_assets"] = {record["vmId"] for record in expected["virtual_machines"].values()}
    keys["etm_findings"] = keys["assessments"]
    path = project / "output" / "defender.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        for stream, expected_keys in keys.items():
            found = connection.execute(f"select {KEYS[stream]} from {SCHEMAS['duckdb']}.{stream}").fetchall()
            assert {key for (key,) in found} == expected_keys
