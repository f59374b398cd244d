"""Compiles the expressions of a map into one Python function for each stream.

The SDK walks the tree of an expression anew for each label of each record. But an expression is Python already. Here
its tree is checked once, node by node. If each node means the same to Python as to the SDK's evaluator, the expression
goes into the function::

    etm_assets: {externalAssetId: vmId or id, source: "'Defender for Cloud'"}

    def computed(record):
        result = labels.copy()
        result['externalAssetId'] = record['vmId'] or record['id']
        result['source'] = 'Defender for Cloud'
        return result

Else the whole expression stays the SDK's. Copying a dict that has every label takes two thirds of the time of building
one.

Nothing that the evaluator forbids gets in. A name is a field of the record, a setting of the map, or the call of a
function listed here. An attribute is the call of a method listed here. There are no builtins. Arithmetic that can
explode goes to the evaluator's own limited functions. Compiled code changes nothing, so the SDK can map a record anew
that made it raise.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from types import CodeType
from typing import Any, cast

import simpleeval

from tap_mdc_vm.records import Record
from tap_mdc_vm.stream_maps.expressions import RECORD, Expression, functions

_SAME = (
    *(ast.Constant, ast.Subscript, ast.Slice, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.expr_context),
    *(ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop, ast.IfExp, ast.Compare),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot),
    *(ast.BinOp, ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.BitXor, ast.BitOr, ast.BitAnd),
)
_LIMITED = {
    ast.Add: simpleeval.safe_add,
    ast.Mult: simpleeval.safe_mult,
    ast.Pow: simpleeval.safe_power,
    ast.LShift: simpleeval.safe_lshift,
    ast.RShift: simpleeval.safe_rshift,
}
_FUNCTIONS = ("bool", "dict", "float", "int", "list", "md5", "set", "sha256", "str", "tuple")
_METHODS = {
    *("capitalize", "casefold", "count", "endswith", "find", "get", "index", "isalnum", "isalpha", "isdigit"),
    *("islower", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace"),
    *("rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
    *("swapcase", "title", "upper"),
}
_LOAD = ast.Load()
_RECORD = ast.Name("record", _LOAD)


def compiled(
    expressions: Mapping[str, Expression],
    fields: Collection[str],
    names: Mapping[str, Any],
    evaluate: Callable[[Expression, Record, str], Any],
) -> Callable[[Record], Record]:
    """Return a function that computes each label of a record, and raises whatever an expression raises.

    Args:
        expressions: By label.
        fields: The fields that are in every record. Any other may be missing, and is null then.
        names: What expressions can name beside fields, such as ``config``.
        evaluate: Asks the SDK's evaluator for the value of an expression, a record and a label.
    """
    module = ast.parse("def computed(record):\n    result = labels.copy()\n    return result")
    function = cast("ast.FunctionDef", module.body[0])
    for label, expression in expressions.items():
        target = ast.Subscript(ast.Name("result", _LOAD), ast.Constant(label), ast.Store())
        function.body.insert(-1, ast.Assign([target], _python(expression, label, fields, names)))
    scope = {
        "__builtins__": {},
        **{name: functions()[name] for name in _FUNCTIONS},
        **{does.__name__: does for does in _LIMITED.values()},
        **names,
        "labels": dict.fromkeys(expressions),
        "evaluated": lambda record, label: evaluate(expressions[label], record, label),
    }
    exec(_code(module, "exec"), scope)  # noqa: S102 - of checked nodes only, see above
    computed: Callable[[Record], Record] = scope["computed"]
    return computed


def _python(expression: Expression, label: str, fields: Collection[str], names: Collection[str]) -> ast.expr:
    """Return an expression's tree for Python; if it is not surely the same there, a call of the SDK's evaluator."""
    try:
        tree: ast.expr = _Same(label, fields, names).visit(deepcopy(expression.statement.value))
        _code(ast.Expression(ast.List([ast.List([tree], _LOAD)], _LOAD)), "eval")  # not nested too deeply
    except (_NotTheSameError, SyntaxError, RecursionError, MemoryError):
        return ast.Call(ast.Name("evaluated", _LOAD), [_RECORD, ast.Constant(label)], [])
    return tree


def _code(tree: ast.Module | ast.Expression, mode: str) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python thinks of `'a'['b']` is of no use to anybody here
        code: CodeType = compile(ast.fix_missing_locations(tree), "<stream map>", mode)
        return code


class _NotTheSameError(Exception):
    """Python might give another value than the SDK's evaluator, or allow more."""


class _Same(ast.NodeTransformer):
    """Turns the tree of a label's expression into one that gives in Python what it gives in the SDK's evaluator."""

    def __init__(self, label: str, fields: Collection[str], names: Collection[str]) -> None:
        self.label, self.fields, self.names = label, fields, names

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 - as the base class
        match node:
            case ast.Name(name):
                return self._named(name)
            case ast.BinOp(left, sign, right) if does := _LIMITED.get(type(sign)):
                return ast.Call(ast.Name(does.__name__, _LOAD), [self.visit(left), self.visit(right)], [])
            case ast.Call(ast.Attribute(owner, name), arguments, []) if name in _METHODS:
                method = ast.Attribute(self.visit(owner), name, _LOAD)
                return ast.Call(method, [self.visit(argument) for argument in arguments], [])
            case ast.Call(ast.Name(name) as function, arguments, []) if name in _FUNCTIONS:
                return ast.Call(function, [self.visit(argument) for argument in arguments], [])
            case ast.Constant(str() | bytes() as text) if len(text) > simpleeval.MAX_STRING_LENGTH:
                raise _NotTheSameError
            case ast.Dict(keys) if None in keys:  # {**other}
                raise _NotTheSameError
            case ast.Compare() if _compares_identity(node):
                raise _NotTheSameError
            case _ if isinstance(node, _SAME):
                return self.generic_visit(node)
        raise _NotTheSameError

    def _named(self, name: str) -> ast.expr:
        if name in RECORD:
            return _RECORD
        if name in self.names:
            return ast.Name(name, _LOAD)
        field = ast.Constant(self.label if name == "self" else name)
        if field.value in self.fields:
            return ast.Subscript(_RECORD, field, _LOAD)
        if name in ("self", "fake", *functions()):
            raise _NotTheSameError
        return ast.Call(ast.Attribute(_RECORD, "get", _LOAD), [field], [])


def _compares_identity(node: ast.Compare) -> bool:
    """Return whether it matters if two equal texts or numbers are one object: of None, True and False there is one."""
    return any(
        isinstance(sign, ast.Is | ast.IsNot)
        and not (isinstance(right, ast.Constant) and any(right.value is each for each in (None, True, False)))
        for sign, right in zip(node.ops, node.comparators, strict=True)
    )
