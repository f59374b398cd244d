"""Reads a map file, YAML or JSON, and keeps the line of each key for the problems that are found later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from singer_sdk.mapper import NULL_STRING

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.wording import nearest, shown

SECTIONS = ("stream_maps", "stream_map_config", "required")
_CONTENT = f"a map holds {' and '.join(SECTIONS[:2])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformMap:
    """What a map file says, with the user's own stream maps over it if there are any.

    Attributes:
        name: How to call the file in a problem.
        stream_maps: Stream maps in the SDK's language, by stream; null for ``__NULL__``.
        stream_map_config: Tables and constants that expressions read as ``config``.
        required: By stream, the labels that a destination can't do without.
        lines: Where a key of the file stands: the keys that lead to it, and its line, counted from 1.
        of_the_file: The stream maps of the file alone.
        own: The user's settings ``stream_maps`` and ``stream_map_config``.
    """

    name: str = "none"
    stream_maps: dict[str, Any] = field(default_factory=dict)
    stream_map_config: dict[str, Any] = field(default_factory=dict)
    required: dict[str, Any] = field(default_factory=dict)
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    of_the_file: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)


def names() -> list[str]:
    """Return the names of the maps that ship."""
    return sorted(path.stem for path in packaged.map_path("etm").parent.glob("*.yml"))


def read(transform_map: str) -> TransformMap:
    """Read the map that the setting ``transform_map`` names: one that ships, ``none``, or a file by its path.

    Raises:
        TransformMapError: If there is no such file, or it is not a map.
    """
    if transform_map == "none":
        return TransformMap()
    if transform_map in names():
        return _shipped(transform_map)
    path = Path(transform_map).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text in UTF-8"
        guess = "" if path.suffix or len(path.parts) > 1 else nearest(transform_map, [*names(), "none"])
        raise TransformMapError([f"{shown(transform_map)} can't be read: {reason}{guess}"]) from error
    return _parse(text, transform_map)


@cache
def _shipped(name: str) -> TransformMap:
    path = packaged.map_path(name)
    return _parse(path.read_text(encoding="utf-8"), path.name)


def _parse(text: str, name: str) -> TransformMap:
    content, lines, problems = _content(text, name)
    if not isinstance(content, dict):
        raise TransformMapError([f"{name}: is no map: {_CONTENT}"])
    for section, value in content.items():
        place = f"{name}:{lines.get((section,), 1)}"
        if section not in SECTIONS:
            hint = nearest(section, SECTIONS) or f"; {_CONTENT}"
            problems.append(f"{place}: unknown section {shown(section)}{hint}")
        elif value and not isinstance(value, dict):
            problems.append(f"{place}: {section} must be a list of names, each with its content below it")
    if problems:
        raise TransformMapError(problems)
    sections = without_null_words({section: value or {} for section, value in content.items()})
    return TransformMap(name=name, lines=lines, of_the_file=sections.get("stream_maps", {}), **sections)


def without_null_words(value: Any) -> Any:  # noqa: ANN401 - a map may hold anything
    """Return a value with null for every ``__NULL__`` in it, and with text for every key.

    Meltano drops a YAML null, so that users write the word. The SDK understands it in place of a stream and of a field,
    but not in place of ``__filter__`` or ``__key_properties__``.
    """
    if isinstance(value, Mapping):
        return {str(key): without_null_words(entry) for key, entry in value.items()}
    return None if isinstance(value, str) and value == NULL_STRING else value


def _content(text: str, name: str) -> tuple[Any, dict[tuple[str, ...], int], list[str]]:
    """Return what the text holds, where each key stands, and what is wrong with the keys."""
    if name.endswith(".json"):  # YAML forbids the tabs that JSON may be indented with
        try:
            return json.loads(text, object_pairs_hook=_once), {}, []
        except (ValueError, RecursionError) as error:
            raise TransformMapError([f"{name}: bad JSON: {error}"]) from error
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines, problems = _lines(node)
        content = loader.construct_document(node) if node else None
        return content, lines, [f"{name}:{problem}" for problem in problems]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise TransformMapError([f"{name}{line}: bad YAML: {error.problem or error.context}"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TransformMapError([f"{name}: bad YAML: {' '.join(str(error).split())}"]) from error
    finally:
        loader.dispose()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{shown(max(keys, key=keys.count))} is there twice")
    return found


def _lines(document: yaml.Node | None) -> tuple[dict[tuple[str, ...], int], list[str]]:
    """Return the line of each key, and, with its line, what is wrong with one: of two, YAML lets the second win."""
    lines: dict[tuple[str, ...], int] = {}
    problems: list[str] = []
    for path, key in _keys(document):
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            problems.append(f"{line}: {shown(key.value)} must be text: put quotes around it")
        elif path in lines:
            problems.append(f"{line}: {shown(key.value)} is there already, on line {lines[path]}")
        lines.setdefault(path, line)
    return lines, problems


def _keys(node: yaml.Node | None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    """Yield the keys below a node, each behind those that lead to it."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.tag != "tag:yaml.org,2002:merge":
            here = (*path, str(key.value))
            yield here, key
            yield from _keys(value, here)
