"""Hands a transform map to the SDK, and mends what the SDK gets wrong on the way.

What is mended here, each with a test that shows the SDK's own failure (``test_sdk_defects.py``) and fails once the SDK
is right:

- A map for a stream that is deselected aborts the tap: here such a stream has no maps.
- An expression that names a deselected field aborts the tap: here a field that is missing is null.
- Deselecting a field changes the type of a label made from it: here that type is the field's own all the same.
- Keys may be null, null stands last, and ``$schema`` names a draft that old targets don't know: here keys are plain
  types, null stands first, and there is no ``$schema``.
"""

from __future__ import annotations

import ast
import copy
import fnmatch
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import singer_sdk.typing as th
from singer_sdk.mapper import CustomStreamMap, PluginMapper, RemoveRecordTransform, StreamMap

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.events import MapRemark, emit
from tap_mdc_vm.records import Record
from tap_mdc_vm.stream_maps.checking import OPTIONS, MapCheck
from tap_mdc_vm.stream_maps.compile import compiled
from tap_mdc_vm.stream_maps.expressions import Expression, evaluate, one_line, parse, types_of
from tap_mdc_vm.stream_maps.map_file import TransformMap
from tap_mdc_vm.stream_maps.tables import watched
from tap_mdc_vm.wording import shown

_FILTER = "__filter__"


class Mapper(PluginMapper):
    """The SDK's mapper, with the maps of a :class:`TransformMap` that was loaded and checked."""

    def __init__(self, plugin_config: Mapping[str, Any], logger: logging.Logger, transform_map: TransformMap) -> None:
        tables = watched(transform_map.stream_map_config)
        maps = {"stream_maps": dict(transform_map.stream_maps), "stream_map_config": tables}
        super().__init__({**plugin_config, **maps}, logger)
        for remark in MapCheck(transform_map).remarks():
            emit(MapRemark(remark))

    def register_raw_stream_schema(
        self, stream_name: str, schema: dict[str, Any], key_properties: Sequence[str] | None
    ) -> None:
        """Register a stream of the tap, and the streams that the map makes from it.

        The schema is without what is deselected: it has no field at all if the stream is.
        """
        maps: list[StreamMap] = [self.default_mapper_type(stream_name, schema, key_properties, self.flattening_options)]
        self.stream_maps[stream_name] = maps
        for name, content in self.stream_maps_dict.items() if schema.get("properties") else ():
            fields = dict(content) if isinstance(content, dict) else {}
            source, alias = fields.pop("__source__", name), name
            if not fnmatch.fnmatchcase(stream_name, source):
                continue
            if "__alias__" in fields:
                alias = self._eval_stream(fields.pop("__alias__"), stream_name)
            alias = stream_name if alias == source else alias  # a pattern stands for the stream itself
            stream_map: StreamMap
            if content is None:
                stream_map = RemoveRecordTransform(alias, schema, None, self.flattening_options)
            else:
                stream_map = FieldMap(
                    stream_alias=alias,
                    map_transform=fields,
                    map_config=self.map_config,
                    faker_config=self.faker_config,
                    raw_schema=schema,
                    key_properties=key_properties,
                    flattening_options=self.flattening_options,
                    stream_name=stream_name,
                )
            if isinstance(content, dict) and "__source__" in content:
                maps.append(stream_map)
            else:
                maps[0] = stream_map


