"""Compiles the map of a stream into one Python function, each value of which equals the SDK's.

The SDK walks the tree of an expression anew for each label of each record. Here the trees become lines of a function
that Python compiles once::

    etm_assets: {externalAssetId: vmId or id, source: "'Defender for Cloud'"}

    def transform(record):
        try:
            result = labels.copy()
            result['externalAssetId'] = record['vmId'] or record['id']
            result['source'] = 'Defender for Cloud'
            return result
        except Exception:
            return interpreted(record)

To fill a copy of a dict that has every label takes half as long as to make one of some dozens of labels.

Only what is sure to give the same as the SDK's evaluator is translated, node by node. An expression with anything
else in it is handed to that evaluator as a whole. A record that raises is mapped anew by the evaluator, which gives the
right value after all (a missing field is null) or names the label that can't be computed. That is sound because nothing
translated has an effect, and a map with a method that could change what it reads must not be compiled.

Nothing that the evaluator forbids gets in: a name is only ever a field of the record, an attribute only ever a call of
a method listed here, a function only one listed here; there are no builtins, and arithmetic that can explode is left to
the evaluator's own limited functions.
"""

from __future__ import annotations

import ast
import operator
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import simpleeval

from tap_mdc_vm.stream_maps.expressions import config_path, config_value, evaluator, field_of, functions
from tap_mdc_vm.stream_maps.tables import LookUp, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_mdc_vm.stream_maps.expressions import Expression

# Operators that the evaluator leaves to Python, and those that it limits, which stay its own functions.
_NATIVE = {operator.sub, operator.truediv, operator.floordiv, operator.mod, operator.xor, operator.or_, operator.and_}
_LIMITED = {simpleeval.safe_add, simpleeval.safe_mult, simpleeval.safe_power}
_LIMITED |= {simpleeval.safe_lshift, simpleeval.safe_rshift}
_COMPARED = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)

