"""The settings: what they are, how they are written, and where they come from. Nothing is sent anywhere.

``model`` has one field for each, which says what there is to say about it; ``kinds`` reads single values, ``rules``
holds what no single value tells, ``sources`` gathers the raw values out of files and the environment.
"""

from __future__ import annotations

from .model import CONFIG_SCHEMA, OF_THE_SDK, SETTINGS, Settings
from .sources import filled_in, gathered, object_in, values

__all__ = ["CONFIG_SCHEMA", "OF_THE_SDK", "SETTINGS", "Settings", "filled_in", "gathered", "object_in", "values"]