class FieldMap(CustomStreamMap):
    """The SDK's map of one stream, with types that are right, null for what is missing, and compiled.

    Attributes:
        labels: Each label and its expression; None for one that is taken away.
    """

    def __init__(self, *, map_transform: dict[str, Any], raw_schema: dict[str, Any], **sdk: Any) -> None:  # noqa: ANN401 - the SDK's
        self._fields = frozenset(raw_schema["properties"])
        self._known_fields = packaged.schemas().get(sdk["stream_name"], raw_schema)["properties"]  # deselected ones too
        self.labels = {
            label: parse(text) if text else None for label, text in map_transform.items() if label not in OPTIONS
        }
        super().__init__(map_transform=map_transform, raw_schema=raw_schema, **sdk)
        keys = self.transformed_key_properties or ()
        properties = {
            label: _null_first(schema, is_key=label in keys)
            for label, schema in self.transformed_schema["properties"].items()
        }
        self.transformed_schema = self.transformed_schema | {"properties": properties}
        self.transformed_schema.pop("$schema", None)
        self._names = {
            "config": self.map_config,
            "__stream_name__": self.stream_alias,
            "__original_stream_name__": self.stream_name,
        }
        self._mapped = self._compiled(map_transform)
        if not self.flattening_enabled:
            self.transform = self._mapped  # type: ignore[assignment, method-assign]  # one call less

    def _compiled(self, content: Mapping[str, Any]) -> Callable[[Record], Record | None]:
        """Return a function that maps a record as ``_interpreted`` does."""
        everything = "__else__" not in content
        given = {label: expression for label, expression in self.labels.items() if expression}
        if not everything:
            keys = [key for key in self.transformed_key_properties or () if key in self._fields]
            given = {key: parse(f"record[{key!r}]") for key in keys} | given
        removed = [label for label, expression in self.labels.items() if not expression]
        condition = content.get("__filter__")
        values = compiled(given, self._fields, self._names, self._evaluate)
        kept = condition and compiled({_FILTER: parse(condition)}, self._fields, self._names, self._evaluate)

        def mapped(record: Record) -> Record | None:
            try:
                if kept and not kept(record)[_FILTER]:
                    return None
                result = values(record)
                if everything:
                    result = record | result
                    for label in removed:
                        result.pop(label, None)
            except Exception:  # noqa: BLE001 - an expression can raise anything
                return self._interpreted(record)
            return result or None  # an empty record is no record, as in the SDK

        if any(each.changes_something for each in (*given.values(), *((parse(condition),) if condition else ()))):
            return lambda record: mapped(copy.deepcopy(record))  # records share parts of their values with others
        return mapped

    def transform(self, record: Record) -> Record | None:
        """Return the record that this stream gets, or None if it gets none."""
        mapped = self._mapped(record)
        return self.flatten_record(mapped) if mapped else None

    def _interpreted(self, record: Record) -> Record | None:
        """Map a record as the SDK does, expression by expression."""
        return self._transform_fn(record) or None

    def _eval(self, expr: str, expr_parsed: ast.Expr, record: Record, property_name: str | None) -> Any:  # noqa: ANN401, ARG002
        """Evaluate as the SDK does, except that a missing name is null."""
        return self._evaluate(parse(expr), record, property_name)

    def _evaluate(self, expression: Expression, record: Record, label: str | None) -> Any:  # noqa: ANN401
        names = self._names | ({"fake": self.fake} if self.fake else {})
        names |= {"self": record[label]} if label in record else {}
        try:
            return evaluate(expression, record, names, self.expr_evaluator)
        except Exception as error:
            label, record_id = label or _FILTER, shown(record.get("id"))
            reason = f"{self.stream_alias}.{label} can't be computed for {record_id} ({one_line(error)})"
            raise TransformMapError([f"{reason}: {shown(expression.text)}"]) from error

    def _eval_type(self, expr: str, default: th.JSONTypeHelper[Any] | None = None) -> th.JSONTypeHelper[Any]:
        """Return the type of an expression: a plain field's own, though it be deselected; else the SDK's guess."""
        schema = self._known_fields.get(parse(expr).plain_field or "")
        return th.CustomType(schema) if schema else super()._eval_type(expr, default)


def _null_first(schema: dict[str, Any], *, is_key: bool) -> dict[str, Any]:
    """Return a schema with its types as strict targets read them: null first, or a single type alone."""
    types = [name for name in types_of(schema) if name != "null"]
    if not types:
        return schema
    nullable = "null" in types_of(schema) and not is_key
    return schema | {"type": ["null", *types] if nullable else types[0] if len(types) == 1 else types}
