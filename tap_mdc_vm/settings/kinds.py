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
    from collections.abc import Callable

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


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a function that reads one of some words, in any letter case."""
    by_lower = {each.lower(): each for each in allowed}

    def read(value: str) -> str:
        if value.lower() not in by_lower:
            raise ValueError(f"must be one of {', '.join(allowed)}{nearest(value, allowed)}")
        return by_lower[value.lower()]

    return read


def word(*allowed: str) -> Kind[str]:
    """Return the kind of one of some words, in any letter case."""
    return text(one_of(*allowed), enum=list(allowed))


def number(convert: Callable[[str], T], low: int, high: int) -> Kind[T]:
    """Return the kind of numbers within limits, whole ones if ``convert`` is ``int``."""
    json_type, words = ("integer", "a whole number") if convert is int else ("number", "a number")

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
    return texts(one_of(*allowed), enum=list(allowed))


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


def _guid(value: str) -> str:
    if not GUID.fullmatch(value):
        raise ValueError(f"is not a GUID: {OVERVIEW}")
    return value.lower()


def _url(value: str) -> str:
    address = value.rstrip("/")
    try:
        parts = urlsplit(address)
        bare = address == f"https://{parts.netloc}" and "@" not in parts.netloc
        good = bare and bool(parts.hostname) and (parts.port is None or parts.port > 0)
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


def _subscription_id(entry: str) -> str:
    found = entry.lower().removeprefix("/subscriptions/")
    if not GUID.fullmatch(found):
        raise ValueError(f"holds {shown(found)}, not a GUID: use the subscription's ID, not its name")
    return found


def _management_group_id(entry: str) -> str:
    found = entry.rsplit("/", 1)[-1]
    if not _NAME.fullmatch(found):
        raise ValueError(f"holds {shown(found)}, no group's ID: use the ID, not the display name")
    return found


def _resource_group(entry: str) -> str:
    if not _NAME.fullmatch(entry):
        raise ValueError(f"holds {shown(entry)}, no resource group's name, which has no slash and no blank")
    return entry


def _category(entry: str) -> str:
    """Return a category, in Azure's letter case if it is known."""
    if not entry.replace(", ", "").isalpha():
        raise ValueError("must be words such as SoftwareUpdate")
    return next((known for known in CATEGORIES if known.lower() == entry.lower()), entry)


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
PATH = text(lambda value: Path(value).expanduser())
APPLICATION = text(_guid)
URL = text(_url)  # without a slash at its end
DAY = Kind({"type": ["string", "null"], "format": "date"}, _day)
BOOLEAN = Kind({"type": ["boolean", "null"]}, _boolean)
SUBSCRIPTIONS = texts(_subscription_id)
MANAGEMENT_GROUPS = texts(_management_group_id)
RESOURCE_GROUPS = texts(_resource_group)
RECOMMENDATIONS = texts(_category, examples=list(CATEGORIES))
TAGS = mapping(_tags)


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
