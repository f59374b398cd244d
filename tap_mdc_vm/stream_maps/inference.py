"""What JSON type an expression gives, told from the expression, the source's schema and the map's tables.

The SDK tells a type by how an expression begins (``int(``) or by a field's name alone, and else says string. Here only
what is certain is told; for the rest the SDK's guess stands.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_mdc_vm.stream_maps.expressions import RECORD, SPECIAL, config_path, config_value, field_of, is_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Schema = dict[str, Any]

_FUNCTIONS = {
    "int": "integer",
    "randint": "integer",
    "float": "number",
    "rand": "number",
    "bool": "boolean",
    "str": "string",
    "md5": "string",
    "sha256": "string",
    "list": "array",
    "dict": "object",
}
_TEXT_METHODS = {
    **dict.fromkeys(["capitalize", "casefold", "expandtabs", "join", "lower", "lstrip", "removeprefix"], "string"),
    **dict.fromkeys(["removesuffix", "replace", "rstrip", "strip", "swapcase", "title", "upper"], "string"),
    **dict.fromkeys(["endswith", "isalnum", "isalpha", "isdigit", "islower", "isupper", "startswith"], "boolean"),
    **dict.fromkeys(["count", "find", "index", "rfind", "rindex"], "integer"),
    **dict.fromkeys(["rsplit", "split", "splitlines"], "array"),
}
_JSON_TYPES: tuple[tuple[type, str], ...] = (
    *((type(None), "null"), (bool, "boolean"), (int, "integer"), (float, "number")),  # True is an int too: bool first
    *((str, "string"), (list, "array"), (dict, "object")),
)
_NUMBERS = {"integer", "number"}


def schema_of(node: ast.AST, properties: Mapping[str, Schema], config: Mapping[str, Any]) -> Schema | None:
    """Return the schema of every value that an expression can give, or None if that can't be told.

    Args:
        node: The parsed expression.
        properties: Schemas of the source's fields.
        config: The map's tables.
    """
    return _Inference(properties, config).visit(node)


def types_of(schema: Schema) -> set[str]:
    """Return the JSON types that a schema names."""
    named = schema.get("type", [])
    return {named} if isinstance(named, str) else set(named)


@dataclass(frozen=True)
class _Inference(ast.NodeVisitor):
    properties: Mapping[str, Schema]
    config: Mapping[str, Any]

    def visit(self, node: ast.AST) -> Schema | None:
        if (path := config_path(node)) or is_name(node, ["config"]):
            return self._stored(path)
        name = field_of(node)
        if name and name in self.properties and not is_name(node, SPECIAL):
            return deepcopy(self.properties[name])
        found: Schema | None = super().visit(node)
        return found

    def generic_visit(self, node: ast.AST) -> None:
        """Tell nothing about a node that no method is for."""

    def _stored(self, path: tuple[str, ...]) -> Schema | None:
        try:
            return _of_value(config_value(path, self.config))
        except KeyError:
            return None

    def visit_Expr(self, node: ast.Expr) -> Schema | None:
        return self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> Schema | None:
        return _of_value(node.value)

    def visit_Name(self, node: ast.Name) -> Schema | None:
        if node.id in RECORD:
            return _plain("object")
        return _plain("string") if node.id in ("__stream_name__", "__original_stream_name__") else None

    def visit_BoolOp(self, node: ast.BoolOp) -> Schema | None:
        *first, last = [self.visit(value) for value in node.values]
        if isinstance(node.op, ast.Or):  # null is not true, so that `or` passes over it
            first = [schema and without_null(schema) for schema in first]
        return _union([*first, last])

    def visit_IfExp(self, node: ast.IfExp) -> Schema | None:
        return _union([self.visit(node.body), self.visit(node.orelse)])

    def visit_Compare(self, _: ast.Compare) -> Schema:
        return _plain("boolean")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Schema | None:
        if isinstance(node.op, ast.Not):
            return _plain("boolean")
        types = self._types(node.operand)
        return _plain(*types) if types and types <= _NUMBERS and not isinstance(node.op, ast.Invert) else None

    def visit_BinOp(self, node: ast.BinOp) -> Schema | None:
        left, right = self._types(node.left), self._types(node.right)
        if left == {"string"} and (isinstance(node.op, ast.Mod) or (isinstance(node.op, ast.Add) and right == left)):
            return _plain("string")
        if left and right and left | right <= _NUMBERS:
            if isinstance(node.op, ast.Div):
                return _plain("number")
            if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Mod | ast.FloorDiv):
                return _plain(*(left | right))
        return None

    def _types(self, node: ast.AST) -> set[str]:
        """Return the types of a value that is not null: an operator refuses null."""
        schema = self.visit(node)
        return types_of(schema) - {"null"} if schema else set()

    def visit_JoinedStr(self, _: ast.JoinedStr) -> Schema:
        return _plain("string")

    def visit_List(self, _: ast.AST) -> Schema:
        return _plain("array")

    def visit_ListComp(self, _: ast.AST) -> Schema:
        return _plain("array")

    def visit_GeneratorExp(self, _: ast.AST) -> Schema:
        return _plain("array")  # the evaluator makes a list of it

    def visit_Dict(self, _: ast.AST) -> Schema:
        return _plain("object")

    def visit_DictComp(self, _: ast.AST) -> Schema:
        return _plain("object")

    def visit_Call(self, node: ast.Call) -> Schema | None:
        if isinstance(node.func, ast.Name):
            name = _FUNCTIONS.get(node.func.id)
            return _plain(name) if name else None
        if not isinstance(node.func, ast.Attribute):
            return None
        owner, method = node.func.value, node.func.attr
        if is_name(owner, ["json"]) and method == "dumps":
            return _plain("string")
        if method == "get" and node.args and not node.keywords:
            default = self.visit(node.args[1]) if len(node.args) > 1 else _of_value(None)
            return _union([self._entries(owner), default])
        found = _TEXT_METHODS.get(method) if self._types(owner) == {"string"} else None
        return _plain(found) if found else None

    def _entries(self, owner: ast.AST) -> Schema | None:
        """Return the schema of every value in a table of ``config``."""
        try:
            table = config_value(config_path(owner), self.config) if config_path(owner) else None
        except KeyError:
            return None
        return _union([_of_value(value) for value in table.values()]) if isinstance(table, dict) and table else None

    def visit_Subscript(self, node: ast.Subscript) -> Schema | None:
        if (types := self._types(node.value)) == {"string"}:
            return _plain("string")
        if types == {"array"}:
            array = self.visit(node.value) or {}
            return without_null(array) if isinstance(node.slice, ast.Slice) else array.get("items")
        return self._entries(node.value)


def _of_value(value: object) -> Schema | None:
    return next((_plain(name) for kind, name in _JSON_TYPES if isinstance(value, kind)), None)


def _plain(*types: str) -> Schema:
    return {"type": _sorted(types)}


def _sorted(types: Iterable[str]) -> list[str]:
    """Return types with null last: not a few targets look at the first alone."""
    return sorted(types, key=lambda name: (name == "null", name))


def without_null(schema: Schema) -> Schema:
    """Return the schema of the same values, null apart."""
    return {**schema, "type": _sorted(types_of(schema) - {"null"})}


def _union(schemas: Iterable[Schema | None]) -> Schema | None:
    """Return a schema for a value of any of these; None if one of them is not known."""
    known: list[Schema] = []
    for schema in schemas:
        if schema is None or "type" not in schema:
            return None
        known.append(schema)
    types = _sorted(set().union(*map(types_of, known)))
    told = [
        {key: value for key, value in schema.items() if key not in ("type", "description")}
        for schema in known
        if types_of(schema) - {"null"}
    ]
    same = told[0] if told and all(each == told[0] for each in told) else {}
    return {**same, "type": types}
