"""The kinds of values that settings have: each reads what a file, Meltano, the environment or a person writes.

A kind reads one value and raises a ValueError whose arguments say what is wrong, each a line that begins with a verb:
``must be true or false``. No line repeats a value that could be a secret.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.secret import Secret
from tap_mdc_vm.wording import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

OVERVIEW = "copy it from the Overview page of the application in the Azure portal"

CATEGORIES = (
    *("SoftwareUpdate", "SystemUpdate", "ExposedSecrets", "HostMisconfigurations"),
    *("ServiceUpgrade", "CodeVulnerabilities", "IacVulnerabilities", "ApiVulnerabilities"),
    "None",
)
"""Values of ``metadata.recommendationCategory``, the first four for machines, and our word for none of them."""

_NAME = re.compile(r"[\w.()-]{1,90}")  # Microsoft's naming rules of management groups and of resource groups

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True}
_BOOLEANS |= {"false": False, "0": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of values.

    Attributes:
        schema: What JSON Schema says of them, with the SDK's ``secret`` where they are.
        read: Takes a raw value that is set, and returns what it stands for or raises a ValueError.
    """

    schema: dict[str, Any]
    read: Callable[[object], T]


def text(read: Callable[[str], T] = str, **schema: object) -> Kind[T]:  # type: ignore[assignment]  # str is a str
    """Return the kind of one line of text, without blanks around it.

    Args:
        read: Makes the value of it.
        schema: What JSON Schema says beside the type.
    """

    def from_raw(value: object) -> T:
        if not isinstance(value, str):
            raise ValueError("must be text: put quotes around it")  # noqa: TRY004 - what users meet is a bad value
        if not value.strip().isprintable():
            raise ValueError("must be one line of text")
        return read(value.strip())

    return Kind({"type": ["string", "null"], **schema}, from_raw)


def secret() -> Kind[Secret]:
    """Return the kind of text that never prints itself."""
    return text(Secret, secret=True)


def path() -> Kind[Path]:
    """Return the kind of paths, with ``~`` for the home directory."""
    return text(lambda value: Path(value).expanduser())


def guid() -> Kind[str]:
    """Return the kind of the GUIDs that an application has, in lower case."""

    def read(value: str) -> str:
        if not GUID.fullmatch(value):
            raise ValueError(f"is not a GUID: {OVERVIEW}")
        return value.lower()

    return text(read)


def url(example: str) -> Kind[str]:
    """Return the kind of https addresses without a path, and without a slash at their end."""

    def read(value: str) -> str:
        address = value.rstrip("/")
        try:
            parts = urlsplit(address)
            bare = address == f"https://{parts.netloc}" and "@" not in parts.netloc
            good = bare and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:  # a port that is no number, a bracket that is not closed
            good = False
        if not good:
            raise ValueError(f"must be https:// and a host, with nothing behind it, such as {example}")
        return address

    return text(read)


def day() -> Kind[date]:
    """Return the kind of days, written as a date or as a date and time."""

    def read(value: object) -> date:
        try:
            return datetime.fromisoformat(str(value).strip()).date()
        except ValueError:
            raise ValueError("must be a date, such as 2027-03-31") from None

    return Kind({"type": ["string", "null"], "format": "date"}, read)


def word(*allowed: str) -> Kind[str]:
    """Return the kind of one of some words, in any letter case."""
    return text(lambda value: _allowed(value, allowed), enum=list(allowed))


def boolean() -> Kind[bool]:
    """Return the kind of true and false, however they are written."""

    def read(value: object) -> bool:
        found = _BOOLEANS.get(str(value).strip().lower())
        if found is None:
            raise ValueError("must be true or false")
        return found

    return Kind({"type": ["boolean", "null"]}, read)


def whole(low: int, high: int) -> Kind[int]:
    """Return the kind of whole numbers within limits."""
    return _number("integer", int, low, high)


def number(low: int, high: int) -> Kind[float]:
    """Return the kind of numbers within limits."""
    return _number("number", float, low, high)


def _number(json_type: str, convert: Callable[[str], T], low: int, high: int) -> Kind[T]:
    words = "a whole number" if json_type == "integer" else "a number"

    def read(value: object) -> T:
        try:
            found: Any = convert(str(value))  # as text: int() would cut 2.5 and accept True
        except ValueError:
            found = None
        if found is None or not low <= found <= high:
            raise ValueError(f"must be {words} from {low} to {high}")
        result: T = found
        return result

    return Kind({"type": [json_type, "null"], "minimum": low, "maximum": high}, read)


