"""The tenant's tables in DuckDB, and the rows that answer a query.

A query that keeps rows apart (conditions, columns, an order) is evaluated once for all of its pages and
partitions: what is kept is the numbers of its rows, 8 bytes each, and only the rows of the page asked for are
put into words. So a page of 1000 rows takes milliseconds, however large the tenant.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
from array import array
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import duckdb

from . import kql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence

FOREVER = 2**31 - 1
"""The number of the request at which a row goes that never goes."""

_LINES_PER_FILE = 50_000
_REMEMBERED = 64  # evaluated queries; each holds 8 bytes per row
_SMALL = 5_000  # rows of a result that is worth keeping as it is

_MACROS = """
CREATE MACRO signed_hash(salt, x) AS (hash(x, salt)::HUGEINT - 9223372036854775808)::BIGINT;
CREATE MACRO kusto_hash(salt, x) AS signed_hash(salt, x),
    (salt, x, n) AS (((signed_hash(salt, x) % n) + n) % n)::BIGINT;
CREATE MACRO kusto_modulo(a, b) AS {modulo};
"""
_MODULO = "((a % nullif(b, 0)) + abs(b)) % nullif(abs(b), 0)"  # Kusto's: never negative
_SIGNED_MODULO = "a % nullif(b, 0)"  # SQL's: takes the sign of the dividend

_COLUMN_TYPES = {
    "_row": "BIGINT",
    "_born": "INTEGER",
    "_gone": "INTEGER",
    **dict.fromkeys(kql.SCALARS, "VARCHAR"),
    **dict.fromkeys(kql.DYNAMICS, "JSON"),
}
_MISSING = {"_born": 0, "_gone": FOREVER}
_TYPE_NAMES = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "HUGEINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "VARCHAR": "string",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
}
"""Resource Graph's names of types, in the table form; any other is an object."""

Value = TypeVar("Value")


class HashMode(StrEnum):
    """How the service's `hash()` and `%` behave; the last two break partitioned reading."""

    STABLE = "stable"
    PER_REQUEST = "per-request"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class View:
    """What one request may see, and of that the part that it wants.

    Attributes:
        number: Counts the requests: decides about order by chance.
        conditions: SQL that is true of the rows that can be seen, by table; of a table not named, all can.
        offset: Rows to leave out.
        top: Rows at most.
        as_table: Give rows as arrays instead of objects.
    """

    number: int
    conditions: Mapping[str, str] = field(default_factory=dict)
    offset: int = 0
    top: int = 1000
    as_table: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """A page.

    Attributes:
        total: Rows of the whole result.
        texts: JSON text of each row of the page.
        columns: Name and type of each column.
    """

    total: int
    texts: list[str]
    columns: list[tuple[str, str]]


