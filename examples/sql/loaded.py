"""Opens what was loaded, to be asked: the file of target-duckdb, or the last files in a folder of target-jsonl."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb

SQL = Path(__file__).resolve().parent
_SCHEMAS = SQL.parent.parent / "schemas"
_TYPES = {"string": "varchar", "integer": "bigint", "number": "double", "boolean": "boolean"}


def connect(source: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection in which each stream that was loaded is a table or a view.

    Raises:
        FileNotFoundError: If there is no such ``source``, or it holds no machines or no findings.
    """
    connection = duckdb.connect()
    if source.is_dir():
        for path in sorted(source.glob("*.jsonl")):  # the name ends with the time of the run: later files win
            stream = path.stem.partition("-")[0]
            connection.execute(f"create or replace view {stream} as from read_ndjson('{path}', {_columns(stream)})")
    elif source.is_file():
        try:
            connection.execute(f"attach '{source}' as source (read_only, type duckdb)")
        except duckdb.Error as error:
            raise FileNotFoundError(f"{source} is no file of target-duckdb: {error}") from error
        found = connection.sql("select schema_name from duckdb_tables() where table_name = 'assessments'").fetchall()
        if found:
            connection.execute(f"use source.{found[0][0]}")
    else:
        raise FileNotFoundError(f"{source} does not exist: name a file of target-duckdb, or a folder of target-jsonl")
    missing = {"virtual_machines", "assessments"} - set(tables(connection))
    if missing:
        raise FileNotFoundError(f"{source} holds no {' and no '.join(sorted(missing))}")
    return connection


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the streams that were loaded."""
    return [name for (name,) in connection.sql("show tables").fetchall()]


def wanted(query: str) -> set[str]:
    """Return the names of the values that a query of this folder wants."""
    return set(re.findall(r":'(\w+)'", (SQL / f"{query}.sql").read_text(encoding="utf-8")))


def answer(connection: duckdb.DuckDBPyConnection, query: str, **values: str) -> duckdb.DuckDBPyRelation:
    """Run a query of this folder, by its name without ``.sql``; psql's ``:'name'`` stands for a value."""
    text = (SQL / f"{query}.sql").read_text(encoding="utf-8")
    for name in values:
        text = text.replace(f":'{name}'", f"${name}")
    return connection.sql(text, params=values or None)


def _columns(stream: str) -> str:
    """Return how DuckDB is to read a stream's file: with the types of its schema, if it has one here."""
    file = _SCHEMAS / f"{stream}.json"
    if not file.exists():
        return "sample_size = -1"
    fields = json.loads(file.read_text(encoding="utf-8"))["properties"]
    return f"columns = {json.dumps({name: _type(field) for name, field in fields.items()})}".replace('"', "'")


def _type(field: dict[str, object]) -> str:
    if field.get("format") == "date-time":
        return "timestamp"
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return next((_TYPES[kind] for kind in kinds if kind in _TYPES), "json")
