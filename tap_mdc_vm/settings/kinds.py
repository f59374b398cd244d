"""The kinds of values that settings have: each reads what a file, Meltano, the environment or a person writes.

A kind reads one value and raises a ValueError whose arguments say what is wrong, each a line that begins with a verb:
``must be true or false``. No line repeats a value that could be a secret.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.secret import Secret
from tap_mdc_vm.wording import nearest, shown

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

OVERVIEW = "copy it from the Overview page of the application in the Azure portal"

CATEGORIES = (
    *("SoftwareUpdate", "SystemUpdate", "ExposedSecrets", "HostMisconfigurations"),
    *("ServiceUpgrade", "CodeVulnerabilities", "IacVulnerabilities", "ApiVulnerabilities"),
    "None",
)
"""Values of ``metadata.recommendationCategory``, the first four for machines, and our word for none of them."""

_NAME = re.compile(r"[\w.()-]{1,90}")  # Microsoft's naming rules of management groups and of resource groups

_HOST = re.compile(r"([\w.-]+|\[[\da-f:.]+\])(:\d+)?", re.IGNORECASE)

_WORDS = re.compile(r"[^\W\d_]+(, [^\W\d_]+)*")

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True}
_BOOLEANS |= {"false": False, "0": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of values.

    Attributes:
        schema: What JSON Schema says of them, with the SDK's ``secret`` where they are.
        read: Takes a raw value that is set, and returns what it stands for or raises a ValueError.
        default: What a setting of this kind means where it is not set, as a user would write it.
    """

    schema: dict[str, Any]
    read: Callable[[Any], Any]
    default: Any = None


