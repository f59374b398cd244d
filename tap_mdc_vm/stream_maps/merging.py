"""Puts a user's own stream maps over a map file, stream by stream and field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tap_mdc_vm.stream_maps.map_file import TransformMap, without_null_words


def merge(
    file: TransformMap, stream_maps: Mapping[str, Any] | None = None, stream_map_config: Mapping[str, Any] | None = None
) -> TransformMap:
    """Put the user's own over a map file: its maps stream by stream and field by field, its tables word by word."""
    own = without_null_words({"stream_maps": stream_maps or {}, "stream_map_config": stream_map_config or {}})
    return replace(
        file,
        stream_maps=merged_maps(file.stream_maps, own["stream_maps"]),
        stream_map_config=merged_tables(file.stream_map_config, own["stream_map_config"]),
        own=own,
    )


def merged_maps(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return the stream maps of ``base`` with those of ``over`` put over them, field by field."""
    return base | {
        stream: base[stream] | fields if isinstance(fields, dict) and isinstance(base.get(stream), dict) else fields
        for stream, fields in over.items()
    }


def merged_tables(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return the ``stream_map_config`` of ``base`` with that of ``over`` put over it, word by word.

    A table with all its words in lower case is meant for any case: words put over it are taken in lower case too.
    """
    return base | {name: _merged_table(base.get(name), value) for name, value in over.items()}


def _merged_table(base: object, over: object) -> object:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    lower = all(word == word.lower() for word in base)
    return base | {word.lower() if lower else word: value for word, value in over.items()}
