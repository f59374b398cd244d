"""Parses one expression of a map, refuses what the SDK's evaluator would refuse, and tells which fields it reads.

The evaluator itself is asked what it allows, so that the two can't disagree.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from functools import cache
from types import ModuleType, NoneType
from typing import Any

import simpleeval
from singer_sdk.mapper import CustomStreamMap

from tap_mdc_vm.wording import nearest, shown

RECORD = ("record", "_")  # two names for the whole record
_CHANGING = (
    *("append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"),
)
"""Methods that change an array or an object."""

_PREFIXES = tuple(simpleeval.DISALLOW_PREFIXES)
SPECIAL = (*RECORD, "config", "self", "__stream_name__", "__original_stream_name__")


class ExpressionError(ValueError):
    """An expression that can't be used. The message goes on after the name of the label."""


class Expression:
    """An expression that stays within what the SDK's evaluator knows.

    Attributes:
        text: As it stands in the map.
        statement: Parsed, as the evaluator takes it. A field that is missing is null, however it is named.
        fields: The names that are looked up in the record, each once, in their order.
        plain_field: The field that the whole expression is; None if it is more.
        settings: The keys of each look-up in ``config``, such as ``('a', 'b')`` of ``config['a']['b']``.
        reads_any_setting: Whether it uses ``config`` in any other way, too.
        reads_self: Whether it reads the field that has the label's name.
        changes_something: Whether it may change a value that it reads, as ``tags.pop('x')`` does.
    """

    def __init__(self, text: str, statement: ast.Expr) -> None:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        bound = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        if not bound & set(RECORD):
            statement = ast.fix_missing_locations(_NullIfMissing().visit(statement))
        self.text, self.statement = text, statement
        nodes, others = list(ast.walk(statement)), bound.union(SPECIAL, functions())
        found = (name for node in nodes if (name := field_of(node)) and name not in others)
        self.fields = tuple(dict.fromkeys(found))
        self.plain_field = whole if (whole := field_of(statement.value)) in self.fields else None
        paths = [path for node in nodes if (path := config_path(node))]
        self.settings = tuple(dict.fromkeys(paths))
        free = [name.id for name in names if name.id not in bound]
        self.reads_any_setting = free.count("config") > sum(len(path) == 1 for path in paths)
        self.reads_self = "self" in free
        self.changes_something = any(isinstance(node, ast.Attribute) and node.attr in _CHANGING for node in nodes)


@cache
def sample() -> CustomStreamMap:
    """Return a map without labels, to ask the SDK what it offers expressions."""
    return CustomStreamMap("", {}, {}, {"properties": {}}, [], {}, None)


def functions() -> Mapping[str, Any]:
    """Return what an expression may call by name."""
    offered: Mapping[str, Any] = sample().expr_evaluator.functions
    return offered