def texts(read: Callable[[str], str] = str, **schema: object) -> Kind[tuple[str, ...]]:
    """Return the kind of lists: a list, a JSON array, or text separated by commas or blanks.

    Their entries are kept once, whatever their letter case, in the order of first appearance.

    Args:
        read: Makes an entry of a text without blanks around it, or raises a ValueError.
        schema: What JSON Schema says of an entry beside the type.
    """

    def from_raw(value: object) -> tuple[str, ...]:
        value = parsed(value, list)
        if isinstance(value, str):
            value = re.split(r"[,\s]+", value)
        if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
            raise ValueError('must be a list of texts, such as ["one", "two"]')
        found: dict[str, str] = {}
        problems: list[str] = []
        for entry in filter(None, map(str.strip, value)):
            try:
                taken = read(entry)
                found.setdefault(lower(taken), taken)
            except ValueError as error:
                problems += error.args
        if problems:
            raise ValueError(*problems)
        return tuple(found.values())

    return Kind({"type": ["array", "null"], "items": {"type": "string", **schema}}, from_raw)


def words(*allowed: str) -> Kind[tuple[str, ...]]:
    """Return the kind of lists of some words, in any letter case."""
    return texts(lambda value: _allowed(value, allowed), enum=list(allowed))


def categories() -> Kind[tuple[str, ...]]:
    """Return the kind of lists of categories: the known ones in Azure's letter case, and any other."""
    by_lower = {each.lower(): each for each in CATEGORIES}

    def read(entry: str) -> str:
        if not entry.isalpha():
            raise ValueError("must be words such as SoftwareUpdate")
        return by_lower.get(entry.lower(), entry)

    return texts(read, examples=list(CATEGORIES))


def mapping(read: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> Kind[dict[str, Any]]:
    """Return the kind of objects, or of JSON text that holds one.

    Args:
        read: Makes the value of an object, or raises a ValueError.
    """

    def from_raw(value: object) -> dict[str, Any]:
        value = parsed(value, dict)
        if not isinstance(value, dict):
            raise ValueError("must be an object, in the environment as JSON")  # noqa: TRY004 - as above
        return read(value)

    return Kind({"type": ["object", "null"]}, from_raw)


def subscription_id(entry: str) -> str:
    """Return an entry of ``subscription_ids``: a GUID, or the subscription's resource id."""
    found = entry.lower().removeprefix("/subscriptions/")
    if not GUID.fullmatch(found):
        raise ValueError(f"holds {shown(found)}, not a GUID: use the subscription's ID, not its name")
    return found


def management_group_id(entry: str) -> str:
    """Return an entry of ``management_group_ids``: an ID, or the group's resource id."""
    found = entry.rsplit("/", 1)[-1]
    if not _NAME.fullmatch(found):
        raise ValueError(f"holds {shown(found)}, no group's ID: use the ID, not the display name")
    return found


def resource_group(entry: str) -> str:
    """Return an entry of ``resource_groups``."""
    if not _NAME.fullmatch(entry):
        raise ValueError(f"holds {shown(entry)}, no resource group's name, which has no slash and no blank")
    return entry


def tags(raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the values of each tag in ``machine_tags``; none where any will do."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in raw.items():
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(each, str) for each in values):
            raise ValueError(f"must give the tag {shown(name)} a text, a list of texts, or * for any value")
        if lower(name) in map(lower, found):
            raise ValueError(f"names the tag {shown(name)} twice; its letter case doesn't matter")
        found[name] = () if "*" in values else tuple(dict.fromkeys(values))
    return found


def is_set(value: object) -> bool:
    """Return whether a raw value is one: Meltano writes ``""`` or null for what is not set."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def _allowed(value: str, allowed: Iterable[str]) -> str:
    by_lower = {each.lower(): each for each in allowed}
    if value.lower() not in by_lower:
        raise ValueError(f"must be one of {', '.join(by_lower.values())}{nearest(value, by_lower.values())}")
    return by_lower[value.lower()]


def parsed(value: object, kind: type) -> Any:  # noqa: ANN401 - JSON is anything
    """Return the JSON value of a kind that the text ``value`` holds, or else ``value`` itself."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if type(found) is kind else value
