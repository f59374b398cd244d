"""The extra streams in each kind of target: every record, with the types of its schema."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import loaded
import psycopg
import pytest
from pairs import SCHEMAS
from psycopg.rows import dict_row

from tap_mdc_vm import packaged
from tap_mdc_vm.sources import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, Any]]


def as_sent(row: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the names and the values of a record, where a database has others for the same."""
    by_name = {name.lower(): value for name, value in row.items()}
    return {name: _value(by_name[name.lower()], record[name]) for name in record}


def _value(found: Any, sent: Any) -> Any:
    if isinstance(found, datetime) and isinstance(sent, str):
        return sent if found == datetime.fromisoformat(sent).replace(tzinfo=None) else found
    if isinstance(found, str) and isinstance(sent, list | dict):
        return json.loads(found)
    return float(found) if isinstance(sent, float) and found is not None else found


@pytest.mark.parametrize("stream", packaged.EXTRA_STREAMS)
@pytest.mark.parametrize("target", ["postgres", "duckdb", "files"])
def test_a_target_holds_every_record_after_two_runs(
    target: str, stream: str, extra: dict[str, Rows], request: pytest.FixtureRequest
):
    if target == "postgres":
        with psycopg.connect(request.getfixturevalue("loaded_postgres"), row_factory=dict_row) as connection:
            rows: Rows = connection.execute(f"select * from {SCHEMAS['postgres']}.{stream}").fetchall()
    else:
        source: Path = request.getfixturevalue("loaded_files" if target == "files" else "loaded_duckdb")
        with loaded.connect(source) as connection:
            found = connection.table(stream)
            rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    records = {tuple(record[field] for field in SOURCES[stream].key): record for record in extra[stream]}
    assert len(rows) == len(records) == len(extra[stream]) > 0
    for row in rows:
        by_name = {name.lower(): value for name, value in row.items()}
        record = records[tuple(by_name[field.lower()] for field in SOURCES[stream].key)]
        assert as_sent(row, record) == record
