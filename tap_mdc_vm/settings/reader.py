"""Reads single values of a raw configuration and gathers what is wrong with them.

A method reads a value of one kind. What it can't use it names in ``problems`` and reads as the default, so
that one pass finds everything. No problem repeats a value that could be a secret.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_mdc_vm.secret import Secret
from tap_mdc_vm.wording import nearest

from .schema import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True}
_BOOLEANS |= {"false": False, "0": False, "no": False, "off": False}


class Reader:
    """Reads settings by name.

    Args:
        config: Raw values. Meltano writes ``""`` or null for what is not set.

    Attributes:
        problems: One line for each setting that can't be used, its name first.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Keep what is set."""
        self.config = {name: value for name, value in config.items() if value is not None and value != ""}
        self.problems: list[str] = []

    def problem(self, name: str, text: str) -> None:
        """Note what is wrong with the setting ``name`` and what to do about it."""
        self.problems.append(f"{name} {text}")

    def text(self, name: str) -> str | None:
        """Return text without blanks around it; None where there is none."""
        value = self.config.get(name)
        if value is not None and not isinstance(value, str):
            self.problem(name, "must be text: put quotes around it")
            value = None
        text = (value or "").strip()
        if not text.isprintable():
            self.problem(name, "must be one line of text")
            text = ""
        default: str | None = SETTINGS[name].get("default")
        return text or default

    def secret(self, name: str) -> Secret | None:
        """Return text that never prints itself."""
        value = self.text(name)
        return Secret(value) if value else None

    def path(self, name: str) -> Path | None:
        """Return a path, with ``~`` for the home directory."""
        value = self.text(name)
        return Path(value).expanduser() if value else None

    def choice(self, name: str) -> str:
        """Return one of the words that the schema allows, in its letter case."""
        return self._allowed(name, self.text(name) or "", SETTINGS[name]["enum"])

    def choices(self, name: str) -> tuple[str, ...]:
        """Return some of the words that the schema allows."""
        allowed = SETTINGS[name]["items"]["enum"]
        return unique(self._allowed(name, value, allowed) for value in self.texts(name))

    def _allowed(self, name: str, value: str, allowed: list[str]) -> str:
        by_lower = {word.lower(): word for word in allowed}
        if value.lower() not in by_lower:
            self.problem(name, f"must be one of {', '.join(allowed)}{nearest(value, allowed)}")
        return by_lower.get(value.lower(), allowed[0])

    def number(self, name: str, kind: Callable[[str], float]) -> float:
        """Return a number within the schema's limits.

        Args:
            name: The setting.
            kind: ``int`` or ``float``.
        """
        schema = SETTINGS[name]
        low, high, default = schema["minimum"], schema["maximum"], schema["default"]
        try:
            number = kind(str(self.config.get(name, default)))  # as text: int() would cut 2.5 and accept True
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            self.problem(name, f"must be a {'whole ' if kind is int else ''}number from {low} to {high}")
            return float(default)
        return number

    def boolean(self, name: str) -> bool:
        """Return true or false, however it is written."""
        default: bool = SETTINGS[name]["default"]
        word = str(self.config.get(name, default)).strip().lower()
        if word not in _BOOLEANS:
            self.problem(name, "must be true or false")
        return _BOOLEANS.get(word, default)

    def texts(self, name: str) -> list[str]:
        """Return the entries of a list, of a JSON array, or of text separated by commas or blanks."""
        value = self.config.get(name, [])
        if isinstance(value, str):
            value = parsed(value, list)
        if isinstance(value, str):
            value = re.split(r"[,\s]+", value)
        if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
            self.problem(name, 'must be a list of texts, such as ["one", "two"]')
            return []
        return [entry.strip() for entry in value if entry.strip()]

    def url(self, name: str, default: str) -> str:
        """Return an https address without a path, and without a slash at its end."""
        value = (self.text(name) or default).rstrip("/")
        try:
            parts = urlsplit(value)
            bare = value == f"https://{parts.netloc}" and "@" not in parts.netloc
            good = bare and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:  # a port that is no number, a bracket that is not closed
            good = False
        if not good:
            self.problem(name, f"must be https:// and a host, with nothing behind it, such as {default}")
        return value if good else default

    def day(self, name: str) -> date | None:
        """Return the day of a date, or of a date and time."""
        value = self.config.get(name)
        if value is None:
            return None
        try:
            return datetime.fromisoformat(str(value).strip()).date()
        except ValueError:
            self.problem(name, "must be a date, such as 2027-03-31")
            return None


def parsed(value: str, kind: type) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the JSON value of a kind that ``value`` holds, or else ``value`` itself."""
    try:
        found = json.loads(value.lower() if kind is bool else value)
    except ValueError:
        return value
    return found if type(found) is kind else value


def unique(entries: Iterable[str]) -> tuple[str, ...]:
    """Return each entry once, whatever its letter case, in the order of first appearance."""
    found: dict[str, str] = {}
    for entry in entries:
        found.setdefault(entry.lower(), entry)
    return tuple(found.values())
