"""examples/: the queries in both databases, the overview page, and the orchestrator."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster
import duckdb
import psycopg
import pytest
from pairs import BIN, ROOT, SCHEMAS, Records, Tenant, project_in

from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SQL = ROOT / "examples" / "sql"
SEVERE = ("Critical", "High")


@pytest.fixture(params=["postgres", "duckdb"])
def ask(request: pytest.FixtureRequest) -> Any:
    """Run a query of examples/sql in a loaded database, and return its rows by column name."""

    def run(name: str) -> list[dict[str, Any]]:
        query = (SQL / f"{name}.sql").read_text(encoding="utf-8")
        if request.param == "postgres":
            with psycopg.connect(request.getfixturevalue("loaded_postgres")) as connection:
                connection.execute(f"set search_path = {SCHEMAS['postgres']}")
                cursor = connection.execute(query)
                columns, rows = [column.name for column in cursor.description], cursor.fetchall()
        else:
            with duckdb.connect(str(request.getfixturevalue("loaded_duckdb")), read_only=True) as connection:
                connection.execute(f"use {SCHEMAS['duckdb']}")
                cursor = connection.execute(query)
                columns, rows = [column[0] for column in cursor.description], cursor.fetchall()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return run


def open_findings(everything: Records) -> list[dict[str, Any]]:
    return [row for row in everything["assessments"].values() if row["statusCode"] == "Unhealthy"]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def test_exposed_machines(ask: Any, everything: Records):
    machines = everything["virtual_machines"]
    counted: dict[str, Counter[str]] = {}
    for row in open_findings(everything):
        machine = machines.get(row["virtualMachineId"])
        if machine and machine["publicIPAddress"] and row["severity"] in SEVERE:
            counted.setdefault(machine["id"], Counter())[row["severity"]] += 1
    expected = [
        (machines[key]["name"], machines[key]["publicIPAddress"], counts["Critical"], counts["High"])
        for key, counts in counted.items()
    ]
    rows = ask("exposed_machines")
    assert len(expected) > 3
    assert sorted((row["name"], row["address"], row["critical"], row["high"]) for row in rows) == sorted(expected)
    assert rows == sorted(rows, key=lambda row: (-row["critical"], -row["high"]))


def test_machines_without_assessments(ask: Any, everything: Records):
    assessed = {row["virtualMachineId"] for row in everything["assessments"].values()}
    expected = {row["name"] for key, row in everything["virtual_machines"].items() if key not in assessed}
    assert expected
    assert {row["name"] for row in ask("machines_without_assessments")} == expected


def test_new_findings(ask: Any, everything: Records):
    since = datetime.combine(datetime.now(UTC).date() - timedelta(days=7), datetime.min.time())
    expected = Counter(
        (row["displayName"], row["vmName"])
        for row in open_findings(everything)
        if row["firstEvaluationDate"] and moment(row["firstEvaluationDate"]) >= since
    )
    assert expected
    assert Counter((row["finding"], row["machine"]) for row in ask("new_findings")) == expected


def test_recommendations(ask: Any, everything: Records):
    machines: dict[tuple[str, str], set[str]] = {}
    for row in open_findings(everything):
        machines.setdefault((row["name"], row["displayName"]), set()).add(row["virtualMachineId"])
    expected = Counter((title, len(concerned)) for (_, title), concerned in machines.items())
    rows = ask("recommendations")
    assert Counter((row["recommendation"], row["machines"]) for row in rows) == expected
    assert [row["machines"] for row in rows] == sorted((row["machines"] for row in rows), reverse=True)


# The overview page


@pytest.fixture(scope="session", params=["loaded_files", "loaded_duckdb"])
def overview(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page that is made of files, and the one that is made of a database."""
    path: Path = tmp_path_factory.mktemp("overview") / "overview.html"
    source = request.getfixturevalue(request.param)
    command = [sys.executable, ROOT / "examples" / "overview" / "overview.py", source, "-o", path]
    today = datetime.now(UTC).date().isoformat()
    subprocess.run([*command, "--today", today], check=True, capture_output=True)
    return path.read_text(encoding="utf-8")


def tips(page: str) -> Counter[tuple[str, str]]:
    """Return what the page shows when the pointer rests on a bar: label and part, with the number."""
    shown = Counter()
    for label, number, part in re.findall(r"<title>([^<]*): ([\d,]+) (\w+)</title>", page):
        shown[label, part] += int(number.replace(",", ""))
    return shown


