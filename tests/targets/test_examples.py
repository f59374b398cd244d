"""examples/: the queries in both databases, the overview page, and the orchestrator."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster
import duckdb
import loaded
import psycopg
import pytest
from pairs import BIN, ROOT, SCHEMAS, Records, Tenant, project_in

from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SQL = ROOT / "examples" / "sql"
SEVERE = ("critical", "high")
UPDATES = ("SoftwareUpdate", "SystemUpdate")
KINDS = {
    "SoftwareUpdate": "Vulnerabilities",
    "ServiceUpgrade": "Vulnerabilities",
    "CodeVulnerabilities": "Vulnerabilities",
    "ApiVulnerabilities": "Vulnerabilities",
    "SystemUpdate": "Missing updates",
    "ExposedSecrets": "Exposed secrets",
}
Answer = list[dict[str, Any]]
Ask = Callable[..., Answer]


@pytest.fixture(params=["postgres", "duckdb", "files"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Run a query of examples/sql on what was loaded, and return its rows by column name."""

    def run(name: str, **values: str) -> Answer:
        if request.param == "postgres":
            query = (SQL / f"{name}.sql").read_text(encoding="utf-8")
            if values:
                query = re.sub(r":'(\w+)'", r"%(\1)s", query.replace("%", "%%"))
            with psycopg.connect(request.getfixturevalue("loaded_postgres")) as connection:
                connection.execute(f"set search_path = {SCHEMAS['postgres']}")
                cursor = connection.execute(query, values or None)
                columns, rows = [column.name for column in cursor.description], cursor.fetchall()
        else:
            source = request.getfixturevalue("loaded_files" if request.param == "files" else "loaded_duckdb")
            with loaded.connect(source) as connection:
                answer = loaded.answer(connection, name, **values)
                columns, rows = answer.columns, answer.fetchall()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return run


def open_findings(everything: Records) -> Answer:
    return [row for row in everything["assessments"].values() if row["statusCode"] == "Unhealthy"]


def risk(row: dict[str, Any]) -> str:
    return (row["riskLevel"] or row["severity"] or "none").lower()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def exposed(everything: Records) -> dict[str, Answer]:
    """Return the findings of critical and high risk of each machine that is on an attack path or public."""
    severe: dict[str, Answer] = {}
    for row in open_findings(everything):
        if risk(row) in SEVERE:
            severe.setdefault(row["virtualMachineId"], []).append(row)
    machines = everything["virtual_machines"]
    return {
        machine: rows
        for machine, rows in severe.items()
        if machines.get(machine, {}).get("publicIPAddress") or any(row["attackPaths"] for row in rows)
    }


def test_findings_by_kind(ask: Ask, everything: Records):
    counted: dict[str, Counter[str]] = {}
    for row in open_findings(everything):
        counted.setdefault(KINDS.get(row["recommendationCategory"], "Misconfigurations"), Counter())[risk(row)] += 1
    rows = ask("findings_by_kind")
    assert len(counted) == 4
    assert {row["kind"]: row["findings"] for row in rows} == {kind: each.total() for kind, each in counted.items()}
    for row in rows:
        for level in ("critical", "high", "medium", "low"):
            assert row[level] == counted[row["kind"]][level]


def test_software_to_update(ask: Ask, everything: Records):
    findings = [row for row in open_findings(everything) if row["recommendationCategory"] in UPDATES]
    expected = Counter(row["softwareName"] or row["displayName"] for row in findings)
    rows = ask("software_to_update")
    assert {row["software"]: row["findings"] for row in rows} == expected
    assert [row["findings"] for row in rows] == sorted(expected.values(), reverse=True)
    assert sum(row["critical"] for row in rows) == sum(risk(row) == "critical" for row in findings)


def test_exposed_machines(ask: Ask, everything: Records):
    machines = everything["virtual_machines"]
    expected = [
        (
            machines.get(key, {}).get("name", rows[0]["resourceName"]),
            machines.get(key, {}).get("publicIPAddress"),
            sum(bool(row["attackPaths"]) for row in rows),
            *(sum(risk(row) == level for row in rows) for level in SEVERE),
        )
        for key, rows in exposed(everything).items()
    ]
    rows = ask("exposed_machines")
    assert len(expected) > 3
    shown = [tuple(row[name] for name in ("machine", "address", "on_attack_paths", *SEVERE)) for row in rows]
    assert sorted(shown, key=repr) == sorted(expected, key=repr)
    both = [bool(address and paths) for _, address, paths, *_ in shown]
    assert both == sorted(both, reverse=True)


def test_machines_without_assessments(ask: Ask, everything: Records):
    assessed = {row["virtualMachineId"] for row in everything["assessments"].values()}
    expected = {row["name"] for key, row in everything["virtual_machines"].items() if key not in assessed}
    assert expected
    assert {row["name"] for row in ask("machines_without_assessments")} == expected


