"""Asks for every number on the overview page: by the queries of examples/sql, and by a few of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import loaded

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
RISKS = ("critical", "high", "medium", "low", "none")
POWER_STATES = ("running", "stopped", "deallocated", "other")
SUPPORT = ("ended", "soon")
UPDATES = ("SoftwareUpdate", "SystemUpdate")
LONGEST = 10
"""Bars in a chart at most."""

_SYSTEMS = """
select case when imageOffer ilike '%ubuntu%' then 'Ubuntu'
            when imageOffer ilike '%debian%' then 'Debian'
            when imageOffer ilike '%rhel%' then 'Red Hat Enterprise Linux'
            when imageOffer ilike '%sles%' then 'SUSE Linux Enterprise'
            when imageOffer ilike '%windowsserver%' then 'Windows Server'
            when imageOffer ilike '%windows-1%' then 'Windows'
            else coalesce('other ' || osType, 'unknown') end as system,
       count(*) as total,
       count(*) filter (where powerState = 'running') as running,
       count(*) filter (where powerState = 'stopped') as stopped,
       count(*) filter (where powerState = 'deallocated') as deallocated
from virtual_machines group by system order by total desc, system
"""
_AGES = """
with open_findings as (
    select lower(coalesce(riskLevel, severity)) as risk,
           date_diff('day', firstEvaluationDate, getvariable('today')) as days
    from assessments where statusCode = 'Unhealthy'
)
select case when days is null then 'unknown' when days < 7 then 'under 7 days' when days < 30 then '7 to 30'
            when days < 90 then '30 to 90' when days < 365 then '90 to 365' else 'over a year' end as age,
       count(*) as total,
       count(*) filter (where risk = 'critical') as critical,
       count(*) filter (where risk = 'high') as high,
       count(*) filter (where risk = 'medium') as medium,
       count(*) filter (where risk = 'low') as low
from open_findings group by age order by min(days) nulls last
"""
_SEVERE_MACHINES = """
select count(distinct virtualMachineId) as total from assessments
where statusCode = 'Unhealthy' and lower(coalesce(riskLevel, severity)) in ('critical', 'high')
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart.

    Attributes:
        label: What the bar stands for.
        parts: The bar's length by part (risk, power state), in the order in which they are drawn.
        note: A fact to show beside the label, or an empty string.
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

    field: str
    filled: int
    records: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything on the page; what comes of a stream that was not loaded is empty."""

    systems: list[Bar]
    kinds: list[Bar]
    ages: list[Bar]
    exposed: list[Bar]
    severe_machines: int
    software: list[Bar]
    recommendations: list[Bar]
    unsupported: list[Bar]
    plans: list[Row]
    fills: dict[str, list[Fill]]


def newest_day(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the day of the newest change of a finding: in a living tenant, that of the last run."""
    (newest,) = connection.execute("select max(statusChangeDate) from assessments").fetchall()[0]
    return newest.date() if newest else datetime.now(UTC).date()


def gather(connection: duckdb.DuckDBPyConnection, today: date) -> Counts:
    """Return every number of the page.

    Args:
        connection: From :func:`loaded.connect`.
        today: The day that findings' ages count from.
    """
    connection.execute("set variable today = ?::timestamp", [today])
    streams = loaded.tables(connection)

    def ask(query: str) -> list[Row]:
        return _rows(loaded.answer(connection, query))

    settings = [row for row in ask("recommendations") if row["category"] not in UPDATES]
    return Counts(
        systems=[_bar(row, "system", POWER_STATES) for row in _rows(connection.sql(_SYSTEMS))],
        kinds=[_bar(row, "kind", RISKS, _on_machines(row)) for row in ask("findings_by_kind")],
        ages=[_bar(row, "age", RISKS) for row in _rows(connection.sql(_AGES))],
        exposed=[_bar(row, "machine", RISKS[:2], _exposure(row)) for row in ask("exposed_machines")],
        severe_machines=_rows(connection.sql(_SEVERE_MACHINES))[0]["total"],
        software=[_bar(row, "software", RISKS, _on_machines(row)) for row in ask("software_to_update")],
        recommendations=[_bar(row, "recommendation", RISKS) for row in settings],
        unsupported=_by_software(ask("unsupported_software")) if "software" in streams else [],
        plans=ask("plans") if "defender_plans" in streams else [],
        fills={stream: _fills(connection, stream) for stream in ("etm_assets", "etm_findings") if stream in streams},
    )


def _rows(found: duckdb.DuckDBPyRelation) -> list[Row]:
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def _bar(row: Row, label: str, parts: tuple[str, ...], note: str = "") -> Bar:
    """Return a row as a bar; a part that is no column is what is left of the whole."""
    known = {part: row[part] for part in parts if part in row}
    rest = row.get("total", row.get("findings", 0)) - sum(known.values())
    return Bar(row[label], known | {part: rest for part in parts if part not in row}, note)


def _on_machines(row: Row) -> str:
    return f"{row['machines']:,} machine{'s' if row['machines'] != 1 else ''}"


def _exposure(row: Row) -> str:
    return " · ".join(filter(None, (row["address"], "attack path" if row["on_attack_paths"] else "")))


def _by_software(rows: list[Row]) -> list[Bar]:
    """Return one bar per version of a program, by how many machines run it."""
    bars: dict[str, Bar] = {}
    for row in rows:
        name = f"{row['software']} {row['version'] or ''}".strip()
        ends = row["support_ends"]
        bar = bars.setdefault(name, Bar(name, dict.fromkeys(SUPPORT, 0), str(ends)[:10] if ends else ""))
        bar.parts[row["support"]] += 1
    return sorted(bars.values(), key=lambda bar: (-bar.total, bar.label))


def _fills(connection: duckdb.DuckDBPyConnection, stream: str) -> list[Fill]:
    fields = [column for column in connection.table(stream).columns if not column.startswith("_sdc")]
    counted = ", ".join(f'count("{field}")' for field in fields)
    records, *filled = connection.sql(f"select count(*), {counted} from {stream}").fetchall()[0]
    return [Fill(field, count, records) for field, count in zip(fields, filled, strict=True)]