_FUNCTIONS = ("bool", "dict", "float", "int", "list", "md5", "set", "sha256", "str", "tuple")
_METHODS = {
    *("capitalize", "casefold", "count", "endswith", "find", "get", "index", "isalnum", "isalpha", "isdigit"),
    *("islower", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace"),
    *("rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
    *("swapcase", "title", "upper"),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the map of one stream does with a record.

    Attributes:
        labels: Each label and its expression, in their order; None takes the label away.
        condition: Which records are kept; None keeps all.
        keep_others: Whether fields that no label names are kept.
        kept: Fields that come first in any case: the keys.
        fields: Fields that are in every record. Any other name may be missing.
        config: The map's tables.
        stream: What the expressions know as ``__stream_name__``.
        original_stream: What they know as ``__original_stream_name__``.
        evaluate: The SDK's evaluator: from an expression, a record and a label to the value.
        interpreted: Maps a record by the SDK's evaluator.
    """

    labels: Mapping[str, Expression | None]
    condition: Expression | None
    keep_others: bool
    kept: tuple[str, ...]
    fields: Collection[str]
    config: Mapping[str, Any]
    stream: str
    original_stream: str
    evaluate: Callable[[Expression, dict[str, Any], str | None], Any]
    interpreted: Callable[[dict[str, Any]], dict[str, Any] | None]


def compiled(plan: Plan) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """Return the function that maps a record as the plan says.

    No expression of the map, of this stream or another, may be ``changing``.
    """
    text, namespace = source_code(plan)
    exec(_code(text, "exec"), namespace)  # noqa: S102 - of translated nodes only, see above
    function: Callable[[dict[str, Any]], dict[str, Any] | None] = namespace["transform"]
    return function


def source_code(plan: Plan) -> tuple[str, dict[str, Any]]:
    """Return the text of the function, and the globals that it needs."""
    given = {label: expression for label, expression in plan.labels.items() if expression}
    removed = [label for label in plan.labels if label not in given] if plan.keep_others else []
    kept = () if plan.keep_others else plan.kept
    namespace: dict[str, Any] = {
        "__builtins__": {},
        "Exception": Exception,
        "interpreted": plan.interpreted,
        "labels": dict.fromkeys((*kept, *given)),
    }
    condition = _value(plan.condition, None, plan, namespace) if plan.condition else "True"
    values = {key: f"record[{key!r}]" for key in kept} | {
        label: _value(expression, label, plan, namespace) for label, expression in given.items()
    }
    lines = [
        "def transform(record):",
        "    try:",
        *([f"        if not ({condition}):", "            return None"] if plan.condition else []),
        f"        result = {'record' if plan.keep_others else 'labels'}.copy()",
        *(f"        result[{label!r}] = {value}" for label, value in values.items()),
        *(f"        result.pop({label!r}, None)" for label in removed),
        "        return result or None",  # an empty record is no record, as in the SDK
        "    except Exception:",
        "        return interpreted(record)",
    ]
    return "\n".join(lines), namespace


def _value(expression: Expression, label: str | None, plan: Plan, namespace: dict[str, Any]) -> str:
    """Return Python's text for an expression; if it can't be translated, a call of the SDK's evaluator."""
    globals_ = dict(namespace)
    try:
        text = ast.unparse(_Translation(plan, label, globals_).visit(expression.statement.value))
        _code(f"{{0: [({text})]}}", "eval")  # as deep as in the function, and a little deeper
    except (_NotTranslatableError, SyntaxError, RecursionError, MemoryError):
        name = f"evaluated_{len(namespace)}"
        namespace[name] = lambda record: plan.evaluate(expression, record, label)
        return f"{name}(record)"
    namespace.update(globals_)
    return text


def _code(text: str, mode: str) -> Any:  # noqa: ANN401 - the type of code has no name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python thinks of `'a'['b']` is of no use to anybody here
        return compile(text, "<transform map>", mode)


class _NotTranslatableError(Exception):
    """The expression holds something that only the SDK's evaluator should do."""


class _Translation(ast.NodeVisitor):
    """Builds, from the tree of an expression, a tree for Python.

    Args:
        plan: What names mean.
        label: The label that the value is for.
        namespace: Gets what the tree for Python refers to.
    """

    def __init__(self, plan: Plan, label: str | None, namespace: dict[str, Any]) -> None:
        self.plan, self.label, self.namespace = plan, label, namespace

    def generic_visit(self, node: ast.AST) -> ast.expr:
        """Refuse whatever no method is for."""
        raise _NotTranslatableError(type(node).__name__)

    def _all(self, nodes: list[ast.expr]) -> list[ast.expr]:
        return [self.visit(node) for node in nodes]

    def _global(self, kind: str, value: object) -> ast.Name:
        """Return a name for a value, the same name for the same value."""
        for name, known in self.namespace.items():
            if known is value:
                return ast.Name(name, ast.Load())
        name = f"{kind}_{len(self.namespace)}"
        self.namespace[name] = value
        return ast.Name(name, ast.Load())

    # Values

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        limit = simpleeval.MAX_STRING_LENGTH
        if not _is_scalar(node.value) or (isinstance(node.value, str) and len(node.value) > limit):
            raise _NotTranslatableError
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        match node.id:
            case "record" | "_":
                return _RECORD
            case "config":
                return self._global("config", self.plan.config)
            case "__stream_name__":
                return ast.Constant(self.plan.stream)
            case "__original_stream_name__":
                return ast.Constant(self.plan.original_stream)
            case "self" if self.label and self.label in self.plan.fields:
                return self._field(self.label)
            case "self" | "fake":
                raise _NotTranslatableError
        if node.id not in self.plan.fields and node.id in functions():
            raise _NotTranslatableError
        return self._field(node.id)

    def _field(self, name: str) -> ast.expr:
        """Return the look-up of a field: the quick one where the field is known to be there."""
        key = ast.Constant(name)
        if name in self.plan.fields:
            return ast.Subscript(_RECORD, key, ast.Load())
        return ast.Call(ast.Attribute(_RECORD, "get", ast.Load()), [key], [])

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if path := config_path(node):
            value = self._setting(path)
            return ast.Constant(value) if _is_scalar(value) else self._global("table", value)
        return ast.Subscript(self.visit(node.value), self.visit(node.slice), ast.Load())

    def _setting(self, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - a map may hold anything
        """Return what stands in ``config`` at these keys: no expression changes it, so that it is looked up now."""
        try:
            return config_value(path, self.plan.config)
        except KeyError:
            raise _NotTranslatableError from None

    def visit_Slice(self, node: ast.Slice) -> ast.expr:
        parts = [part and self.visit(part) for part in (node.lower, node.upper, node.step)]
        return ast.Slice(*parts)

    def visit_List(self, node: ast.List) -> ast.expr:
        return ast.List(self._all(node.elts), ast.Load())

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        if any(isinstance(item, ast.Slice) for item in node.elts):
            raise _NotTranslatableError
        return ast.Tuple(self._all(node.elts), ast.Load())

    def visit_Set(self, node: ast.Set) -> ast.expr:
        return ast.Set(self._all(node.elts))

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        keys = [key for key in node.keys if key]
        if len(keys) < len(node.keys):  # {**other}
            raise _NotTranslatableError
        return ast.Dict([*self._all(keys)], self._all(node.values))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        if any(isinstance(part, ast.FormattedValue) and part.format_spec for part in node.values):
            raise _NotTranslatableError
        return ast.Call(self._global("joined", _joined), self._all(parts), [])

    # Operators

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, self._all(node.values))

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return ast.IfExp(self.visit(node.test), self.visit(node.body), self.visit(node.orelse))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        return ast.UnaryOp(node.op, self.visit(node.operand))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        does = evaluator().operators.get(type(node.op))
        left, right = self.visit(node.left), self.visit(node.right)
        if does in _LIMITED:
            return ast.Call(self._global(does.__name__, does), [left, right], [])
        if does not in _NATIVE:
            raise _NotTranslatableError
        return ast.BinOp(left, node.op, right)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        for operation, right in zip(node.ops, node.comparators, strict=True):
            # Whether two equal texts or numbers are one object is nothing to rely on; None, True and False are.
            single = isinstance(right, ast.Constant) and any(right.value is each for each in (None, True, False))
            if not isinstance(operation, _COMPARED) and not (single and isinstance(operation, ast.Is | ast.IsNot)):
                raise _NotTranslatableError
        return ast.Compare(self.visit(node.left), node.ops, self._all(node.comparators))

    # Calls

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if node.keywords:
            raise _NotTranslatableError
        if isinstance(node.func, ast.Name):
            if node.func.id not in _FUNCTIONS:
                raise _NotTranslatableError
            does = self._global(node.func.id, functions()[node.func.id])
            return ast.Call(does, self._all(node.args), [])
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in _METHODS:
            raise _NotTranslatableError
        if name := field_of(node):  # record.get('name')
            return self._field(name)
        return self._look_up(node) or ast.Call(
            ast.Attribute(self.visit(node.func.value), node.func.attr, ast.Load()), self._all(node.args), []
        )

    def _look_up(self, node: ast.Call) -> ast.expr | None:
        """Return the quick form of ``config['table'].get(key, default)``, if the default is known by now."""
        if not isinstance(node.func, ast.Attribute) or node.func.attr != "get" or not 1 <= len(node.args) <= 2:
            return None
        path = config_path(node.func.value)
        table = self._setting(path) if path else None
        key, *rest = self._all(node.args)
        default = rest[0] if rest else ast.Constant(None)
        if not isinstance(table, Table) or not isinstance(default, ast.Constant):
            return None
        if isinstance(key, ast.Constant) and _is_scalar(found := dict.get(table, key.value, default.value)):
            return ast.Constant(found)
        return ast.Subscript(self._global("look_up", LookUp(table, default.value)), key, ast.Load())


_RECORD = ast.Name("record", ast.Load())


def _is_scalar(value: object) -> bool:
    return value is None or type(value) in (str, int, float, bool)


def _joined(*parts: object) -> str:
    """Join what an f-string holds, within the evaluator's limit, which is one for each part."""
    texts = [str(part) for part in parts]
    if any(len(text) > simpleeval.MAX_STRING_LENGTH for text in texts):
        raise simpleeval.IterableTooLong
    return "".join(texts)