def test_new_findings(ask: Ask, everything: Records):
    changes = [row["statusChangeDate"] for row in everything["assessments"].values()]
    since = max(moment(text) for text in changes if text) - timedelta(days=7)
    expected = Counter(
        (row["displayName"], row["vmName"])
        for row in open_findings(everything)
        if row["statusChangeDate"] and moment(row["statusChangeDate"]) >= since
    )
    assert expected
    assert Counter((row["finding"], row["machine"]) for row in ask("new_findings")) == expected


AGED = """update assessments set "_sdc_extracted_at" = "_sdc_extracted_at" - interval '1' day where id = """


def test_not_seen_in_last_run_in_postgres(loaded_postgres: str, everything: Records):
    query, aged = (SQL / "not_seen_in_last_run.sql").read_text(encoding="utf-8"), min(everything["assessments"])
    with psycopg.connect(loaded_postgres) as connection:
        connection.execute(f"set search_path = {SCHEMAS['postgres']}")
        assert connection.execute(query).fetchall() == []
        connection.execute(f"{AGED} %s", [aged])
        assert [row[-1] for row in connection.execute(query)] == [aged]
        connection.rollback()


def test_not_seen_in_last_run_in_duckdb(loaded_duckdb: Path, everything: Records, tmp_path: Path):
    query, aged = (SQL / "not_seen_in_last_run.sql").read_text(encoding="utf-8"), min(everything["assessments"])
    with duckdb.connect(shutil.copy(loaded_duckdb, tmp_path)) as connection:
        connection.execute(f"use {SCHEMAS['duckdb']}")
        assert connection.execute(query).fetchall() == []
        connection.execute(f"{AGED} ?", [aged])
        assert [row[-1] for row in connection.execute(query).fetchall()] == [aged]


def test_recommendations(ask: Ask, everything: Records):
    machines: dict[tuple[str, ...], set[str]] = {}
    for row in open_findings(everything):
        key = (row["name"], row["displayName"], row["recommendationCategory"])
        machines.setdefault(key, set()).add(row["virtualMachineId"])
    expected = Counter((title, len(concerned)) for (_, title, _), concerned in machines.items())
    rows = ask("recommendations")
    assert Counter((row["recommendation"], row["machines"]) for row in rows) == expected
    assert [row["machines"] for row in rows] == sorted((row["machines"] for row in rows), reverse=True)


def test_machines_with_cve(ask: Ask, extra: dict[str, Answer]):
    vulnerable = [row for row in extra["vulnerabilities"] if row["statusCode"] == "Unhealthy"]
    cve, number = Counter(row["cveId"] for row in vulnerable).most_common(1)[0]
    expected = Counter((row["vmName"], row["softwareName"]) for row in vulnerable if row["cveId"] == cve)
    assert number > 1
    assert Counter((row["machine"], row["software"]) for row in ask("machines_with_cve", cve=cve.lower())) == expected


def test_software_with_cves(ask: Ask, extra: dict[str, Answer]):
    cves: dict[str, set[str]] = {}
    for row in extra["vulnerabilities"]:
        if row["statusCode"] == "Unhealthy":
            cves.setdefault(row["softwareName"], set()).add(row["cveId"])
    rows = ask("software_with_cves")
    assert {row["software"]: row["cves"] for row in rows} == {name: len(found) for name, found in cves.items()}
    assert [row["cves"] for row in rows] == sorted(map(len, cves.values()), reverse=True)


def test_unsupported_software(ask: Ask, extra: dict[str, Answer]):
    words = {
        "noLongerSupported": "ended",
        "versionNoLongerSupported": "ended",
        "upcomingNoLongerSupported": "soon",
        "upcomingVersionNoLongerSupported": "soon",
    }
    expected = Counter(
        (
            row["softwareName"],
            row["version"],
            words[row["endOfSupportStatus"]],
            row["vmName"] or row["virtualMachineId"],
        )
        for row in extra["software"]
        if row["endOfSupportStatus"] in words
    )
    assert len(expected) > 3
    names = ("software", "version", "support", "machine")
    assert Counter(tuple(row[name] for name in names) for row in ask("unsupported_software")) == expected


def test_plans(ask: Ask, everything: Records, extra: dict[str, Answer]):
    on = {
        (row["subscriptionId"], row["name"]): row["subPlan"] or "on"
        for row in extra["defender_plans"]
        if row["pricingTier"] == "Standard"
    }
    machines = Counter(row["subscriptionId"] for row in everything["virtual_machines"].values())
    plans = {"foundational_cspm": "FoundationalCspm", "defender_cspm": "CloudPosture", "servers": "VirtualMachines"}
    rows = ask("plans")
    assert {row["subscription"]: row["machines"] for row in rows} == machines
    for row in rows:
        for column, plan in plans.items():
            assert row[column] == on.get((row["subscription"], plan), "off")
    without = {key for key in machines if (key, "CloudPosture") not in on and (key, "VirtualMachines") not in on}
    assert without
    assert {row["subscription"] for row in ask("subscriptions_without_plan")} == without


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


