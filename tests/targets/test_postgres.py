"""tap-mdc-vm with target-postgres on a real server, by ``meltano run``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pairs import BREAKING, KEYS, ROOT, SCHEMAS, Meltano, Records, Tenant, differences, postgres_variables
from psycopg.rows import dict_row

from tap_mdc_vm import packaged
from tap_mdc_vm.sources import SOURCES
from tap_mdc_vm_sandbox import Fault, Kind, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = SCHEMAS["postgres"]
DELETING = {"TAP_MDC_VM_EMIT_ACTIVATE_VERSION_MESSAGES": "true"}
KEEPING = {"TAP_MDC_VM_EMIT_ACTIVATE_VERSION_MESSAGES": "false"}
Load = Callable[..., str]


@pytest.fixture
def database(postgres: Callable[..., str], loaded_postgres: str) -> str:
    """Make a copy of the database into which the tenant was loaded, and return its address."""
    return postgres(like=loaded_postgres)


@pytest.fixture
def load(meltano: Meltano, database: str) -> Load:
    """Run the pair on a sandbox, and return the log."""

    def run(sandbox: Sandbox, *options: str, status: int = 0, **environ: str) -> str:
        with sandbox:
            environ = sandbox.environment | postgres_variables(database) | environ
            return meltano("run", *options, "tap-mdc-vm", "target-postgres", environ=environ, status=status).stderr

    return run


def read(database: str, stream: str) -> dict[str, dict[str, Any]]:
    """Return a table's rows by key, without the target's own columns."""
    with psycopg.connect(database, row_factory=dict_row) as connection:
        rows = connection.execute(f"select * from {SCHEMA}.{stream}").fetchall()
    cleaned = [{name: value for name, value in row.items() if not name.startswith("_sdc_")} for row in rows]
    assert len({row[KEYS[stream]] for row in rows}) == len(rows)
    return {row[KEYS[stream]]: row for row in cleaned}


def assert_holds(database: str, expected: Records) -> None:
    for stream, records in expected.items():
        assert differences(read(database, stream), records) == []


def test_every_table_holds_the_tenant_row_by_row_after_two_runs(loaded_postgres: str, everything: Records):
    assert_holds(loaded_postgres, everything)


def test_types_and_keys_land_as_what_they_are(loaded_postgres: str):
    with psycopg.connect(loaded_postgres) as connection:
        columns = connection.execute(
            "select table_name, column_name, udt_name from information_schema.columns where table_schema = %s", [SCHEMA]
        ).fetchall()
        keys = connection.execute(
            """select c.table_name, k.column_name from information_schema.table_constraints c
               join information_schema.key_column_usage k using (constraint_name, constraint_schema)
               where constraint_schema = %s and constraint_type = 'PRIMARY KEY'""",
            [SCHEMA],
        ).fetchall()
    types = {(table, column): kind for table, column, kind in columns}
    extra = {(stream, field) for stream in packaged.EXTRA_STREAMS for field in SOURCES[stream].key}
    assert set(keys) == set(KEYS.items()) | extra
    for stream in ("virtual_machines", "network_interfaces", "assessments"):
        for name, schema in packaged.schema(stream)["properties"].items():
            first = schema["type"] if isinstance(schema["type"], str) else schema["type"][-1]
            kinds = {"object": {"jsonb"}, "boolean": {"bool"}, "string": {"text"}, "array": {"_text", "_jsonb"}}
            kinds |= {"integer": {"int8"}, "number": {"numeric", "float8"}}
            assert types[stream, name] in ({"timestamp"} if schema.get("format") == "date-time" else kinds[first]), name
    assert types["etm_findings", "findingSeverity"] == "int8"
    assert types["etm_findings", "findingFirstFoundOn"] == "timestamp"


def test_what_changes_in_azure_is_updated_and_what_is_deleted_disappears_with_all_that_belongs_to_it(
    tenant: Tenant, load: Load, database: str
):
    with psycopg.connect(database) as connection:
        connection.execute(f"update {SCHEMA}.assessments set severity = 'outdated', \"statusCode\" = null")
    before = tenant.expected()
    tenant.delete(next(row["virtualMachineId"] for row in before["assessments"].values() if row["vmId"]))
    load(Sandbox(tenant, quota=None))
    after = tenant.expected()
    assert len(after["virtual_machines"]) == len(before["virtual_machines"]) - 1
    assert len(after["assessments"]) < len(before["assessments"])
    assert_holds(database, after)
    assert read(database, "etm_assets").keys() == {row["vmId"] for row in after["virtual_machines"].values()}
    assert read(database, "etm_findings").keys() == after["assessments"].keys()


def test_without_the_setting_what_is_deleted_stays(tenant: Tenant, load: Load, database: str):
    before = read(database, "virtual_machines").keys()
    tenant.delete(next(iter(before)))
    load(Sandbox(tenant, quota=None), **KEEPING)
    assert read(database, "virtual_machines").keys() == before


def test_a_run_that_fails_at_once_removes_nothing(tenant: Tenant, load: Load, database: str):
    before = {stream: read(database, stream).keys() for stream in KEYS}
    tenant.delete(next(row["virtualMachineId"] for row in tenant.expected()["assessments"].values() if row["vmId"]))
    fault = Fault(kind=Kind.EXPIRED_TOKEN, times=None, containing="microsoft.compute/virtualmachines'")
    assert "ExpiredAuthenticationToken" in load(Sandbox(tenant, quota=None, faults=[fault]), status=1)
    assert {stream: read(database, stream).keys() for stream in KEYS} == before


def test_what_a_lost_role_hides_and_what_a_failed_run_did_not_bring_goes_with_a_run_without_state(
    tenant: Tenant, load: Load, database: str
):
    def keys() -> dict[str, set[str]]:
        return {stream: set(read(database, stream)) for stream in KEYS}

    before = keys()
    lost = next(row["subscriptionId"] for row in tenant.expected()["virtual_machines"].values())
    assert lost in load(Sandbox(tenant, quota=None, unreadable=[lost]))
    assert keys() == before

    fixed = next(key for key, row in tenant.expected()["assessments"].items() if row["vmId"])
    tenant.delete(fixed)
    assert "ExpiredAuthenticationToken" in load(Sandbox(tenant, quota=None, **BREAKING), status=1)
    assert keys() == before

    load(Sandbox(tenant, quota=None, unreadable=[lost]), "--full-refresh")
    left = tenant.expected()
    for stream in ("virtual_machines", "network_interfaces", "assessments"):
        remaining = {key for key, row in left[stream].items() if row["subscriptionId"] != lost}
        assert keys()[stream] == remaining < before[stream]


def test_the_order_of_the_sdk_would_empty_the_table_when_a_run_fails(tenant: Tenant, database: str, tmp_path: Path):
    """The same messages, once as the tap sends them and once with ACTIVATE_VERSION first, both broken off early."""
    whole = read(database, "assessments")
    with Sandbox(tenant, quota=None) as sandbox:
        environ = os.environ | sandbox.environment | DELETING
        command = [sys.executable, "-m", "tap_mdc_vm"]
        lines = subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True).stdout.splitlines(True)
    by_kind: dict[str, list[bytes]] = {}
    for line in lines:
        message = json.loads(line)
        if message.get("stream") == "assessments":
            by_kind.setdefault(message["type"], []).append(line)
    config = tmp_path / "config.json"
    url = postgres_variables(database)["TARGET_POSTGRES_SQLALCHEMY_URL"]
    config.write_text(json.dumps({"sqlalchemy_url": url, "default_target_schema": SCHEMA, "hard_delete": True}))

    def left_after(*kinds: str) -> int:
        target = ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"
        sent = b"".join(line for kind in kinds for line in by_kind[kind][:5])
        subprocess.run([target, "--config", config], input=sent, check=True, capture_output=True)
        return len(read(database, "assessments"))

    assert left_after("SCHEMA", "RECORD") == len(whole)
    assert left_after("SCHEMA", "ACTIVATE_VERSION", "RECORD") == 5
