"""Loads a map, refuses it for what can't work, and names what a destination would hardly understand."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import PluginMapper

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.stream_maps.expressions import (
    Expression,
    ExpressionError,
    evaluate,
    one_line,
    parse,
    sample,
    schema_of,
    types_of,
)
from tap_mdc_vm.stream_maps.map_file import SECTIONS, TransformMap, names, read
from tap_mdc_vm.stream_maps.merging import merge
from tap_mdc_vm.wording import nearest, shown

_KEYS = "__key_properties__"
OPTIONS = ("__alias__", "__else__", "__filter__", _KEYS, "__source__")
_KINDS = {bool: "the truth value ", int: "the number ", float: "the number ", list: "the list "}
Problem = tuple[tuple[str, ...], str]
"""The keys that lead to what is wrong, and a sentence that goes on after its name."""


def load(
    transform_map: str,
    stream_maps: Mapping[str, Any] | None = None,
    stream_map_config: Mapping[str, Any] | None = None,
) -> TransformMap:
    """Load the map that the setting ``transform_map`` names, put the user's own over it, and check the result.

    Raises:
        TransformMapError: With every problem, one line each.
    """
    try:
        file = read(transform_map)
    except TransformMapError as error:
        raise TransformMapError([f"transform_map: {problem}" for problem in error.problems]) from error
    merged = merge(file, stream_maps, stream_map_config)
    if problems := list(MapCheck(merged).problems()):
        raise TransformMapError(problems)
    return merged


def _told(find: Callable[[MapCheck], Iterator[Problem]]) -> Callable[[MapCheck], Iterator[str]]:
    """Make lines of problems, each of which begins with where it is: a line of the file, or a setting."""

    @wraps(find)
    def lines(check: MapCheck) -> Iterator[str]:
        for path, text in find(check):
            keys = path if path[0] in SECTIONS else ("stream_maps", *path)
            line = check.map.lines.get(keys)
            place = keys[0] if _is_in(check.map.own, keys) else f"{check.map.name}:{line}" if line else check.map.name
            yield f"{place}: {'.'.join(path)} {text}"

    return lines


class MapCheck:
    """Checks a map."""

    def __init__(self, transform_map: TransformMap) -> None:
        self.map = transform_map
        self._known = [*packaged.schemas(), *transform_map.of_the_file]

    @_told
    def problems(self) -> Iterator[Problem]:
        """Yield what makes the map unusable: the tap refuses it before any call."""
        for stream, labels in self.map.required.items():
            if not isinstance(labels, list):
                yield ("required", stream), f"must be a list of labels, not {shown(labels)}"
        for stream, content in self.map.stream_maps.items():
            if stream == "__else__":
                yield from _only_null((stream,), content)
            elif isinstance(content, dict):
                yield from self._stream(stream, content)
            elif content is not None:
                yield (stream,), f"must hold labels and expressions, or be __NULL__, not {shown(content)}"
            elif not self._sources(stream) and stream not in self._known:
                yield (stream,), f"is an unknown stream{nearest(stream, self._known)}"

    @_told
    def remarks(self) -> Iterator[Problem]:
        """Yield what works, but is hardly meant."""
        for stream, content in self.map.stream_maps.items():
            if isinstance(content, dict):
                yield from self._labels(stream)
                for label in self.map.required.get(stream, ()):
                    if content.get(label) is None:
                        yield (stream,), f"lacks {label}, which the map's destination requires"
        expressions = [expression for _, _, expression in self._expressions()]
        if not any(expression.reads_any_setting for expression in expressions):
            read = {path[0] for expression in expressions for path in expression.settings}
            for name in self.map.stream_map_config:
                if name not in read:
                    yield ("stream_map_config", name), f"is read by no expression{nearest(name, read)}"

    @_told
    def fragile(self) -> Iterator[Problem]:
        """Yield expressions that would end a run at the first record whose fields are null."""
        for stream, label, expression in self._expressions():
            fields = self._fields(stream)
            record = {name: None if "null" in types_of(schema) else "x" for name, schema in fields.items()}
            empty = " and ".join(name for name in expression.fields if record.get(name, "x") is None)
            names = {"config": self.map.stream_map_config, "self": record.get(label)}
            try:
                if empty:
                    evaluate(expression, record, names, sample().expr_evaluator)
            except Exception as error:  # noqa: BLE001 - an expression can raise anything
                yield (stream, label), f"can't be computed where {empty} is null ({one_line(error)})"

    # The tap's streams that a map's stream is made from, and their fields

    def _sources(self, stream: str) -> list[str]:
        """Return the tap's streams that the name or the pattern of a map's stream fits."""
        content = self.map.stream_maps[stream]
        pattern = content.get("__source__", stream) if isinstance(content, dict) else stream
        return [name for name in packaged.schemas() if isinstance(pattern, str) and fnmatch.fnmatchcase(name, pattern)]

    def _fields(self, stream: str) -> Mapping[str, Any]:
        """Return the schemas of the fields that expressions of a map's stream can name: any of an unknown source."""
        sources = [packaged.schemas()[source]["properties"] for source in self._sources(stream)]
        return {name: schema for fields in sources for name, schema in fields.items()} if sources else _AnyField()

    def _expressions(self) -> Iterator[tuple[str, str, Expression]]:
        """Yield stream, label (or ``__filter__``) and expression, of those that parse."""
        for stream, content in self.map.stream_maps.items():
            for label, text in (content if isinstance(content, dict) else {}).items():
                if isinstance(text, str) and (label == "__filter__" or not label.startswith("__")):
                    with contextlib.suppress(ExpressionError):
                        yield stream, label, parse(text)

    # Problems of one stream

    def _stream(self, stream: str, content: dict[str, Any]) -> Iterator[Problem]:
        if not self._sources(stream):
            yield self._unknown_source(stream, content)
        fields = self._fields(stream)
        yield from self._keys(stream, content, fields)
        for label, value in content.items():
            if label not in ("__source__", _KEYS):
                yield from self._entry(stream, label, value, fields)

    def _unknown_source(self, stream: str, content: dict[str, Any]) -> Problem:
        if "__source__" in content:
            source = str(content["__source__"])
            advice = nearest(source, packaged.schemas())
            return (stream, "__source__"), f"names the unknown stream {shown(source)}{advice}"
        remedy = "; a stream of your own says with __source__ what it is made from"
        return (stream,), f"is an unknown stream{nearest(stream, self._known) or remedy}"

    def _keys(self, stream: str, content: dict[str, Any], fields: Mapping[str, Any]) -> Iterator[Problem]:
        keys = content.get(_KEYS, ["id"])
        if keys is None:
            return
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            yield (stream, _KEYS), "must be a list of labels, or __NULL__"
            return
        for key in keys:
            if key in content and content[key] is None:
                yield (stream, key), "is a key of the stream and can't be taken away"
            elif key in content or ("__else__" not in content and key in fields):
                continue
            elif _KEYS in content:
                yield (stream, _KEYS), f"names {shown(key)}, which is no label{nearest(key, content)}"
            else:
                yield (stream,), f"lacks {key}, its key: keep it, or name another in {_KEYS}"

    def _entry(self, stream: str, label: str, value: object, fields: Mapping[str, Any]) -> Iterator[Problem]:
        path = (stream, label)
        if label == "__alias__":
            yield from self._alias(stream, value)
        elif label == "__else__":
            yield from _only_null(path, value)
        elif label.startswith("__") and label != "__filter__":
            yield path, f"is an unknown option{nearest(label, OPTIONS)}"
        elif isinstance(value, str):
            for text in self._expression(stream, label, value, fields):
                yield path, text
        elif value is None:
            yield from self._removal(stream, label, fields)
        else:
            yield path, f"must be an expression in quotes, not {_KINDS.get(type(value), '')}{shown(value)}"

    def _removal(self, stream: str, label: str, fields: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield a label that is taken away where there is none: a misspelling, most likely."""
        below = self.map.of_the_file.get(stream) or {}
        there = [*below, *(() if "__else__" in self.map.stream_maps[stream] else fields)]
        if there and label not in there and label != "__filter__":
            yield (stream, label), f"is taken away and was not there{nearest(label, there)}"

    def _alias(self, stream: str, value: object) -> Iterator[Problem]:
        path = (stream, "__alias__")
        if "__source__" in self.map.stream_maps[stream]:
            yield path, "can't stand beside __source__: there the name of the map is the name of the stream"
        elif not isinstance(value, str):
            yield path, f"must be the name of a stream, not {shown(value)}"
        else:
            try:
                PluginMapper._eval_stream(value, stream)  # noqa: SLF001 - the SDK has no other way to ask
            except MapExpressionError:
                yield path, f"must be a name or an expression, not {shown(value)}"

    def _expression(self, stream: str, label: str, text: str, fields: Mapping[str, Any]) -> Iterator[str]:
        try:
            expression = parse(text)
        except ExpressionError as error:
            yield str(error)
            return
        for name in expression.fields:
            if name not in fields and not (name == "fake" and sample().fake is not None):
                source = " or ".join(self._sources(stream))
                advice = nearest(name, fields) or "; a text stands in two pairs of quotes"
                yield f"names the unknown field {name} of {source}{advice}"
        if expression.reads_self and label not in fields:
            yield f"names self, and there is no field {label}{nearest(label, fields)}"
        for path in expression.settings:
            if not _is_in(self.map.stream_map_config, path):
                advice = nearest(path[-1], _below(self.map.stream_map_config, path[:-1]))
                yield f"names the unknown {'.'.join(path)} of stream_map_config{advice}"

    # Remarks on one stream

    def _labels(self, stream: str) -> Iterator[Problem]:
        """Yield labels that the shipped stream of the same name lacks, or has with another type."""
        known: dict[str, set[str]] = {}
        for file in map(read, names()):
            if stream in file.stream_maps:
                known |= MapCheck(file).types(stream)
        for label, types in self.types(stream).items() if known else ():
            if label not in known:
                yield (stream, label), f"is not a label of {stream} as it ships{nearest(label, known)}"
            elif wrong := types - known[label]:
                yield (stream, label), f"gives {' or '.join(wrong)}, and as it ships {' or '.join(known[label])}"

    def types(self, stream: str) -> dict[str, set[str]]:
        """Return the types of a stream's labels, null apart."""
        fields = self._fields(stream)
        return {
            label: {*types_of(schema_of(expression.text, fields))} - {"null"}
            for each, label, expression in self._expressions()
            if each == stream and label != "__filter__"
        }


class _AnyField(dict[str, Any]):
    """Fields of an unknown stream: whatever an expression names is there."""

    def __contains__(self, name: object) -> bool:
        return True


def _only_null(path: tuple[str, ...], value: object) -> Iterator[Problem]:
    if value is not None:
        yield path, "can only be null or __NULL__"


def _is_in(content: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Return whether something stands at these keys."""
    return path[-1] in _below(content, path[:-1])


def _below(content: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """Return what holds more keys below these; something empty if nothing does."""
    for key in path:
        value = content.get(key)
        content = value if isinstance(value, Mapping) else {}
    return content
