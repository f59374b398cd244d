"""The tenant's tables in DuckDB, and the rows that answer a query.

Two things make a page of 1000 rows a matter of milliseconds, however large the tenant. A query that keeps rows
apart (conditions, columns, an order) is evaluated once for all of its pages and partitions, and only the numbers of
its rows are kept. And the rows lie in files as they are sent: DuckDB holds them without `properties`, and
reads the file when a query looks into those.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
from array import array
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import duckdb
import numpy as np
import orjson

from . import kql
from .archive import Archive
from .xxh64 import signed_xxh64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableSequence

FOREVER = 2**31 - 1
"""The number of the request at which a row goes that never goes."""

LONGEST_LIST = 1_048_576
"""Elements that `make_list()` keeps unless told otherwise (Kusto's page on it)."""

_REMEMBERED = 64  # evaluated queries; each holds 8 bytes per row
_SMALL = 5_000  # rows of a result that is worth keeping as it is

_MACROS = """
CREATE MACRO kusto_hash(salt, x) AS {hash}, (salt, x, n) AS ((({hash} % n) + n) % n)::BIGINT;
CREATE MACRO kusto_modulo(a, b) AS {modulo};
"""
_XXH64 = "xxh64(x)"
_OTHER_HASH = "(hash(x, salt)::HUGEINT - 9223372036854775808)::BIGINT"  # DuckDB's own, which nobody else computes
_MODULO = "((a % nullif(b, 0)) + abs(b)) % nullif(abs(b), 0)"  # Kusto's: never negative
_SIGNED_MODULO = "a % nullif(b, 0)"  # SQL's: takes the sign of the dividend

_ID = b'"id":"'

_COLUMN_TYPES = {
    "_row": "BIGINT",
    "_hash": "BIGINT",
    "_born": "INTEGER",
    "_gone": "INTEGER",
    **dict.fromkeys(kql.SCALARS, "VARCHAR"),
    **dict.fromkeys(kql.DYNAMICS, "JSON"),
}
_MISSING = {"_born": 0, "_gone": FOREVER}
_STRUCTURE = "{" + ", ".join(f"\"{name}\": '{kind}'" for name, kind in _COLUMN_TYPES.items()) + "}"
_GIVEN = (
    f"SELECT unnest(from_json(line, '{json.dumps(_COLUMN_TYPES)}')) "  # noqa: S608  # names of ours
    "FROM (SELECT unnest($lines::VARCHAR[]) AS line)"
)
"""Rows that are handed over as text."""
_TYPE_NAMES = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "HUGEINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "VARCHAR": "string",
    "JSON": "object",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
}
"""Resource Graph's names of types, in the table form; any other is an object."""

Value = TypeVar("Value")


class HashMode(StrEnum):
    """How the service's `hash()` and `%` behave; the last two break partitioned reading."""

    STABLE = "stable"  # XXH64, as Kusto documents it
    OTHER = "other"  # as dependable, by an algorithm that no client can compute
    PER_REQUEST = "per-request"
    SIGNED = "signed"