def schema_of(text: str, fields: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of an expression's values: a plain field's own, else what the SDK guesses."""
    if schema := fields.get(parse(text).plain_field or ""):
        return schema
    guessed: dict[str, Any] = sample()._eval_type(text).to_dict()  # noqa: SLF001 - the SDK has no other way to ask
    return guessed


def types_of(schema: Mapping[str, Any]) -> list[str]:
    """Return the JSON types that a schema names."""
    named: str | list[str] = schema.get("type", [])
    return [named] if isinstance(named, str) else named


def evaluate(
    expression: Expression, record: Mapping[str, Any], names: Mapping[str, Any], by: simpleeval.EvalWithCompoundTypes
) -> Any:  # noqa: ANN401 - an expression may give anything
    """Return the value that an expression has for a record, a missing name being null.

    Args:
        expression: What to compute.
        record: Fields by name.
        names: Further names, such as ``config``, which hide a field of that name.
        by: The SDK's evaluator. It keeps state, so that two threads can't share one.
    """
    by.names = _Names(record)
    by.names.update(names, record=record, _=record)
    return by.eval(expression.text, previously_parsed=expression.statement)


class _Names(dict[str, Any]):
    """What an expression can name: fields, or else functions, or else null."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401
        return functions().get(name)


@cache
def parse(text: str) -> Expression:
    """Parse an expression and check it.

    Raises:
        ExpressionError: If the SDK's evaluator would refuse it for every record.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape in a text is the user's, and works
            body = ast.parse(text).body
        if len(body) != 1 or not isinstance(body[0], ast.Expr):
            raise ExpressionError(f"must be one expression, not {shown(text)}")
        _check(body[0])
        return Expression(text, body[0])
    except SyntaxError as error:
        raise ExpressionError(f"does not parse: {error.msg} in {shown(text)}{_quotes(text)}") from error
    except (RecursionError, MemoryError) as error:
        raise ExpressionError("is nested too deeply") from error


def _quotes(text: str) -> str:
    """Return the advice that a text needs which lost its quotes to YAML."""
    return f"; a text stands in two pairs of quotes: \"'{text}'\"" if text.replace(" ", "").isalnum() else ""


def _check(statement: ast.Expr) -> None:
    """Raise for the first thing that the evaluator refuses whatever the record."""
    evaluator, in_lists = sample().expr_evaluator, set[ast.AST]()
    for node in ast.walk(statement):
        match node:
            case ast.Attribute(_, name) if name.startswith(_PREFIXES) or name in simpleeval.DISALLOW_METHODS:
                raise ExpressionError(f"uses .{name}, which is not allowed in an expression")
            case ast.Attribute(ast.Name(owner), name) if not _may_offer(functions().get(owner), name):
                raise ExpressionError(f"uses .{name}, which is not available in an expression")
            case ast.Call(ast.Name(name)) if name not in functions():
                raise ExpressionError(f"calls the unknown function {name}{nearest(name, functions())}")
            case ast.Call(function) if not isinstance(function, ast.Name | ast.Attribute):
                raise ExpressionError("calls something other than a function by its name, or a method")
            case ast.operator() | ast.unaryop() | ast.cmpop():
                available = type(node) in evaluator.operators
            case ast.boolop() | ast.expr_context() | ast.comprehension():
                available = True
            case ast.Starred():
                available = node in in_lists
            case _:
                available = type(node) in evaluator.nodes
                in_lists.update(node.elts if isinstance(node, ast.List) else ())
        if not available:
            raise ExpressionError(f"uses {type(node).__name__}, which is not available in an expression")


def _may_offer(owner: object, name: str) -> bool:
    """Return whether an attribute may be there: of a module it must be, and be no module of its own."""
    attribute = getattr(owner, name, None)
    return not isinstance(owner, simpleeval.ModuleWrapper) or not isinstance(attribute, ModuleType | NoneType)


class _NullIfMissing(ast.NodeTransformer):
    """Turns ``record['x']`` and ``record.x`` into ``record.get('x')``, which is null where there is no ``x``."""

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 - as the base class
        match node:
            case ast.Subscript(ast.Name("record" | "_") as record, ast.Constant(str()) as key):
                pass
            case ast.Attribute(ast.Name("record" | "_") as record, name) if not hasattr(dict, name):
                key = ast.Constant(name)
            case _:
                return self.generic_visit(node)
        return ast.Call(ast.Attribute(record, "get", ast.Load()), [key], [])


def field_of(node: ast.AST) -> str | None:
    """Return the field that ``name`` or ``record.get('name')`` reads; None for any other node.

    A name may still turn out to be one of the evaluator's own (:data:`SPECIAL`), or a function.
    """
    match node:
        case ast.Name(name, ast.Load()):
            return name
        case ast.Call(ast.Attribute(ast.Name("record" | "_"), "get"), [ast.Constant(str(name))], []):
            return name
    return None


def config_path(node: ast.AST) -> tuple[str, ...]:
    """Return the keys of ``config['a']['b']``; nothing for any other node."""
    match node:
        case ast.Subscript(ast.Name("config"), ast.Constant(str(key))):
            return (key,)
        case ast.Subscript(ast.Subscript() as outer, ast.Constant(str(key))) if above := config_path(outer):
            return (*above, key)
    return ()


def one_line(error: Exception) -> str:
    """Return what an error says, on one line and not too long."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