class Store:
    """Tables in memory, read by any number of threads at once."""

    def __init__(self, *, seed: int, hash_mode: HashMode = HashMode.STABLE) -> None:
        """Make the tables, empty.

        Args:
            seed: Decides about the order of results that have none.
            hash_mode: How `hash()` behaves.
        """
        self._seed = seed
        self._hash_mode = hash_mode
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        modulo = _SIGNED_MODULO if hash_mode is HashMode.SIGNED else _MODULO
        self._connection.execute(_MACROS.format(modulo=modulo))
        declared = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMN_TYPES.items())
        for table in kql.TABLES:
            self._connection.execute(f'CREATE TABLE "{table}" ({declared})')
        self._per_thread = threading.local()
        self._numbers: _Memory[dict[int | None, array[int]]] = _Memory(_REMEMBERED)
        self._results: _Memory[list[str]] = _Memory(_REMEMBERED)
        self._types: _Memory[list[tuple[str, str]]] = _Memory(_REMEMBERED * 16)

    def close(self) -> None:
        """Free the memory."""
        self._connection.close()

    def load(self, table: str, lines: Iterable[bytes]) -> None:
        """Add rows.

        Args:
            table: Where to.
            lines: JSON objects, one row each: `_row` (a number of its own), the columns of every table, and, if the
                row comes or goes, `_born` and `_gone`: the numbers of the requests between which it is there.
        """
        declared = ", ".join(f"\"{name}\": '{kind}'" for name, kind in _COLUMN_TYPES.items())
        columns = ", ".join(_with_default(name) for name in _COLUMN_TYPES)
        statement = (
            f'INSERT INTO "{table}" SELECT {columns} '  # noqa: S608  # names of ours
            f"FROM read_json(?, format = 'newline_delimited', columns = {{{declared}}})"
        )
        for chunk in _chunks(lines, _LINES_PER_FILE):
            with tempfile.TemporaryDirectory(prefix="tap-mdc-vm-sandbox-") as folder:
                path = Path(folder, "rows.json")
                path.write_bytes(b"\n".join(chunk))
                self._connection.execute(statement, [str(path)])

    def lock(self) -> None:
        """Keep queries from reading anything but the tables."""
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def answer(self, query: kql.Query, view: View) -> Rows:
        """Execute a query.

        Raises:
            kql.QueryRefusedError: It can't be executed.
        """
        try:
            if query.plan.counts_rows:
                total = len(self._row_numbers(query, view))
                text = f"[{total}]" if view.as_table else json.dumps({query.plan.columns[0]: total})
                return Rows(1, [text][view.offset :], [(query.plan.columns[0], "integer")])
            if query.plan.row_by_row:
                return self._page(query, view)
            return self._part(query, view)
        except duckdb.Error as error:
            raise kql.QueryRefusedError("ParserFailure", "ParserFailure", token=str(error)[:100]) from error

    def _page(self, query: kql.Query, view: View) -> Rows:
        sql = kql.bound(query.plan.projection, _page_of, salt=self._salt(view))
        columns = self._columns(sql, query)
        numbers: MutableSequence[int] = self._row_numbers(query, view)
        if not query.plan.ordered:
            numbers = list(numbers)
            random.Random(f"{self._seed}/{view.number}").shuffle(numbers)  # noqa: S311  # not for secrets
        wanted = list(numbers[view.offset : view.offset + view.top])
        worded = f'SELECT "{kql.ROW}", {_text(columns, as_table=view.as_table)} FROM ({sql})'  # noqa: S608
        texts = dict(self._cursor().execute(worded, {"rows": wanted}).fetchall()) if wanted else {}
        return Rows(len(numbers), [texts[number] for number in wanted], _named(columns))

    def _row_numbers(self, query: kql.Query, view: View) -> array[int]:
        """The numbers of all rows of the result, in its order if it has one."""
        tie = f'hash("{kql.ROW}", {view.number})' if query.plan.tied else "0"
        sql = kql.bound(
            query.plan.positions,
            lambda table: _visible(table, view, f', "{kql.ROW}", {tie} AS "{kql.TIE}"'),
            salt=self._salt(view),
        )
        return self._numbers.get(sql, lambda: self._evaluated(sql)).get(query.partition, array("q"))

    def _evaluated(self, sql: str) -> dict[int | None, array[int]]:
        cursor = self._cursor().execute(sql)
        found: dict[int | None, array[int]] = {}
        while batch := cursor.fetchmany(100_000):
            for number, *part in batch:
                key = part[0] if part else None
                found.setdefault(key, array("q")).append(number)
        return found

    def _part(self, query: kql.Query, view: View) -> Rows:
        sql = kql.bound(query.plan.whole, lambda table: _visible(table, view), salt=self._salt(view))
        columns = self._columns(sql, query)
        worded = f"SELECT {_text(columns, as_table=view.as_table)} FROM ({sql})"  # noqa: S608
        texts = self._results.get(worded, lambda: [text for (text,) in self._fetched(worded)], keep=_is_small)
        if not query.plan.ordered:
            texts = list(texts)
            random.Random(f"{self._seed}/{view.number}").shuffle(texts)  # noqa: S311  # not for secrets
        return Rows(len(texts), texts[view.offset : view.offset + view.top], _named(columns))

    def _columns(self, sql: str, query: kql.Query) -> list[tuple[str, str]]:
        """Names and DuckDB's types of the columns of a result."""
        described = self._types.get(sql, lambda: [(row[0], row[1]) for row in self._fetched(f"DESCRIBE {sql}")])
        return [(name, kind) for name, kind in described if name in query.plan.columns]

    def _fetched(self, sql: str) -> list[tuple[str, ...]]:
        parameters: dict[str, list[int]] | None = {"rows": []} if "$rows" in sql else None
        return self._cursor().execute(sql, parameters).fetchall()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._per_thread, "cursor"):
            self._per_thread.cursor = self._connection.cursor()
        cursor: duckdb.DuckDBPyConnection = self._per_thread.cursor
        return cursor

    def _salt(self, view: View) -> int:
        return view.number if self._hash_mode is HashMode.PER_REQUEST else 0


