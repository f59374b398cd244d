"""Asks DuckDB for every count on the overview page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

SEVERITIES = ("Critical", "High", "Medium", "Low", "other")
AGES = ("under 7 days", "7 to 30", "30 to 90", "90 to 365", "over a year", "unknown")
POWER_STATES = ("running", "stopped", "deallocated", "other")

# The columns that the page uses; a file of JSON Lines holds many more, some of them deep.
_COLUMNS = {
    "virtual_machines": ("id", "name", "osType", "imageOffer", "powerState", "publicIPAddress"),
    "assessments": (
        "id",
        "name",
        "displayName",
        "statusCode",
        "severity",
        "firstEvaluationDate",
        "statusChangeDate",
        "virtualMachineId",
    ),
}
_ETM_STREAMS = ("etm_assets", "etm_findings")

_VIEWS = """
create temp view machines as
select id, name, publicIPAddress as address,
       case when imageOffer ilike '%ubuntu%' then 'Ubuntu'
            when imageOffer ilike '%debian%' then 'Debian'
            when imageOffer ilike '%rhel%' then 'Red Hat Enterprise Linux'
            when imageOffer ilike '%sles%' then 'SUSE Linux Enterprise'
            when imageOffer ilike '%windowsserver%' then 'Windows Server'
            when imageOffer ilike '%windows-1%' then 'Windows'
            else coalesce('other ' || osType, 'unknown') end as system,
       case when powerState in ('running', 'stopped', 'deallocated') then powerState else 'other' end as power
from virtual_machines;

create temp view open_findings as
select id, name, displayName as recommendation, virtualMachineId,
       case when severity in ('Critical', 'High', 'Medium', 'Low') then severity else 'other' end as severity,
       coalesce(severity in ('Critical', 'High'), false) as severe,
       date_diff('day', cast(firstEvaluationDate as timestamp), cast(getvariable('today') as timestamp)) as days
from assessments where statusCode = 'Unhealthy';
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart.

    Attributes:
        label: What the bar stands for.
        parts: The bar's length by part (severity, power state), in the order in which they are drawn.
        note: A fact to show behind the label, or an empty string.
    """

    label: str
    parts: dict[str, int]
    note: str = ""

    @property
    def total(self) -> int:
        """The whole length."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Fill:
    """How many records of an ETM stream hold a value in a field."""

    stream: str
    field: str
    filled: int
    records: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything on the page."""

    machines: int
    running: int
    open_findings: int
    severe_findings: int
    severe_machines: int
    exposed_machines: int
    systems: list[Bar]
    ages: list[Bar]
    worst_machines: list[Bar]
    recommendations: list[Bar]
    fills: list[Fill]


def connect(source: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file that target-duckdb wrote, or the files of the last run of target-jsonl in a folder.

    Raises:
        FileNotFoundError: If ``source`` holds no machines or no findings.
    """
    connection = duckdb.connect()
    if source.is_dir():
        _read_files(connection, source)
        return connection
    connection.execute(f"attach '{source}' as source (read_only)")
    found = connection.execute(
        "select schema_name from duckdb_tables() where database_name = 'source' and table_name = 'assessments'"
    ).fetchone()
    if not found:
        raise FileNotFoundError(f"{source} holds no table assessments")
    connection.execute(f"use source.{found[0]}")
    return connection


def _read_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for stream in (*_COLUMNS, *_ETM_STREAMS):
        files = sorted(folder.glob(f"{stream}*.jsonl"))
        if not files and stream in _COLUMNS:
            raise FileNotFoundError(f"{folder} holds no file of {stream}")
        columns = "".join(f", '{name}': 'varchar'" for name in _COLUMNS.get(stream, ()))
        options = f"columns = {{{columns[2:]}}}" if columns else "sample_size = -1"
        if files:
            connection.execute(f"create view {stream} as from read_ndjson('{files[-1]}', {options})")


def newest_day(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the day of the newest change of a finding: in a living tenant, that of the last run."""
    found = connection.execute("select max(cast(statusChangeDate as timestamp)) from assessments").fetchone()
    return found[0].date() if found and found[0] else datetime.now(UTC).date()


def gather(connection: duckdb.DuckDBPyConnection, today: date) -> Counts:
    """Return every number of the page.

    Args:
        connection: From :func:`connect`.
        today: The day that findings' ages count from.
    """
    connection.execute("set variable today = ?", [today])
    connection.execute(_VIEWS)
    ask = _Asker(connection)
    return Counts(
        machines=ask.one("select count(*) from machines"),
        running=ask.one("select count(*) from machines where power = 'running'"),
        open_findings=ask.one("select count(*) from open_findings"),
        severe_findings=ask.one("select count(*) from open_findings where severe"),
        severe_machines=ask.one("select count(distinct virtualMachineId) from open_findings where severe"),
        exposed_machines=ask.one("""
            select count(distinct machines.id) from machines join open_findings on virtualMachineId = machines.id
            where address is not null and severe"""),
        systems=ask.bars(
            "select system, system, power, count(*), '' from machines group by all",
            parts=POWER_STATES,
            most=8,
        ),
        ages=_by_age(ask.rows("select days, severity, count(*) from open_findings group by all")),
        worst_machines=ask.bars(
            """
            select virtualMachineId, any_value(coalesce(machines.name, parse_filename(virtualMachineId))),
                   severity, count(*), any_value(address)
            from open_findings left join machines on virtualMachineId = machines.id
            where severe group by virtualMachineId, severity""",
            parts=SEVERITIES[:2],
            most=10,
        ),
        recommendations=ask.bars(
            """
            select name, any_value(recommendation), severity, count(*), ''
            from open_findings group by name, severity""",
            parts=SEVERITIES,
            most=10,
        ),
        fills=[fill for stream in _ETM_STREAMS if ask.has(stream) for fill in ask.fills(stream)],
    )


class _Asker:
    """Asks one connection, and gives what the charts draw."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def one(self, query: str) -> int:
        return int(self.rows(query)[0][0])

    def has(self, stream: str) -> bool:
        return bool(self.one(f"select count(*) from (show tables) where name = '{stream}'"))

    def bars(self, query: str, parts: tuple[str, ...], most: int) -> list[Bar]:
        """Return the longest bars first; the query gives key, label, part, count and note."""
        bars: dict[str, Bar] = {}
        for key, label, part, count, note in self.rows(query):
            bar = bars.setdefault(key, Bar(label or key, dict.fromkeys(parts, 0), note or ""))
            bar.parts[part] += count
        return sorted(bars.values(), key=lambda bar: (-bar.total, bar.label))[:most]

    def fills(self, stream: str) -> list[Fill]:
        found = self.connection.execute(
            f"select count(*), count(columns(lambda name: name not like '_sdc%')) from {stream}"
        )
        names = [column[0] for column in found.description or []][1:]
        records, *counts = found.fetchone() or (0,)
        return [Fill(stream, name, count, records) for name, count in zip(names, counts, strict=True)]


def _by_age(rows: list[tuple[int | None, str, int]]) -> list[Bar]:
    """Return one bar per age, youngest first; unknown ages only where there are some."""
    bars = [Bar(age, dict.fromkeys(SEVERITIES, 0)) for age in AGES]
    for days, severity, count in rows:
        index = 5 if days is None else sum(days >= limit for limit in (7, 30, 90, 365))
        bars[index].parts[severity] += count
    return [bar for bar in bars if bar.label != "unknown" or bar.total]
