"""Where raw values come from: configuration files, and for what they leave out, the environment."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tap_mdc_vm.errors import ConfigurationError
from tap_mdc_vm.wording import shown

from .kinds import is_set
from .model import SETTINGS, read, refuse
from .rules import PREFIX

logger = logging.getLogger(__name__)

_INHERITED = tuple(f"_{name}" for name in SETTINGS)
_PARTS = tuple(f"{name}_" for name, setting in SETTINGS.items() if "object" in setting.kind.schema["type"])


def gathered(files: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the raw configuration: what JSON files hold, the last one first, and then the environment.

    Raises:
        ConfigurationError: A file can't be used.
    """
    config: dict[str, Any] = {}
    for path in files:
        config |= from_file(path)
    return filled_in(config, environ)


def filled_in(config: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return ``config`` with what it leaves out from the environment.

    A setting that has one value here and another there is named in the log: the one of ``config`` counts. Not so below
    Meltano, which makes the file of the environment, and then the environment anew, with objects in a form of its own.
    """
    given = {name: value for name, value in config.items() if is_set(value)}
    around = from_environment(environ)
    by_hand = "MELTANO_EXTRACTOR_NAME" not in environ
    if unused := by_hand and [name for name in given if name in around and not _same(name, given[name], around[name])]:
        variables = ", ".join(f"{PREFIX}{name.upper()}" for name in unused)
        logger.warning("The configuration file's values of %s count, not %s", ", ".join(unused), variables)
    return around | given


def values(config: Mapping[str, Any], *names: str) -> list[Any]:
    """Return what some settings stand for, whatever the others are.

    Raises:
        ConfigurationError: They can't be read.
    """
    found, problems = read(config, names)
    refuse(problems)
    return list(found.values())


def _same(name: str, one: object, other: object) -> bool:
    """Return whether two raw values of a setting stand for the same."""
    try:
        kind = SETTINGS[name].kind
        return bool(kind.read(one) == kind.read(other))
    except (KeyError, ValueError):
        return one == other


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the configuration that ``TAP_MDC_VM_<NAME>`` variables hold, as text.

    A variable with the prefix that names no setting is returned too, so that a misspelt one is warned about. Not so
    those of others: the SDK's ``TAP_MDC_VM_LOGLEVEL``, and what Meltano hands down, which are its extras
    (``TAP_MDC_VM__CATALOG``), the settings of a plugin that inherits from this one (``TAP_MDC_VM_FLAT_CLOUD``) and the
    parts of an object (``TAP_MDC_VM_STREAM_MAPS_ASSESSMENTS``).
    """
    names = {
        variable.removeprefix(PREFIX).lower(): value
        for variable, value in environ.items()
        if variable.startswith(PREFIX) and is_set(value)
    }
    return {name: value for name, value in names.items() if name in SETTINGS or not _is_anothers(name)}


def _is_anothers(name: str) -> bool:
    return name == "loglevel" or name.startswith(("_", *_PARTS)) or "__" in name or name.endswith(_INHERITED)


def from_file(path: str) -> dict[str, Any]:
    """Return the configuration that a JSON file holds, or raise a ConfigurationError."""
    return object_in("--config", path, Path(path).read_bytes)


def object_in(option: str, path: str, read: Callable[[], bytes]) -> dict[str, Any]:
    """Return the object that a JSON file holds, also one as Windows writes: in UTF-16, or with a byte order mark.

    Raises:
        ConfigurationError: The file of the option can't be read, or holds something else.
    """
    try:
        held = json.loads(read())
    except OSError as error:
        raise ConfigurationError([f"{option} {shown(path)} can't be read: {error.strerror}"]) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([f"{option} {shown(path)} is not JSON: {error}"]) from error
    if not isinstance(held, dict):
        raise ConfigurationError([f"{option} {shown(path)} must hold an object"])
    return held
