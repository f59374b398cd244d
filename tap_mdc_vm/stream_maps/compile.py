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
import operator
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

import simpleeval

from tap_mdc_vm.stream_maps.expressions import RECORD, functions, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import CodeType

    from tap_mdc_vm.records import Record
    from tap_mdc_vm.stream_maps.expressions import Expression

_SAME = (
    *(ast.Name, ast.Constant, ast.Subscript, ast.Slice, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.expr_context),
    *(ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator, ast.IfExp, ast.Compare, ast.Call),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot),
)
_UNLIMITED = {operator.sub, operator.truediv, operator.floordiv, operator.mod}
_UNLIMITED |= {operator.xor, operator.or_, operator.and_}
_LIMITED = {simpleeval.safe_add, simpleeval.safe_mult, simpleeval.safe_power}
_LIMITED |= {simpleeval.safe_lshift, simpleeval.safe_rshift}
_FUNCTIONS = ("bool", "dict", "float", "int", "list", "md5", "set", "sha256", "str", "tuple")
_METHODS = {
    *("capitalize", "casefold", "count", "endswith", "find", "get", "index", "isalnum", "isalpha", "isdigit"),
    *("islower", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace"),
    *("rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
    *("swapcase", "title", "upper"),
}


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
    values = {label: _python(expression, label, fields, names) for label, expression in expressions.items()}
    module = ast.parse("def computed(record):\n    result = labels.copy()\n    return result")
    function = cast("ast.FunctionDef", module.body[0])
    function.body[1:1] = [ast.Assign([_item("result", label, ast.Store())], value) for label, value in values.items()]
    namespace = {
        "__builtins__": {},
        **{name: functions()[name] for name in _FUNCTIONS},
        **{does.__name__: does for does in _LIMITED},
        **names,
        "labels": dict.fromkeys(expressions),
        "evaluated": lambda record, label: evaluate(expressions[label], record, label),
    }
    exec(_code(module, "exec"), namespace)  # noqa: S102 - of checked nodes only, see above
    computed: Callable[[Record], Record] = namespace["computed"]
    return computed


def _python(expression: Expression, label: str, fields: Collection[str], names: Collection[str]) -> ast.expr:
    """Return an expression's tree for Python; if it is not surely the same there, a call of the SDK's evaluator."""
    try:
        tree: ast.expr = _Same(label, fields, names).visit(deepcopy(expression.statement.value))
        _code(ast.Expression(ast.List([ast.List([tree], ast.Load())], ast.Load())), "eval")  # not nested too deeply
    except (_NotTheSameError, SyntaxError, RecursionError, MemoryError):
        return ast.Call(ast.Name("evaluated", ast.Load()), [_RECORD, ast.Constant(label)], [])
    return tree


def _item(name: str, key: str, context: ast.expr_context) -> ast.Subscript:
    return ast.Subscript(ast.Name(name, ast.Load()), ast.Constant(key), context)


def _code(tree: ast.Module | ast.Expression, mode: str) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python thinks of `'a'['b']` is of no use to anybody here
        code: CodeType = compile(ast.fix_missing_locations(tree), "<stream map>", mode)
        return code


class _NotTheSameError(Exception):
    """Python might give another value than the SDK's evaluator, or allow more."""


class _Same(ast.NodeTransformer):
    """Turns the tree of an expression into one that gives in Python what the first gives in the SDK's evaluator.

    Args:
        label: The label that the value is for.
        fields: The fields that are in every record.
        names: What can be named beside fields.
    """

    def __init__(self, label: str, fields: Collection[str], names: Collection[str]) -> None:
        self.label, self.fields, self.names = label, fields, names

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401 - as the base class
        if not isinstance(node, _SAME):
            raise _NotTheSameError
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in RECORD:
            return _RECORD
        if node.id in self.names:
            return node
        name = self.label if node.id == "self" else node.id
        if name not in self.fields:
            if node.id in ("self", "fake", *functions()):
                raise _NotTheSameError
            return ast.Call(ast.Attribute(_RECORD, "get", ast.Load()), [ast.Constant(name)], [])
        return _item("record", name, ast.Load())

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str | bytes) and len(node.value) > simpleeval.MAX_STRING_LENGTH:
            raise _NotTheSameError
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        if None in node.keys:  # {**other}
            raise _NotTheSameError
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        does = sample().expr_evaluator.operators.get(type(node.op))
        if does in _LIMITED:
            return ast.Call(ast.Name(does.__name__, ast.Load()), [self.visit(node.left), self.visit(node.right)], [])
        if does not in _UNLIMITED:
            raise _NotTheSameError
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        for operation, right in zip(node.ops, node.comparators, strict=True):
            # Whether two equal texts or numbers are one object is nothing to rely on; None, True and False are.
            single = isinstance(right, ast.Constant) and any(right.value is each for each in (None, True, False))
            if isinstance(operation, ast.Is | ast.IsNot) and not single:
                raise _NotTheSameError
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and not node.keywords:
            function: ast.expr = ast.Attribute(self.visit(node.func.value), node.func.attr, ast.Load())
        elif isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and not node.keywords:
            function = node.func
        else:
            raise _NotTheSameError
        return ast.Call(function, [self.visit(argument) for argument in node.args], [])


_RECORD = ast.Name("record", ast.Load())