def test_the_tiles_show_the_tenant(overview: str, everything: Records):
    machines, findings = everything["virtual_machines"], open_findings(everything)
    severe = [row for row in findings if row["severity"] in SEVERE]
    exposed = {
        row["virtualMachineId"]
        for row in severe
        if machines.get(row["virtualMachineId"], {"publicIPAddress": None})["publicIPAddress"]
    }
    shown = [int(number.replace(",", "")) for number in re.findall(r"class=tile><b>([\d,]+)</b>", overview)]
    assert shown == [len(machines), len(findings), len(severe), len(exposed)]


def test_the_charts_show_the_tenant(overview: str, everything: Records):
    shown, findings = tips(overview), open_findings(everything)
    ages = ("under 7 days", "7 to 30", "30 to 90", "90 to 365", "over a year", "unknown")
    for severity in ("Critical", "High", "Medium", "Low"):
        expected = sum(row["severity"] == severity for row in findings)
        assert sum(number for (label, part), number in shown.items() if label in ages and part == severity) == expected
    for power in ("running", "stopped", "deallocated"):
        expected = sum(row["powerState"] == power for row in everything["virtual_machines"].values())
        assert sum(number for (_, part), number in shown.items() if part == power) == expected
    by_machine = Counter(row["virtualMachineId"] for row in findings if row["severity"] in SEVERE)
    totals = [int(number) for number in re.findall(r">(\d+)</text>", overview.partition("Where to start")[2])]
    assert totals[:10] == [number for _, number in by_machine.most_common(10)]


@pytest.mark.parametrize("stream", ["etm_assets", "etm_findings"])
def test_it_shows_how_full_each_etm_field_is(overview: str, everything: Records, stream: str):
    records = list(everything[stream].values())
    card = overview.partition(f"What {stream} holds")[2].partition("</section>")[0]
    shown = {
        field.lower(): (int(filled.replace(",", "")), int(all_.replace(",", "")))
        for field, filled, all_ in re.findall(r"<title>(\w+): ([\d,]+) of ([\d,]+) records</title>", card)
    }
    counted = {field: sum(record[field] is not None for record in records) for field in records[0]}
    assert shown == {field.lower(): (filled, len(records)) for field, filled in counted.items()}


def test_it_needs_nothing_from_elsewhere(overview: str):
    namespaces = r"http://www\.w3\.org/\S+|http://purl\.org/\S+|http://creativecommons\.org/\S+"
    assert "http" not in re.sub(namespaces, "", overview)
    assert "<script" not in overview
    assert "@import" not in overview


# The orchestrator


@pytest.fixture
def defender(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, meltano_home: dict[str, str]) -> Any:
    """The module examples/dagster/defender.py, imported for two environments."""
    (tmp_path / "folders").mkdir()
    (tmp_path / "folders" / "sandbox").symlink_to(meltano_home["MELTANO_SYS_DIR_ROOT"])
    for name, value in {
        "DEFENDER_ENVIRONMENTS": "sandbox,prod",
        "MELTANO_PROJECT_ROOT": str(project_in(tmp_path / "project")),
        "MELTANO": str(BIN / "meltano"),
        "DEFENDER_FOLDERS": str(tmp_path / "folders"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "dagster"))
    monkeypatch.delitem(sys.modules, "defender", raising=False)
    return importlib.import_module("defender")


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> Iterator[Sandbox]:
    """A sandbox that the environment leads to."""
    with Sandbox(tenant, quota=None) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.mark.usefixtures("reach")
def test_dagster_loads_a_tenant_and_keeps_the_figures(defender: Any, tenant: Tenant):
    with dagster.DagsterInstance.ephemeral() as instance:
        result = dagster.materialize([defender.defender], partition_key="sandbox", instance=instance)
    metadata = result.asset_materializations_for_node("defender")[0].metadata
    for stream, records in tenant.expected().items():
        assert metadata[f"rows in {stream}"].value == len(records)


@pytest.mark.usefixtures("reach")
def test_dagster_fails_where_a_run_is_not_complete(defender: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TAP_MDC_VM_CLIENT_SECRET", "not-the-secret")
    with pytest.raises(dagster.Failure, match="not complete"):
        defender.defender(dagster.build_asset_context(partition_key="sandbox"))


def test_dagster_starts_one_run_per_environment_every_day(defender: Any):
    context = dagster.build_schedule_context(scheduled_execution_time=datetime(2026, 6, 30, 5, 30, tzinfo=UTC))
    assert [request.partition_key for request in defender.daily(context)] == ["sandbox", "prod"]
