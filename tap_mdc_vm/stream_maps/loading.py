"""Loads a transform map: the file, the user's own stream maps over it, and a check of the whole before any call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.stream_maps.checking import MapCheck, Problem
from tap_mdc_vm.stream_maps.map_file import SECTIONS, MapFile, read
from tap_mdc_vm.stream_maps.merging import merged_maps, merged_tables, without_null_words


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformMap:
    """A map that can be used.

    Attributes:
        stream_maps: Stream maps in the SDK's language; null for ``__NULL__``.
        config: What its expressions read as ``config``.
        schemas: JSON schemas of the streams that it is made for, by name.
        changing: Whether an expression may change what it reads.
        remarks: One line for each thing that works and is hardly meant, such as a label that no map that ships has.
    """

    stream_maps: Mapping[str, Any]
    config: Mapping[str, Any]
    schemas: Mapping[str, Mapping[str, Any]]
    changing: bool
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a look at a map finds.

    Attributes:
        transform_map: The map; to be used only if there are no problems.
        problems: One line for each thing that can't work.
        fragile: One line for each expression that a record without values would stop.
    """

    transform_map: TransformMap
    problems: tuple[str, ...]
    fragile: tuple[str, ...]


def load(
    transform_map: str,
    stream_maps: Mapping[str, Any] | None = None,
    stream_map_config: Mapping[str, Any] | None = None,
    *,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
) -> TransformMap:
    """Load a map, put the user's own over it, and check the result.

    Args:
        transform_map: ``etm``, ``none``, or the path of a map file.
        stream_maps: The SDK's setting of that name: put over the map stream by stream and field by field.
        stream_map_config: The SDK's setting of that name: put over the map's tables word by word.
        schemas: JSON schemas of the tap's streams, by name. None: those that ship.

    Raises:
        TransformMapError: With every problem, one line each.
    """
    try:
        file = read(transform_map)
    except TransformMapError as error:
        raise TransformMapError([f"transform_map: {problem}" for problem in error.problems]) from error
    examined = examine(file, stream_maps, stream_map_config, schemas=schemas)
    if examined.problems:
        raise TransformMapError(list(examined.problems))
    return examined.transform_map


def examine(
    file: MapFile,
    stream_maps: Mapping[str, Any] | None = None,
    stream_map_config: Mapping[str, Any] | None = None,
    *,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
) -> Examined:
    """Put the user's own over a map and name everything that is wrong with the result. Arguments as of :func:`load`.

    Raises:
        TransformMapError: If one of the two settings is not what such a setting holds.
    """
    over = {"stream_maps": stream_maps or {}, "stream_map_config": stream_map_config or {}}
    if wrong := [name for name, value in over.items() if not isinstance(value, Mapping)]:
        raise TransformMapError([f"{name} must be a JSON object" for name in wrong])
    own = without_null_words(over)
    base, tables = without_null_words(file.stream_maps), without_null_words(file.stream_map_config)
    merged = merged_maps(base, own["stream_maps"])
    config = merged_tables(tables, own["stream_map_config"])
    known = schemas if schemas is not None else {stream: packaged.schema(stream) for stream in packaged.STREAMS}
    check = MapCheck(merged, config, known, base, file.required)

    def told(problems: Iterable[Problem]) -> tuple[str, ...]:
        return tuple(_told(problem, file, own) for problem in problems)

    return Examined(
        TransformMap(
            stream_maps=merged,
            config=config,
            schemas=known,
            changing=any(expression.changing for _, _, expression in check.expressions()),
            remarks=told(check.remarks()),
        ),
        problems=told(check.problems()),
        fragile=told(check.fragile()),
    )


def _told(problem: Problem, file: MapFile, own: Mapping[str, Any]) -> str:
    """Return a problem as a line that begins with where it is: a line of the file, or a setting."""
    path, text = problem
    keys = path if path[0] in SECTIONS else ("stream_maps", *path)
    mine: Any = own
    for key in keys:
        mine = mine.get(key) if isinstance(mine, Mapping) and key in mine else _ABSENT
    line = file.lines.get(keys)
    where = keys[0] if mine is not _ABSENT else f"{file.name}:{line}" if line else file.name
    return f"{where}: {'.'.join(path)} {text}"


_ABSENT = object()
