"""Reads a query as Resource Graph would: finds out what it is, or refuses it with Azure's codes.

The parsing and the translation into SQL are duckdb-kql's; this module adds what is Resource Graph's own: which
tables there are, which operators are allowed, how names are resolved, the function `hash()`, and rows that are packed
into one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import threading
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from unittest import mock

from duckdb_kql import KqlError, KqlSchemaError, KqlSyntaxError, KqlUnsupportedError, ir
from duckdb_kql.lower import lower
from duckdb_kql.schema import output_columns
from duckdb_kql.translate import functions
from duckdb_kql.translate import to_sql as emit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence, Set

SCALARS = (
    "id",
    "name",
    "type",
    "tenantId",
    "kind",
    "location",
    "resourceGroup",
    "subscriptionId",
    "managedBy",
)
DYNAMICS = ("sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation")
COLUMNS = SCALARS + DYNAMICS
"""Of every table, in the order in which Resource Graph gives them."""

TABLES = (
    "resources",
    "resourcecontainers",
    "securityresources",
    "computeresources",
    "networkresources",
    "advisorresources",
    "policyresources",
)
DEFAULT_TABLE = "resources"

MAXIMUM_JOINS = 3
MAXIMUM_UNIONS = 3
MAXIMUM_EXPANSIONS = 3
MAXIMUM_EXPANSION_ROWS = 400
"""Of one query (Resource Graph's page on its query language; the portal allows more)."""

_JOIN_KINDS = {"innerunique", "inner", "leftouter", "fullouter"}
_ALLOWED = (
    ir.Where,
    ir.Project,
    ir.ProjectAway,
    ir.Extend,
    ir.Take,
    ir.Sort,
    ir.Top,
    ir.Count,
    ir.Distinct,
    ir.Summarize,
    ir.Join,
    ir.Union,
    ir.MvExpand,
    ir.Parse,
)
_ROW_BY_ROW = (ir.Where, ir.Project, ir.ProjectAway, ir.Extend, ir.Sort)
"""Operators after which each row is still one row of the table."""

_WORD = re.compile(r"[A-Za-z][A-Za-z-]*")
_LEADING_SPACE = re.compile(r"(?:\s|//[^\n]*(?:\n|$))*")
_OPERATOR_WORDS = frozenset(
    "where project project-away extend summarize order sort top take limit count distinct join union "  # noqa: SIM905
    "mv-expand mvexpand parse".split()
)
_STATEMENTS = {"let", "set", "declare", "alias", "restrict", "pattern"}
_PARTITION = re.compile(r"(\)\s*%\s*\d+\s*==\s*)(\d+)\b")
_COLUMN_KIND = re.compile(
    r"""@'[^']*'|@"[^"]*"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|//[^\n]*|"""
    r"""((?<!\$left)(?<!\$right)\.kind\b|(?<![\w.$])kind\b(?!\s*=(?![=~])))"""
)
"""The name as a column or in a path, not the option of an operator, and nothing inside strings and remarks."""
_STAND_IN = 7_368_787_911  # for a partition's number; no query holds it by chance

ROW = "_row"
PART = "_part"
TIE = "_tie"
HASH = "_hash"
"""The column that holds `hash(tolower(id))`, so that partitions need not hash each row anew."""

_SOURCE = "\ue000"  # a private character: starts the names that stand for what a query may see of a table
_SALT = "\ue001salt"
_LONGEST = "\ue001longest"
_IS_NULL = "(coalesce(to_json({0})::VARCHAR, 'null') = 'null')"
_CUT_LIST = f"coalesce(list({{0}}) FILTER (WHERE NOT {_IS_NULL}), [])[1:least({{1}})]"
"""`make_list()`: without nulls, those inside of JSON too."""

Shape = ir.Query


class QueryRefusedError(Exception):
    """The query is not one that Resource Graph accepts.

    Attributes:
        details: What follows `InvalidQuery` in the details of Azure's answer.
    """

    def __init__(self, code: str, message: str, **more: str | int) -> None:
        """Keep the detail; `more` are its further keys."""
        super().__init__(message)
        self.details = ({"code": code, "message": message, **more},)

    def moved(self, position: Callable[[int, int], tuple[int, int]]) -> None:
        """Change where it points to."""
        detail = self.details[0]
        line, column = detail.get("line"), detail.get("characterPositionInLine")
        if isinstance(line, int) and isinstance(column, int) and line > 0:
            detail["line"], detail["characterPositionInLine"] = position(line, column)


@dataclass(frozen=True, slots=True)
class Pack:
    """A query that puts all its rows into one: `… | summarize n = count(), rows = make_list(pack('id', id, …))`.

    Attributes:
        columns: Names of the one row's columns, each with whether it is the list; the others count.
        limit: Elements that the query lets the list have; None for as many as the service does.
        rows: The query whose rows are the elements.
    """

    columns: tuple[tuple[str, bool], ...]
    limit: int | None
    rows: Plan

    @property
    def name(self) -> str:
        """Name of the list."""
        return next(name for name, is_list in self.columns if is_list)


@dataclass(frozen=True, slots=True)
class Tally:
    """A query that counts rows by partition: `… | summarize n = count() by part = hash(tolower(id)) % N`.

    Attributes:
        number: Name of the column that counts.
        part: Name of the column with the partition.
        rows: The query for the rows of a partition.
    """

    number: str
    part: str
    rows: Plan


@dataclass(frozen=True)
class Plan:
    """A query that was understood; the SQL of its parts is made when first needed.

    Attributes:
        shape: Its intermediate form, tables named as here; with a partition, a stand-in for its number.
        columns: Names of the columns of its result.
        limited: It has `limit`, `take` or `top`, so Azure neither pages nor skips.
        row_by_row: Each row of its result is a row of one table.
        counts_rows: It is such a query, followed by `count`.
        ordered: Its result has an order.
        tied: Its order leaves some rows equal.
        partitioned: One of its conditions has the form `… % N == i`; all the i are evaluated at once.
        pack: How it packs its rows into one, if it does that and nothing else with them.
        tally: How it counts its rows by partition, if it does.
    """

    shape: Shape
    columns: tuple[str, ...]
    limited: bool
    row_by_row: bool
    counts_rows: bool
    ordered: bool
    tied: bool
    partitioned: bool
    pack: Pack | None = None
    tally: Tally | None = None

    @property
    def repeatable(self) -> bool:
        """Whether nothing in its answer is left to chance."""
        if self.pack:
            return self.pack.rows.repeatable
        return self.counts_rows or (self.ordered and not self.tied)

    @cached_property
    def reads_properties(self) -> bool:
        """Whether it can't be executed without looking into `properties`."""
        return _reads_properties(self.shape.operators)

    @cached_property
    def chooses_by_properties(self) -> bool:
        """Whether its rows can't be told from others, or put in order, without looking into `properties`."""
        return _reads_properties(self._choosing)

    @cached_property
    def _choosing(self) -> list[ir.Operator]:
        """The operators up to the last one that decides which rows there are, and in which order."""
        operators = [operator for operator in self.shape.operators if not isinstance(operator, ir.Count)]
        while operators and isinstance(operators[-1], ir.Project | ir.ProjectAway | ir.Extend):
            operators.pop()
        return operators

    @cached_property
    def whole_columns(self) -> bool:
        """Whether it picks rows and columns of a table and changes nothing."""
        return self.row_by_row and all(
            isinstance(operator, ir.Where | ir.Sort | ir.ProjectAway)
            or _without_plain_columns(operator) == ir.Project(())
            for operator in self.shape.operators
        )

    @property
    def table(self) -> str:
        """The table that it starts from."""
        source = self.shape.source
        assert isinstance(source, ir.TableRef)  # noqa: S101  # checked when it was planned
        return source.name

    @cached_property
    def whole(self) -> str:
        """SQL of the query as it stands."""
        return _emitted(self.shape, COLUMNS)

    @cached_property
    def positions(self) -> str:
        """SQL of the numbers of the rows, in order; with a partition, those of all partitions, each with its own.

        Rows that compare equal are put in an order of chance, as in Azure, unless the order is by id.
        """
        modulo = _partition_condition(self.shape) if self.partitioned else None
        kept = (ROW, PART) if modulo is not None else (ROW,)
        carried = _carried(self._choosing, modulo, (ROW, TIE) if self.tied else (ROW,))
        shape = ir.Query(self.shape.source, list(_with_known_hashes(carried)))
        columns = ", ".join(f'"{name}"' for name in kept)
        return f"SELECT {columns} FROM ({_emitted(shape, (*COLUMNS, ROW, TIE, HASH))})"  # noqa: S608  # names of ours

    @cached_property
    def projection(self) -> str:
        """SQL of the columns, unfiltered and unordered, with the number of each row."""
        operators = [op for op in self.shape.operators if not isinstance(op, ir.Where | ir.Sort)]
        shape = ir.Query(self.shape.source, [_carrying(operator, None, (ROW,)) for operator in operators])
        return _emitted(shape, (*COLUMNS, ROW))


@dataclass(frozen=True, slots=True)
class Query:
    """A plan, and the number of the partition that is asked for, if the plan is partitioned."""

    plan: Plan
    partition: int | None


def understood(text: str) -> Query:
    """Read a query.

    Raises:
        QueryRefusedError: It does not parse, names what isn't there, or uses what Resource Graph lacks.
    """
    amended = _amended(text)
    found = _PARTITION.findall(amended.text)
    if len(found) == 1:
        with contextlib.suppress(QueryRefusedError):  # refused again below, with the position that it has there
            plan = _planned(_PARTITION.sub(rf"\g<1>{_STAND_IN}", amended.text), partitioned=True)
            if plan is not None and (plan.row_by_row or plan.counts_rows or plan.pack):
                return Query(plan, int(found[0][1]))
    try:
        plan = _planned(amended.text, partitioned=False)
    except QueryRefusedError as error:
        error.moved(amended.position)
        raise
    assert plan is not None  # noqa: S101  # only a partitioned reading can fail without a reason
    return Query(plan, None)


@dataclass(frozen=True, slots=True)
class _Amended:
    """A text into which something was put, and where: offset and length of each insertion."""

    text: str
    sent: str
    insertions: tuple[tuple[int, int], ...]

    def position(self, line: int, column: int) -> tuple[int, int]:
        """Line, from 1, and column, from 0, in the text that was sent, of a position in this one."""
        lines = self.text.split("\n")
        at = sum(len(each) + 1 for each in lines[: line - 1]) + column
        before = sum(min(length, max(at - start, 0)) for start, length in self.insertions)
        above = self.sent[: at - before].split("\n")
        return len(above), len(above[-1])


@lru_cache(maxsize=1024)
def _planned(text: str, *, partitioned: bool) -> Plan | None:
    """Plan a query; None if `partitioned` and what looked like a partition's number was something else."""
    shape = _parsed(text)
    if partitioned and _partition_condition(shape) is None:
        return None
    _check(shape, text)
    operators = shape.operators
    head = operators[:-1] if operators and isinstance(operators[-1], ir.Count) else operators
    plain = all(isinstance(operator, _ROW_BY_ROW) for operator in head)
    plan = Plan(
        shape=shape,
        columns=tuple(_columns(shape)),
        limited=any(isinstance(operator, ir.Take | ir.Top) for operator in operators),
        row_by_row=plain and head is operators,
        counts_rows=plain and head is not operators,
        ordered=_is_ordered(operators),
        tied=_needs_tie(operators),
        partitioned=partitioned,
        pack=_pack(shape, partitioned=partitioned),
        tally=None if partitioned else _tally(shape),
    )
    _ = plan.whole  # what can't be translated is refused now
    return plan


def _pack(shape: Shape, *, partitioned: bool) -> Pack | None:
    """Read `summarize` with counts and one list of bags, after operators that keep rows apart."""
    *head, last = shape.operators or [ir.Count()]
    if not isinstance(last, ir.Summarize) or last.by or not all(isinstance(o, _ROW_BY_ROW) for o in head):
        return None
    columns: list[tuple[str, bool]] = []
    members: list[tuple[ir.NamedExpr, ...] | None] = []
    limit = None
    for aggregate in last.aggregates:
        match aggregate.expr:
            case ir.FunctionCall(name="count", args=()):
                columns.append((aggregate.name or "count_", False))
            case ir.FunctionCall(name="make_list", args=(ir.FunctionCall() as bag, *most)):
                columns.append((aggregate.name or "list_", True))
                members.append(_members(bag))
                limit = int(str(most[0].value)) if most and isinstance(most[0], ir.Literal) else None
            case _:
                return None
    if len(members) != 1 or members[0] is None:
        return None
    operators = [*head, ir.Project(members[0])]
    rows = Plan(
        shape=ir.Query(shape.source, operators),
        columns=tuple(str(member.name) for member in members[0]),
        limited=False,
        row_by_row=True,
        counts_rows=False,
        ordered=_is_ordered(operators),
        tied=_needs_tie(operators),
        partitioned=partitioned,
    )
    return Pack(tuple(columns), limit, rows)


def _tally(shape: Shape) -> Tally | None:
    """Read `summarize` with a count by partition, after operators that keep rows apart."""
    *head, last = shape.operators or [ir.Count()]
    match last:
        case ir.Summarize(
            aggregates=(ir.NamedExpr(name=str(number), expr=ir.FunctionCall(name="count", args=())),),
            by=(ir.NamedExpr(name=str(part), expr=ir.BinaryOp(op="%") as modulo),),
        ) if all(isinstance(operator, _ROW_BY_ROW) for operator in head):
            chosen = ir.Where(ir.BinaryOp("==", modulo, ir.Literal(_STAND_IN, "long")))
            rows = Plan(
                shape=ir.Query(shape.source, [*head, chosen]),
                columns=(),
                limited=False,
                row_by_row=True,
                counts_rows=False,
                ordered=False,
                tied=False,
                partitioned=True,
            )
            return Tally(number, part, rows)
    return None


def _members(bag: ir.FunctionCall) -> tuple[ir.NamedExpr, ...] | None:
    """What `pack('name', value, …)` puts into a bag; None unless its names are plain and different."""
    names = [key.value for key in bag.args[::2] if isinstance(key, ir.Literal) and isinstance(key.value, str)]
    values = bag.args[1::2]
    if bag.name not in {"pack", "bag_pack"} or 2 * len(names) != len(bag.args) or len(set(names)) < len(names):
        return None
    return tuple(ir.NamedExpr(value, name) for name, value in zip(names, values, strict=True))


def _amended(sent: str) -> _Amended:
    """Put the table in that is meant when there is none, and quote the column that the parser takes for a keyword."""
    start = _LEADING_SPACE.match(sent)
    word = _WORD.match(sent, start.end() if start else 0)
    if word is not None and word[0] in _STATEMENTS:
        raise _disallowed(word[0])
    text = f"{DEFAULT_TABLE} | " if word is not None and word[0] in _OPERATOR_WORDS else ""
    insertions = [(0, len(text))]
    done = 0
    for found in _COLUMN_KIND.finditer(sent):
        if not found[1]:
            continue
        text += sent[done : found.start()]
        opening = 2 - found[0].count(".")  # the dot of a path makes room for one of the two
        insertions += [(len(text), opening), (len(text) + opening + len(found[0]), 2)]
        text += "['kind']"
        done = found.end()
    return _Amended(text + sent[done:], sent, tuple(insertions))


def _parsed(text: str) -> Shape:
    try:
        return _canonical(lower(text))
    except KqlSyntaxError as error:
        raise _syntax_refusal(text, error) from error
    except KqlUnsupportedError as error:
        raise _disallowed(error.construct) from error
    except (KqlError, RecursionError) as error:
        raise QueryRefusedError("ParserFailure", "ParserFailure", line=1, characterPositionInLine=0) from error


def _syntax_refusal(text: str, error: KqlSyntaxError) -> QueryRefusedError:
    span = error.diagnostics[0].span
    lines = text.splitlines() or [""]
    rest = lines[span.line - 1][span.column :].split() if span.line <= len(lines) else []
    return QueryRefusedError(
        "ParserFailure",
        "ParserFailure",
        line=span.line,
        characterPositionInLine=span.column,
        token=rest[0] if rest else "<EOF>",
        expectedToken="Ǐ",
    )


def _disallowed(token: str) -> QueryRefusedError:
    # The code is the one that Azure/azure-powershell issue 13762 shows for an operator not allowed then.
    return QueryRefusedError(
        "InvalidQueryLanguage", "InvalidQueryLanguage", line=-1, characterPositionInLine=-1, token=token
    )


def _no_table(name: str) -> QueryRefusedError:
    return QueryRefusedError("DisallowedLogicalTableName", f"Table {name} is invalid, unsupported or disallowed.")


def _canonical(shape: Shape) -> Shape:
    """Give each table the name that it has here; Resource Graph takes any letter case."""

    def rename(node: Any) -> Any:  # noqa: ANN401  # any node of the tree
        if isinstance(node, ir.TableRef):
            if node.name.lower() not in TABLES or node.database or node.cluster:
                raise _no_table(node.name)
            return dataclasses.replace(node, name=node.name.lower())
        return node

    renamed: Shape = _rewritten(shape, rename)
    return renamed


def _rewritten(node: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # any node of the tree
    """Rebuild a tree with `change` applied to each of its nodes, leaves first."""
    if isinstance(node, tuple | list):
        return type(node)(_rewritten(item, change) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    fields = {f.name: getattr(node, f.name) for f in dataclasses.fields(node) if f.init}
    return change(dataclasses.replace(node, **{name: _rewritten(value, change) for name, value in fields.items()}))


def _nodes(node: Any, *, nested: bool = True) -> Iterator[Any]:  # noqa: ANN401  # any node of the tree
    """Every node below and including this one; without `nested`, not those of queries inside it."""
    if isinstance(node, tuple | list):
        for item in node:
            yield from _nodes(item, nested=nested)
    elif dataclasses.is_dataclass(node) and (nested or not isinstance(node, ir.Query)):
        yield node
        for field in dataclasses.fields(node):
            yield from _nodes(getattr(node, field.name), nested=nested)


def _check(shape: Shape, text: str) -> None:
    every = list(_nodes(shape))
    for query in (node for node in every if isinstance(node, ir.Query)):
        _check_operators(query)
        _check_names(query, text)
        _check_keys(query)
    joins = [node for node in every if isinstance(node, ir.Join)]
    for join in joins:
        if join.kind not in _JOIN_KINDS:
            name = {"leftsemi": "LeftSemi", "leftanti": "LeftAnti"}.get(join.kind, join.kind)
            message = f'The join kind "{name}" is not supported or not allowed.'
            raise QueryRefusedError("UnsupportedJoinFlavor", message)
    unions = [node for node in every if isinstance(node, ir.Union)]
    _check_remote_tables(shape, joins, unions)
    expansions = [node for node in every if isinstance(node, ir.MvExpand)]
    if len(expansions) > MAXIMUM_EXPANSIONS:
        raise QueryRefusedError("DisallowedMaxNumberOfOperators", "Too many mv-expand operators in the query.")
    if any((node.limit or 0) > MAXIMUM_EXPANSION_ROWS for node in expansions):
        raise QueryRefusedError("InvalidQueryLanguage", f"mv-expand limits are {MAXIMUM_EXPANSION_ROWS} at most.")


def _check_operators(query: Shape) -> None:
    if not isinstance(query.source, ir.TableRef):
        raise _disallowed(type(query.source).__name__)
    for operator in query.operators:
        if not isinstance(operator, _ALLOWED):
            raise _disallowed(type(operator).__name__)
        if _says_nothing(operator):
            raise QueryRefusedError("ParserFailure", "ParserFailure", line=1, characterPositionInLine=0)


def _says_nothing(operator: ir.Operator) -> bool:
    """Find `project` without a column, and `where name = 'x'`, of which the parser keeps the 'x' only."""
    match operator:
        case ir.Where(predicate=ir.Literal(kind=kind)):
            return kind != "bool"
        case ir.Where(predicate=ir.ColumnRef(name=name)):
            return name in COLUMNS
        case ir.Project(expressions=()):
            return True
        case _:
            return False


def _check_names(query: Shape, text: str) -> None:
    """Refuse a column that isn't there; its letter case counts, as it does in Azure and does not in DuckDB."""
    for index, operator in enumerate(query.operators):
        before = _columns(ir.Query(query.source, query.operators[:index]))
        for name in _names_used(operator):
            if name not in before:
                raise _unresolved(name, text)


def _check_keys(query: Shape) -> None:
    """Refuse to group, sort or join by a dynamic value: Kusto wants it made a string first."""
    dynamic: Set[str] = set(DYNAMICS)
    for operator in query.operators:
        for key in _keys(operator):
            if _is_dynamic(key, dynamic):
                message = f"The {type(operator).__name__.lower()} operator can't use a value of type dynamic as a key."
                raise QueryRefusedError("ParserFailure", message, line=1, characterPositionInLine=0)
        if isinstance(operator, ir.Extend | ir.Project):
            named = {e.name or getattr(e.expr, "name", ""): _is_dynamic(e.expr, dynamic) for e in operator.expressions}
            kept = dynamic - named.keys() if isinstance(operator, ir.Extend) else set()
            dynamic = kept | {name for name, is_dynamic in named.items() if is_dynamic}
        elif isinstance(operator, ir.Summarize):
            dynamic = set()


def _keys(operator: ir.Operator) -> Iterator[ir.Expr]:
    match operator:
        case ir.Sort(keys=keys) | ir.Top(keys=keys):
            yield from (key.expr for key in keys)
        case ir.Summarize(by=expressions) | ir.Distinct(expressions=expressions):
            yield from (expression.expr for expression in expressions)
        case ir.Join(keys=keys):
            yield from (ir.ColumnRef(key.left) for key in keys)


def _is_dynamic(expression: ir.Expr, dynamic: Set[str]) -> bool:
    match expression:
        case ir.PathAccess():
            return True
        case ir.ColumnRef(name=name):
            return name in dynamic
        case ir.FunctionCall(name="parse_json" | "todynamic" | "bag_pack" | "pack" | "split"):
            return True
        case _:
            return False


def _names_used(operator: ir.Operator) -> Iterator[str]:
    if isinstance(operator, ir.Join):
        yield from (key.left for key in operator.keys)
        return
    if isinstance(operator, ir.MvExpand):
        yield from (target.column for target in operator.targets)
        return
    for node in _nodes(operator, nested=False):
        if isinstance(node, ir.ColumnRef):
            yield node.name


def _unresolved(name: str, text: str) -> QueryRefusedError:
    at = re.search(rf"\b{re.escape(name)}\b", text)
    before = text[: at.start() if at else 0].split("\n")
    return QueryRefusedError(
        "ParserFailure",
        f"Failed to resolve the column named '{name}'.",
        line=len(before),
        characterPositionInLine=len(before[-1]),
        token=name,
        expectedToken="Ǐ",
    )


def _check_remote_tables(shape: Shape, joins: Sequence[ir.Join], unions: Sequence[ir.Union]) -> None:
    """Enforce the number of joins and unions, and that a further table comes in once only."""
    tables = [node.name for node in _nodes([*joins, *unions]) if isinstance(node, ir.TableRef)]
    own = shape.source.name if isinstance(shape.source, ir.TableRef) else ""
    remote = [name for name in tables if name != own and {name, own} != {"resources", "resourcecontainers"}]
    if len(joins) > MAXIMUM_JOINS or len(unions) > MAXIMUM_UNIONS or len(remote) > 1:
        message = "The number of remote tables in the query is not allowed."
        raise QueryRefusedError("DisallowedMaxNumberOfRemoteTables", message)


def _is_ordered(operators: Sequence[ir.Operator]) -> bool:
    ordered = False
    for operator in operators:
        if isinstance(operator, ir.Sort | ir.Top):
            ordered = True
        elif isinstance(operator, ir.Summarize | ir.Distinct | ir.Join | ir.Union):
            ordered = False
    return ordered


def _columns(shape: Shape) -> list[str]:
    try:
        return output_columns(shape, {table: list(COLUMNS) for table in TABLES})
    except KqlSchemaError as error:
        raise QueryRefusedError("ParserFailure", "ParserFailure", token=error.name) from error
    except KqlUnsupportedError as error:
        raise _disallowed(error.construct) from error


def _partition_condition(shape: Shape) -> ir.BinaryOp | None:
    """The `hash(…) % N` of the first condition that compares it with the stand-in."""
    for operator in shape.operators:
        if not isinstance(operator, _ROW_BY_ROW):
            return None
        if isinstance(operator, ir.Where) and (found := _modulo(operator.predicate)) is not None:
            return found
    return None


def _modulo(predicate: ir.Expr) -> ir.BinaryOp | None:
    match predicate:
        case ir.BinaryOp(op="==", left=ir.BinaryOp(op="%") as modulo, right=ir.Literal(value=value)):
            return modulo if value == _STAND_IN else None
        case _:
            return None


def require(plan: Plan, lacking: Set[str]) -> None:
    """Refuse a query that names a table or a function that this service lacks (names in lower case)."""
    for node in _nodes(plan.shape) if lacking else ():
        if isinstance(node, ir.TableRef) and node.name in lacking:
            raise _no_table(node.name)
        if isinstance(node, ir.FunctionCall) and node.name.lower() in lacking:
            raise _disallowed(node.name)


def bound(sql: str, sources: Callable[[str], str], salt: int, longest: int) -> str:
    """Put SQL in the place of each table, and numbers in those of the hash's salt and of a list's greatest length."""
    for table in TABLES:
        name = f'"{_SOURCE}{table}"'
        if name in sql:
            sql = sql.replace(name, f"({sources(table)})")
    return sql.replace(_SALT, str(salt)).replace(_LONGEST, str(longest))


def _reads_properties(operators: Sequence[ir.Operator]) -> bool:
    return any(isinstance(operator, ir.MvExpand) for operator in operators) or any(
        isinstance(node, ir.ColumnRef) and node.name == "properties"
        for operator in operators
        for node in _nodes(_without_plain_columns(operator))
    )


def _with_known_hashes(operators: Iterable[ir.Operator]) -> Iterator[ir.Operator]:
    """Take `hash(tolower(id))` from its column, as long as `id` is the table's."""
    known = ir.FunctionCall("hash", (ir.FunctionCall("tolower", (ir.ColumnRef("id"),)),))
    own = True
    for operator in operators:
        own = own and not isinstance(operator, ir.Project)
        yield _rewritten(operator, lambda node: ir.ColumnRef(HASH) if node == known else node) if own else operator
        own = own and not (isinstance(operator, ir.Extend) and any(e.name == "id" for e in operator.expressions))


def _without_plain_columns(operator: ir.Operator) -> ir.Operator:
    """A `project` without the columns that it hands through under their names."""
    if not isinstance(operator, ir.Project):
        return operator
    changed = [
        e for e in operator.expressions if not (isinstance(e.expr, ir.ColumnRef) and e.name in {None, e.expr.name})
    ]
    return ir.Project(tuple(changed))


def _needs_tie(operators: Sequence[ir.Operator]) -> bool:
    sorts = [operator for operator in operators if isinstance(operator, ir.Sort)]
    return bool(sorts) and not _is_unique(sorts[-1])


def _is_unique(sort: ir.Sort) -> bool:
    return any(isinstance(node, ir.ColumnRef) and node.name == "id" for key in sort.keys for node in _nodes(key.expr))


def _carried(
    operators: Iterable[ir.Operator], modulo: ir.BinaryOp | None, hidden: tuple[str, ...]
) -> Iterator[ir.Operator]:
    """Let operators pass the hidden columns on, and from where it is known the partition's column too."""
    for operator in operators:
        carrying = _carrying(operator, modulo, hidden)
        if carrying is not operator and isinstance(operator, ir.Where):
            hidden = (*hidden, PART)
        yield carrying


def _carrying(operator: ir.Operator, modulo: ir.BinaryOp | None, hidden: Sequence[str]) -> ir.Operator:
    """Let an operator pass the hidden columns on; turn the partition's condition into a column."""
    if modulo is not None and isinstance(operator, ir.Where) and _modulo(operator.predicate) is modulo:
        return ir.Extend((ir.NamedExpr(modulo, PART),))
    if isinstance(operator, ir.Project):
        carried = tuple(ir.NamedExpr(ir.ColumnRef(name), name) for name in hidden)
        return ir.Project(operator.expressions + carried)
    if isinstance(operator, ir.Sort) and TIE in hidden:
        return ir.Sort((*operator.keys, ir.SortKey(ir.ColumnRef(TIE), ascending=True)))
    return operator


def _emitted(shape: Shape, columns: Sequence[str]) -> str:
    def mark(node: Any) -> Any:  # noqa: ANN401  # any node of the tree
        return dataclasses.replace(node, name=_SOURCE + node.name) if isinstance(node, ir.TableRef) else node

    schema = {_SOURCE + table: list(columns) for table in TABLES}
    try:
        with _taught():
            return str(emit(_rewritten(shape, mark), schema))
    except KqlUnsupportedError as error:
        raise _disallowed(error.construct.removeprefix("function:")) from error
    except (KqlError, ValueError) as error:
        raise QueryRefusedError("ParserFailure", "ParserFailure", line=1, characterPositionInLine=0) from error


class _CutList(functions.AggregateSpec):
    """`make_list(x)` or `make_list(x, n)`: as long as the service lets it be, or as is asked for if that is shorter."""

    def render(self, args: list[str]) -> str:
        """Return its SQL."""
        return super().render([args[0], ", ".join([_LONGEST, *args[1:]])])


_TEACHING = threading.Lock()


@contextlib.contextmanager
def _taught() -> Iterator[None]:
    """Lend the translator what it lacks, for the length of one translation.

    That is `hash()`, a `%` that the sandbox can sign, a list that ends where the service cuts it, and that a null
    which stands in JSON is one.
    """
    taught_functions = {
        "hash": functions.FunctionSpec("hash", "template", f"kusto_hash({_SALT}, {{}})"),
        "isnull": functions.FunctionSpec("isnull", "native", _IS_NULL, (1,)),
        "isnotnull": functions.FunctionSpec("isnotnull", "native", f"(NOT {_IS_NULL})", (1,)),
    }
    taught_operator = functions.BinarySpec("%", "kusto_modulo({0}, {1})")
    cut_list = _CutList("make_list", _CUT_LIST, (1, 2), name_prefix="list")
    with (
        _TEACHING,
        mock.patch.dict(functions.SCALAR_FUNCTIONS, taught_functions),
        mock.patch.dict(functions.BINARY_OPERATORS, {"%": taught_operator}),
        mock.patch.dict(functions.AGGREGATE_FUNCTIONS, make_list=cut_list),
    ):
        yield