class _Memory(Generic[Value]):
    """Remembers what was computed last; computes each thing once, even when several threads want it at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[str, Future[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, compute: Callable[[], Value], keep: Callable[[Value], bool] = lambda _: True) -> Value:
        with self._lock:
            future = self._entries.get(key)
            mine = future is None
            if future is None:
                future = self._entries[key] = Future()
                while len(self._entries) > self._size:
                    self._entries.popitem(last=False)
            self._entries.move_to_end(key)
        if mine:
            self._fulfil(key, future, compute, keep)
        return future.result()

    def _fulfil(
        self, key: str, future: Future[Value], compute: Callable[[], Value], keep: Callable[[Value], bool]
    ) -> None:
        forget = True
        try:
            value = compute()
            forget = not keep(value)
            future.set_result(value)
        except BaseException as error:  # whoever waits for it must hear of it too
            future.set_exception(error)
            raise
        finally:
            if forget:
                with self._lock:
                    self._entries.pop(key, None)


def _is_small(texts: list[str]) -> bool:
    return len(texts) <= _SMALL


def _chunks(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _with_default(name: str) -> str:
    return f'coalesce("{name}", {_MISSING[name]})' if name in _MISSING else f'"{name}"'


def _visible(table: str, view: View, further: str = "") -> str:
    columns = ", ".join(f'"{name}"' for name in kql.COLUMNS)
    condition = view.conditions.get(table, "TRUE")
    return f'SELECT {columns}{further} FROM "{table}" WHERE {condition}'  # noqa: S608  # text of ours


def _page_of(table: str) -> str:
    columns = ", ".join(f'"{name}"' for name in (*kql.COLUMNS, kql.ROW))
    rows = "SELECT unnest($rows::BIGINT[])"
    return f'SELECT {columns} FROM "{table}" WHERE "{kql.ROW}" IN ({rows})'  # noqa: S608  # text of ours


def _named(columns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, _TYPE_NAMES.get(kind, "object")) for name, kind in columns]


def _text(columns: list[tuple[str, str]], *, as_table: bool) -> str:
    """SQL that writes a row as JSON; what is JSON already is not read again."""
    if as_table:
        return "'[' || " + " || ',' || ".join(_value(name, kind) for name, kind in columns) + " || ']'"
    keys = [json.dumps(name, ensure_ascii=False).replace("'", "''") for name, _ in columns]
    members = [f"'{key}:' || {_value(name, kind)}" for key, (name, kind) in zip(keys, columns, strict=True)]
    return "'{' || " + " || ',' || ".join(members) + " || '}'"


def _value(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "JSON":
        text = f"{column}::VARCHAR"
    elif kind.startswith("TIMESTAMP"):  # seven digits, as Kusto writes them
        text = f"strftime({column}, '\"%Y-%m-%dT%H:%M:%S.%f') || '0Z\"'"
    elif kind == "INTERVAL":
        text = f"to_json({column}::VARCHAR)::VARCHAR"
    else:
        text = f"to_json({column})::VARCHAR"
    return f"coalesce({text}, 'null')"
