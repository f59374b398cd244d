"""How a value of Azure's becomes a value of ours: letter case, "none", dates, and types that nobody expected."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec

from tap_mdc_vm import clouds
from tap_mdc_vm.errors import MalformedAnswerError
from tap_mdc_vm.resource_ids import lower

Columns = Mapping[str, Any]
"""The columns of a row of Resource Graph, whose ``properties`` are still encoded: bytes, or ``msgspec.Raw``."""

Json = dict[str, Any]
"""An object as JSON has it: a record, or a part of a row or a record."""

_Known_co = TypeVar("_Known_co", covariant=True)
_Value = TypeVar("_Value")

_INSTANT = re.compile(
    r"""( \d{4}-\d\d-\d\d ) (?: [Tt ] ( (?!24)\d\d:\d\d ) ( :\d\d (?: \.\d{1,6} | (?!\d) ) \d* )?
        [ ]? ( [Zz] | [+-]\d\d:?\d\d )? )?""",
    re.ASCII | re.VERBOSE,
)
"""A day, and mostly a time of it. Hour 24 is refused here, because not every version of Python does."""

_WORDS = {"true": True, "false": False}
NOTHING: tuple[Any, ...] = (None, "", [], {})
"""How Azure writes that there is nothing."""


class Lookup(Protocol[_Known_co]):
    """What is known of other resources: an index of :mod:`tap_mdc_vm.joins`, or a dict."""

    def get(self, lower_id: str, /) -> _Known_co | None:
        """Return what is known of the resource with this lower-case id, if anything is."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a row can't say itself, and what could not be read of the rows.

    Attributes:
        portal: Host of the cloud's portal, for links that lack one.
        unread: How many values stood where a date should be and are none, by stream and field. Records have null there.
    """

    portal: str = clouds.PUBLIC.portal
    unread: Counter[str] = field(default_factory=Counter)

    def instant(self, value: object, name: str) -> str | None:
        """Return a point in time as :func:`instant` does, and count under ``name`` what is something else."""
        moment = instant(value)
        if moment is None and value not in NOTHING:
            self.unread[name] += 1
        return moment


_ANYTHING = msgspec.json.Decoder()


def properties_of(row: Columns) -> Json | None:
    """Return a row's properties just as Azure gave them; None where there is no object.

    Raises:
        MalformedAnswerError: As :func:`decoded`.
    """
    return document(decoded(row.get("properties", b"null")))


def decoded(piece: bytes | msgspec.Raw) -> Any:  # noqa: ANN401
    """Return what a piece of JSON says.

    Raises:
        MalformedAnswerError: It has the form of JSON, which was checked when it came, and in it text that is not UTF-8
            or a number without end.
    """
    try:
        return _ANYTHING.decode(piece)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(
            f"A row of Resource Graph can't be read: {error}.", "Report it to Microsoft, or to us with this line."
        ) from error


def below_a_machine(kind: str) -> re.Pattern[str]:
    """Return what fits the lower-case ids of a kind of resources of virtual machines; its group is the machine's id.

    It is exact to its end on both sides: what lies below such a resource, and what belongs to an instance of a scale
    set or to a classic or Arc machine, has an id that only begins or ends like this.
    """
    machine = "/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft[.]compute/virtualmachines/[^/]+"
    return re.compile(f"({machine})/providers/{kind}/[^/]+")


def at(parent: Any, *path: str) -> Any:  # noqa: ANN401
    """Return what stands at the end of a path of names; None where it breaks off."""
    for name in path:
        parent = parent.get(name) if type(parent) is dict else None
    return parent


def objects(value: object) -> list[Json] | None:
    """Return the objects in an array; None where there is no array."""
    return [item for item in value if type(item) is dict] if type(value) is list else None


def document(value: object) -> Json | None:
    """Return an object just as Azure gave it, empty or not; None where there is none."""
    return value if type(value) is dict else None


def text(value: object) -> str | None:
    """Return a string; None for ``""``, Azure's way to write "none". Anything but a string becomes its JSON."""
    if type(value) is str:
        return value or None
    return None if value in NOTHING else json.dumps(value, ensure_ascii=False)


def texts(value: object) -> list[str] | None:
    """Return an array of strings without its empty entries; None where there is no array."""
    return [string for item in value if (string := text(item))] if type(value) is list else None


def reference(value: object) -> str | None:
    """Return the id of another resource in lower case, as ids are compared."""
    given = text(value)
    return lower(given) if given else None


def flag(value: object) -> bool | None:
    """Return a truth value, also of the words that Kusto writes for one; None for anything else."""
    return value if type(value) is bool else _WORDS.get(str(value).lower())


def whole(value: object) -> int | None:
    """Return a whole number, also one in a text; None for anything else."""
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is str and value.isdecimal() and value.isascii() and len(value) < 20:
        return int(value)
    return value if type(value) is int else None


def instant(value: object) -> str | None:
    """Return a point in time in UTC, with the digits that Azure gave, but six (microseconds) at most.

    Azure writes none to seven digits, and ``Z`` or an offset; some of its services write a blank for the ``T``, no
    seconds, or a small ``z``. A time without a zone is UTC, as all of Kusto's are, and a day begins at midnight. What
    is no point in time is None.
    """
    if type(value) is not str:
        return None
    try:
        if len(value) == 28 and value[27] == "Z" and value[4:20:3] == "--T::." and value[11:13] < "24":
            datetime.fromisoformat(value)  # nearly all have this form: the separators are there, so are the digits?
            return value[:26] + "Z"
        found = _INSTANT.fullmatch(value)
        if not found:
            return None
        day, minute, second, offset = found.groups()
        moment = f"{day}T{minute or '00:00'}{(second or ':00')[:10]}"
        datetime.fromisoformat(moment)  # refuses the 30th of February
        if offset and offset not in "Zz":
            utc = datetime.fromisoformat(moment[:19] + offset).astimezone(UTC)
            moment = utc.isoformat()[:19] + moment[19:]
    except (ValueError, OverflowError):
        return None
    return moment + "Z"


def first(values: Iterable[_Value | None]) -> _Value | None:
    """Return the first value that there is."""
    return next(filter(None, values), None)


def primary_of(items: list[Json]) -> Json:
    """Return the primary one of a machine's interfaces, or of an interface's configurations.

    Of one, that one; of several the one marked ``primary``; of several unmarked the first; of none an empty object.
    """
    return next((item for item in items if item["primary"]), items[0] if items else {})
