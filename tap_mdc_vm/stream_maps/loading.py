"""Loads a transform map, and refuses it before any call if it can't be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.stream_maps.checking import MapCheck
from tap_mdc_vm.stream_maps.map_file import read
from tap_mdc_vm.stream_maps.merging import merge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_mdc_vm.stream_maps.merging import Schemas, TransformMap


def load(
    transform_map: str,
    stream_maps: Mapping[str, Any] | None = None,
    stream_map_config: Mapping[str, Any] | None = None,
    *,
    schemas: Schemas | None = None,
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
    merged = merge(file, stream_maps, stream_map_config, schemas=schemas)
    if problems := list(MapCheck(merged).problems()):
        raise TransformMapError(problems)
    return merged