_OTHERWISE = {HashMode.OTHER, HashMode.PER_REQUEST}


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
        packed: Rows that are packed into the only one.
    """

    total: int
    texts: list[bytes]
    columns: list[tuple[str, str]]
    packed: int = 0


class Store:
    """Tables in memory, read by any number of threads at once."""

    def __init__(self, *, seed: int, hash_mode: HashMode = HashMode.STABLE, list_limit: int = LONGEST_LIST) -> None:
        """Make the tables, empty.

        Args:
            seed: Decides about the order of results that have none.
            hash_mode: How `hash()` behaves.
            list_limit: Elements that `make_list()` keeps.
        """
        self._seed = seed
        self._hash_mode = hash_mode
        self._list_limit = list_limit
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.create_function("xxh64", signed_xxh64, ["VARCHAR"], "BIGINT")
        modulo = _SIGNED_MODULO if hash_mode is HashMode.SIGNED else _MODULO
        self._connection.execute(_MACROS.format(hash=_OTHER_HASH if hash_mode in _OTHERWISE else _XXH64, modulo=modulo))
        self._folder = tempfile.TemporaryDirectory(prefix="tap-mdc-vm-sandbox-")
        self._archives: dict[str, Archive] = {}
        self._per_thread = threading.local()
        self._numbers: _Memory[dict[int | None, array[int]]] = _Memory(_REMEMBERED)
        self._results: _Memory[list[bytes]] = _Memory(_REMEMBERED)
        self._types: _Memory[list[tuple[str, str]]] = _Memory(_REMEMBERED * 16)

    def close(self) -> None:
        """Free memory and disk, and let go of what is DuckDB's: it complains of what is there as a process ends."""
        self._connection.close()
        del self._connection, self._per_thread
        for archive in self._archives.values():
            archive.close()
        self._folder.cleanup()

    def load(self, tables: Mapping[str, Iterable[bytes]]) -> None:
        """Fill the tables, once.

        Args:
            tables: Rows by table, each a JSON object with the columns of every table in Azure's order; before them, if
                the row comes or goes, `_born` and `_gone`: the numbers of the requests between which it is there.
        """
        for table in kql.TABLES:
            numbered = (
                b'{"_row":%d,"_hash":%d,%s' % (number, self._hashed(line), line[1:])
                for number, line in enumerate(tables.get(table, ()))
            )
            self._archives[table] = archive = Archive(Path(self._folder.name, f"{table}.json"), numbered)
            read = f"read_json('{archive.path}', format = 'newline_delimited', columns = {_STRUCTURE})"
            columns = ", ".join(_with_default(name) for name in _COLUMN_TYPES)
            slim = 'SELECT * REPLACE (NULL::JSON AS "properties")'
            self._connection.execute(f'CREATE VIEW "{_in_full(table)}" AS SELECT {columns} FROM {read}')  # noqa: S608
            self._connection.execute(f'CREATE TABLE "{table}" AS {slim} FROM "{_in_full(table)}"')
        paths = ", ".join(f"'{archive.path}'" for archive in self._archives.values())
        self._connection.execute(f"SET allowed_paths = [{paths}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def _hashed(self, line: bytes) -> int:
        return 0 if self._hash_mode in _OTHERWISE else _hash_of_id(line)

    def answer(self, query: kql.Query, view: View) -> Rows:
        """Execute a query.

        Raises:
            kql.QueryRefusedError: It can't be executed.
        """
        try:
            if query.plan.counts_rows:
                total = len(self._row_numbers(query, view))
                text = orjson.dumps([total] if view.as_table else {query.plan.columns[0]: total})
                return Rows(1, [text][view.offset :], [(query.plan.columns[0], "integer")])
            if query.plan.pack:
                return self._packed(query.plan.pack, query.partition, view)
            if query.plan.tally:
                return self._tallied(query.plan.tally, view)
            if query.plan.row_by_row:
                return self._page(query, view)
            return self._part(query, view)
        except duckdb.Error as error:
            raise kql.QueryRefusedError("ParserFailure", "ParserFailure", token=str(error)[:100]) from error

    def _page(self, query: kql.Query, view: View) -> Rows:
        plan = query.plan
        numbers: MutableSequence[int] = self._row_numbers(query, view)
        if not plan.ordered:
            numbers = list(numbers)
            random.Random(f"{self._seed}/{view.number}").shuffle(numbers)  # noqa: S311  # not for secrets
        wanted = numbers[view.offset : view.offset + view.top]
        archive = self._archives[plan.table]
        if plan.whole_columns:
            texts = archive.texts(wanted, plan.columns, as_table=view.as_table)
            return Rows(len(numbers), texts, [(name, _TYPE_NAMES[_COLUMN_TYPES[name]]) for name in plan.columns])
        sql = kql.bound(plan.projection, lambda _: _GIVEN, self._salt(view), self._list_limit)
        columns = self._columns(sql, query)
        worded = f'SELECT "{kql.ROW}", {_text(columns, as_table=view.as_table)} FROM ({sql})'  # noqa: S608
        lines = [line.decode() for line in archive.lines(wanted)]
        by_number = dict(self._cursor().execute(worded, {"lines": lines}).fetchall()) if lines else {}
        return Rows(len(numbers), [by_number[number].encode() for number in wanted], _named(columns))

    def _packed(self, pack: kql.Pack, partition: int | None, view: View) -> Rows:
        """One row, put together from the texts of those that it packs."""
        longest = min(pack.limit or self._list_limit, self._list_limit)
        rows = self._page(kql.Query(pack.rows, partition), replace(view, offset=0, top=longest, as_table=False))
        values = [b"[" + b",".join(rows.texts) + b"]" if is_list else b"%d" % rows.total for _, is_list in pack.columns]
        keys = [orjson.dumps(name) for name, _ in pack.columns]
        text = (
            b"[" + b",".join(values) + b"]"
            if view.as_table
            else b"{" + b",".join(key + b":" + value for key, value in zip(keys, values, strict=True)) + b"}"
        )
        columns = [(name, "object" if is_list else "integer") for name, is_list in pack.columns]
        return Rows(1, [text][view.offset :], columns, packed=len(rows.texts))

    def _tallied(self, tally: kql.Tally, view: View) -> Rows:
        """A row for each partition that has rows, in an order of chance."""
        numbers = self._partitions(kql.Query(tally.rows, None), view)
        rows = [{tally.part: part, tally.number: len(each)} for part, each in numbers.items()]
        random.Random(f"{self._seed}/{view.number}").shuffle(rows)  # noqa: S311  # not for secrets
        texts = [orjson.dumps(list(row.values()) if view.as_table else row) for row in rows]
        columns = [(tally.part, "integer"), (tally.number, "integer")]
        return Rows(len(texts), texts[view.offset : view.offset + view.top], columns)

    def _row_numbers(self, query: kql.Query, view: View) -> array[int]:
        """The numbers of all rows of the result, in its order if it has one."""
        return self._partitions(query, view).get(query.partition, array("q"))

    def _partitions(self, query: kql.Query, view: View) -> dict[int | None, array[int]]:
        """The numbers of the rows of each partition; of all rows, if there is none."""
        tie = f'hash("{kql.ROW}", {view.number})' if query.plan.tied else "0"
        known = f"kusto_hash({self._salt(view)}, lower(id))" if self._hash_mode in _OTHERWISE else f'"{kql.HASH}"'
        hidden = f', "{kql.ROW}", {tie} AS "{kql.TIE}", {known} AS "{kql.HASH}"'
        sql = kql.bound(
            query.plan.positions,
            partial(_visible, view=view, in_full=query.plan.chooses_by_properties, further=hidden),
            salt=self._salt(view),
            longest=self._list_limit,
        )
        return self._numbers.get(sql, lambda: self._evaluated(sql))

    def _evaluated(self, sql: str) -> dict[int | None, array[int]]:
        numbers, *parts = self._cursor().execute(sql).fetchnumpy().values()
        if not parts:
            return {None: array("q", numbers.tobytes())}
        order = np.argsort(parts[0], kind="stable")
        found, starts = np.unique(parts[0][order], return_index=True)
        groups = np.split(numbers[order], starts[1:])
        return {int(part): array("q", group.tobytes()) for part, group in zip(found, groups, strict=True)}

    def _part(self, query: kql.Query, view: View) -> Rows:
        plan = query.plan
        in_full = plan.reads_properties or any(name.startswith("properties") for name in plan.columns)
        sources = partial(_visible, view=view, in_full=in_full)
        sql = kql.bound(plan.whole, sources, self._salt(view), self._list_limit)
        columns = self._columns(sql, query)
        worded = f"SELECT {_text(columns, as_table=view.as_table)} FROM ({sql})"  # noqa: S608
        texts = self._results.get(worded, lambda: [text.encode() for (text,) in self._fetched(worded)], keep=_is_small)
        if not plan.ordered:
            texts = list(texts)
            random.Random(f"{self._seed}/{view.number}").shuffle(texts)  # noqa: S311  # not for secrets
        return Rows(len(texts), texts[view.offset : view.offset + view.top], _named(columns))

    def _columns(self, sql: str, query: kql.Query) -> list[tuple[str, str]]:
        """Names and DuckDB's types of the columns of a result."""
        described = self._types.get(sql, lambda: [(row[0], row[1]) for row in self._fetched(f"DESCRIBE {sql}")])
        return [(name, kind) for name, kind in described if name in query.plan.columns]

    def _fetched(self, sql: str) -> list[tuple[str, ...]]:
        parameters: dict[str, list[str]] | None = {"lines": []} if "$lines" in sql else None
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


def _hash_of_id(line: bytes) -> int:
    """`hash(tolower(id))` of a row."""
    start = line.index(_ID) + len(_ID)
    text = line[start : line.index(b'"', start)]
    return signed_xxh64((text.decode() if b"\\" not in text else orjson.loads(line)["id"]).lower())


def _is_small(texts: list[bytes]) -> bool:
    return len(texts) <= _SMALL


def _with_default(name: str) -> str:
    return f'coalesce("{name}", {_MISSING[name]}) AS "{name}"' if name in _MISSING else f'"{name}"'


def _in_full(table: str) -> str:
    return f"{table} with properties"


def _visible(table: str, view: View, *, in_full: bool, further: str = "") -> str:
    columns = ", ".join(f'"{name}"' for name in kql.COLUMNS)
    condition = view.conditions.get(table, "TRUE")
    source = _in_full(table) if in_full else table
    return f'SELECT {columns}{further} FROM "{source}" WHERE {condition}'  # noqa: S608  # text of ours


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