def text(read: Callable[[str], object] = str, **schema: object) -> Kind:
    """Return the kind of one line of text, of which ``read`` makes the value; ``schema`` adds to JSON Schema's type."""

    def from_raw(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError("must be text: put quotes around it")  # noqa: TRY004 - what users meet is a bad value
        if not value.strip().isprintable():
            raise ValueError("must be one line of text")
        return read(value.strip())

    return Kind({"type": ["string", "null"], **schema}, from_raw)


def one_of(*allowed: str, complaint: str = "must be one of") -> Callable[[str], str]:
    """Return a function that reads one of some words, in any letter case, and complains of another."""
    by_lower = {each.lower(): each for each in allowed}

    def read(value: str) -> str:
        if value.lower() not in by_lower:
            raise ValueError(f"{complaint} {', '.join(allowed)}{nearest(value, allowed)}")
        return by_lower[value.lower()]

    return read


def word(*allowed: str) -> Kind:
    """Return the kind of one of some words, in any letter case."""
    return text(one_of(*allowed), enum=list(allowed))


def number(convert: Callable[[str], float], low: int, high: int) -> Kind:
    """Return the kind of numbers within limits, whole ones if ``convert`` is ``int``."""
    json_type, called = ("integer", "a whole number") if convert is int else ("number", "a number")

    def read(value: object) -> float:
        with contextlib.suppress(ValueError):
            found = convert(str(value))  # as text: int() would cut 2.5 and accept True
            if low <= found <= high:
                return found
        raise ValueError(f"must be {called} from {low} to {high}")

    return Kind({"type": [json_type, "null"], "minimum": low, "maximum": high}, read)


def texts(read: Callable[[str], str], **schema: object) -> Kind:
    """Return the kind of lists: a list, a JSON array, or text separated by commas or blanks.

    Of each text ``read`` makes an entry, which is kept once, whatever its letter case. ``schema`` is about entries.
    """

    def from_raw(value: object) -> tuple[str, ...]:
        value = parsed(value, list)
        if isinstance(value, str):
            if value.lstrip().startswith("["):  # mostly, a shell has taken the quotes
                raise ValueError("""is no JSON: write ["one", "two"], in a shell with '…' around it""")
            value = list(filter(None, re.split(r"[,\s]+", value)))
        if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
            raise ValueError('must be a list of texts, such as ["one", "two"]')
        found: dict[str, str] = {}
        problems: list[str] = []
        for entry in map(str.strip, value):
            try:
                if not entry:  # else a filter that was meant would filter nothing
                    raise ValueError("holds an empty entry: remove it, or fill it in")
                taken = read(entry)
                found.setdefault(lower(taken), taken)
            except ValueError as error:
                problems += error.args
        if problems:
            raise ValueError(*problems)
        return tuple(found.values())

    return Kind({"type": ["array", "null"], "items": {"type": "string", **schema}}, from_raw, default=[])


def words(*allowed: str) -> Kind:
    """Return the kind of lists of some words, in any letter case."""
    return texts(one_of(*allowed, complaint="must hold only"), enum=list(allowed))


def mapping(read: Callable[[dict[str, Any]], dict[str, Any]] = dict, default: dict[str, Any] | None = None) -> Kind:
    """Return the kind of objects, or of JSON text that holds one, of which ``read`` makes the value."""

    def from_raw(value: object) -> dict[str, Any]:
        value = parsed(value, dict)
        if not isinstance(value, dict):
            raise ValueError("must be an object, in the environment as JSON")  # noqa: TRY004 - as above
        return read(value)

    return Kind({"type": ["object", "null"]}, from_raw, default)


def matching(pattern: re.Pattern[str], complaint: str, take: Callable[[str], str] = str.strip) -> Callable[[str], str]:
    """Return a function that takes what matters of a text, and complains of what doesn't match."""

    def read(value: str) -> str:
        found = take(value)
        if not pattern.fullmatch(found):
            raise ValueError(complaint.format(shown(found)))
        return found

    return read


def _path(value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:  # no such user, or one without an entry, as in a container
        raise ValueError("begins with ~, and no home directory is known: write it out") from None


def _url(value: str) -> str:
    address = value.rstrip("/")
    try:
        parts = urlsplit(address)
        bare = address == f"https://{parts.netloc}" and _HOST.fullmatch(parts.netloc)
        good = bare and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, a bracket that is not closed
        good = False
    if not good:
        raise ValueError("must be https:// and a host, with nothing behind it, such as https://management.azure.com")
    return address


def _day(value: object) -> date:
    try:
        return datetime.fromisoformat(str(value).strip()).date()
    except ValueError:
        raise ValueError("must be a date, such as 2027-03-31") from None


def _boolean(value: object) -> bool:
    found = _BOOLEANS.get(str(value).strip().lower())
    if found is None:
        raise ValueError("must be true or false")
    return found


def _tags(raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the values of each tag; none where any will do."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in raw.items():
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(each, str) for each in values):
            raise ValueError(f"must give the tag {shown(name)} a text, a list of texts, or * for any value")
        if lower(name) in map(lower, found):
            raise ValueError(f"names the tag {shown(name)} twice; its letter case doesn't matter")
        found[name] = () if "*" in values else tuple(dict.fromkeys(values))
    return found


SECRET = text(Secret, secret=True)  # never prints itself
PATH = text(_path)
APPLICATION = text(matching(GUID, f"is not a GUID: {OVERVIEW}", str.lower))
URL = text(_url)  # without a slash at its end
DAY = Kind({"type": ["string", "null"], "format": "date"}, _day)
BOOLEAN = Kind({"type": ["boolean", "null"]}, _boolean)
SUBSCRIPTIONS = texts(
    matching(
        GUID,
        "holds {}, not a GUID: use the subscription's ID, not its name",
        lambda entry: entry.lower().removeprefix("/subscriptions/"),
    )
)
MANAGEMENT_GROUPS = texts(
    matching(_NAME, "holds {}, no group's ID: use the ID, not the display name", lambda entry: entry.rpartition("/")[2])
)
RESOURCE_GROUPS = texts(matching(_NAME, "holds {}, no resource group's name, which has no slash and no blank"))
_KNOWN = {each.lower(): each for each in CATEGORIES}
RECOMMENDATIONS = texts(
    matching(_WORDS, "must be words such as SoftwareUpdate", lambda entry: _KNOWN.get(entry.lower(), entry)),
    examples=list(CATEGORIES),
)
TAGS = mapping(_tags, default={})


def is_set(value: object) -> bool:
    """Return whether a raw value is one: Meltano writes ``""`` or null for what is not set."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def parsed(value: object, kind: type) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the JSON value of a kind that the text ``value`` holds, or else ``value`` itself."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if type(found) is kind else value
