"""Where the data files lie that ship with the tap: schemas and transform maps.

In a wheel the schemas are inside the package; in a checkout (and so in an editable install) they are in the top-level
``schemas/``, the only copy.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

STREAMS = ("virtual_machines", "network_interfaces", "assessments")  # in the order in which they are sent
EXTRA_STREAMS = ("vulnerabilities", "software", "defender_plans")  # those that extra_streams asks for

_PACKAGE = Path(__file__).resolve().parent


def schema(stream: str) -> dict[str, Any]:
    """Return the JSON schema of a stream's records."""
    inside, beside = _PACKAGE / "schemas", _PACKAGE.parent / "schemas"
    folder = inside if inside.is_dir() else beside
    loaded: dict[str, Any] = json.loads((folder / f"{stream}.json").read_text(encoding="utf-8"))
    return loaded


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of all streams, by name."""
    return {stream: schema(stream) for stream in (*STREAMS, *EXTRA_STREAMS)}


def map_path(name: str) -> Path:
    """Return the path of a transform map that ships, such as ``etm``."""
    return _PACKAGE / "maps" / f"{name}.yml"