def card(page: str, title: str) -> str:
    return page.partition(f"<h2>{title}</h2>")[2].partition("</section>")[0]


def parts(card: str) -> Counter[str]:
    """Return how much the bars of a card hold of each part, as they show it when the pointer rests on them."""
    shown = Counter()
    for number, part in re.findall(r'title="[^"]*: ([\d,]+) (\w+)"', card):
        shown[part] += int(number.replace(",", ""))
    return shown


def totals(card: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r"<b>([\d,]+)</b>", card)]


def test_the_tiles_show_the_tenant(overview: str, everything: Records):
    findings = open_findings(everything)
    severe = [row for row in findings if risk(row) in SEVERE]
    shown = totals(overview.partition("<main")[0])
    assert shown == [len(everything["virtual_machines"]), len(findings), len(severe), len(exposed(everything))]


def test_the_charts_show_the_tenant(overview: str, everything: Records):
    findings = open_findings(everything)
    levels = Counter(risk(row) if risk(row) in ("critical", "high", "medium", "low") else "none" for row in findings)
    assert parts(card(overview, "What was found")) == levels
    assert parts(card(overview, "How long it has been open")) == levels
    states = Counter(row["powerState"] for row in everything["virtual_machines"].values())
    running = parts(card(overview, "What runs"))
    assert running.total() == states.total()
    assert all(running[state] == states[state] for state in ("running", "stopped", "deallocated"))


def test_extra_streams_have_cards(overview: str, everything: Records, extra: dict[str, Answer]):
    unsupported = card(overview, "What is no longer supported")
    old = [row for row in extra["software"] if (row["endOfSupportStatus"] or "").lower().endswith("nolongersupported")]
    assert totals(unsupported) == sorted(totals(unsupported), reverse=True)
    assert totals(unsupported)[0] == Counter((row["softwareName"], row["version"]) for row in old).most_common(1)[0][1]
    subscriptions = {row["subscriptionId"] for row in everything["virtual_machines"].values()}
    assert set(re.findall(r"<td>([0-9a-f-]{36})</td>", card(overview, "What looks at it"))) == subscriptions


def test_the_charts_show_what_the_queries_give(overview: str, loaded_files: Path):
    queries = {
        "What was found": ("findings_by_kind", "findings"),
        "What to update": ("software_to_update", "findings"),
    }
    with loaded.connect(loaded_files) as connection:
        for title, (query, column) in queries.items():
            given = loaded.answer(connection, query).select(column).fetchall()
            assert totals(card(overview, title)) == [number for (number,) in given][:10]
        exposed = loaded.answer(connection, "exposed_machines").fetchall()
        assert re.findall(r"<span>([^ <]+)", card(overview, "Where to start")) == [row[0] for row in exposed][:10]


@pytest.mark.parametrize("stream", ["etm_assets", "etm_findings"])
def test_it_shows_how_full_each_etm_field_is(overview: str, everything: Records, stream: str):
    records = list(everything[stream].values())
    tips = re.findall(r'title="(\w+): ([\d,]+) of ([\d,]+) records"', card(overview, f"What {stream} holds"))
    shown = {field.lower(): tuple(int(number.replace(",", "")) for number in numbers) for field, *numbers in tips}
    counted = {field: sum(record[field] is not None for record in records) for field in records[0]}
    assert shown == {field.lower(): (filled, len(records)) for field, filled in counted.items()}


def test_it_needs_nothing_from_elsewhere(overview: str):
    assert "http" not in overview
    assert "<script" not in overview
    assert "@import" not in overview


@pytest.mark.parametrize("example", [["overview/overview.py"], ["sql/ask.py", "recommendations"]])
def test_a_folder_that_is_not_there_is_told_in_one_line(example: list[str], tmp_path: Path):
    script, *query = example
    command = [sys.executable, ROOT / "examples" / script, tmp_path / "nowhere", *query]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nowhere does not exist" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("example", [["overview/overview.py"], ["sql/ask.py", "recommendations"]])
def test_a_file_that_is_no_database_is_told_in_one_line(example: list[str], tmp_path: Path):
    script, *query = example
    (tmp_path / "assessments.jsonl").write_text("{}\n")
    command = [sys.executable, ROOT / "examples" / script, tmp_path / "assessments.jsonl", *query]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "assessments.jsonl is no file of target-duckdb" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_question_to_which_the_answer_is_nothing_says_so(loaded_files: Path):
    command = [sys.executable, SQL / "ask.py", loaded_files, "machines_with_cve", "cve=CVE-1999-0001"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "(nothing)"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["machines_with_cve"], "machines_with_cve wants a value: cve=…"),
        (["machines_with_cve", "CVE-2024-6387"], "machines_with_cve wants a value: cve=…"),
        (["recommendations", "cve=CVE-2024-6387"], "recommendations wants no value"),
    ],
)
def test_a_question_says_which_values_it_wants(words: list[str], said: str, loaded_files: Path):
    command = [sys.executable, SQL / "ask.py", loaded_files, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"ask.py: error: {said}"


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
