"""What is asked of Resource Graph and what comes back: values without behaviour of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self, TypedDict

import msgspec

from tap_mdc_vm.azure.resource_graph.partitions import WHOLE, Partition
from tap_mdc_vm.azure.transport import retry_after, seconds

MAX_PAGE = 1000
"""Rows per answer at most, by Azure's documentation of ``$top``."""

_ORDER = "| order by id asc"
_PROJECT = re.compile(r"\|\s*project\s+([^|]*)")
_BRACKETS = re.compile(r"\([^()]*\)")
_HASH = "hash(tolower(id))"
"""Of the lower-case id, because Azure changes the letter case of an id from day to day."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: subscriptions, or management groups, or (neither) all that the application can read."""

    subscriptions: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()

    def body(self) -> dict[str, list[str]]:
        """Return the scope as fields of a request's body."""
        if self.subscriptions:
            return {"subscriptions": list(self.subscriptions)}
        if self.management_groups:
            return {"managementGroups": list(self.management_groups)}
        return {}


@dataclass(frozen=True, slots=True)
class Query:
    """A query whose rows each have an ``id`` of type string, and which is ordered by it.

    Attributes:
        name: What the rows are, such as ``assessments``.
        text: Kusto's language: a ``project`` that names the columns, then conditions at most, and at its end
            ``| order by id asc``, without which Azure's pages overlap.
        newest: Path under ``properties`` of the date that tells the newer of two rows with one id, such as
            ``status.statusChangeDate``; empty where there is none.
    """

    name: str
    text: str
    newest: str = ""

    def __post_init__(self) -> None:
        """Refuse a text that could not be paged, packed or partitioned."""
        if not self.text.rstrip().endswith(_ORDER):
            raise ValueError(f"the query {self.name} must end with {_ORDER!r}")
        if "id" not in self.columns():
            raise ValueError(f"the query {self.name} must project its columns, id among them")

    def columns(self) -> list[str]:
        """Return the names of the columns that the query projects."""
        projected = _PROJECT.findall(self.text)
        listed = projected[-1] if projected else ""
        while "(" in listed:  # an expression's commas separate no columns
            listed = _BRACKETS.sub("", listed)
        return [column.partition("=")[0].strip() for column in listed.split(",")]

    def where(self, condition: str) -> Query:
        """Return the query with one more condition on its result columns."""
        return replace(self, text=self.then(f"| where {condition}\n{_ORDER}"))

    def rows(self, part: Partition = WHOLE) -> str:
        """Return the text that yields a partition's rows, one by one."""
        return self.then(_ORDER, part)

    def packed(self, part: Partition) -> str:
        """Return the text that yields one row: ``n``, how many rows a partition has, and ``rows``, the list of them."""
        bag = ", ".join(f"'{column}', {column}" for column in self.columns())
        return self.then(f"| summarize n = count(), rows = make_list(pack({bag}))", part)

    def count(self, part: Partition = WHOLE) -> str:
        """Return the text that yields one row ``{"Count": n}``."""
        return self.then("| count", part)

    def tally(self, group: Partition, modulus: int) -> str:
        """Return the text that counts the rows of ``group`` by their partition of ``modulus``: ``part`` and ``n``."""
        return self.then(f"| summarize n = count() by part = {_HASH} % {modulus}", group)

    def existing(self, ids: Iterable[str]) -> str:
        """Return the text that yields the ids of those rows that have one of some ids, in whatever letter case."""
        return self.then(f"| where id in~ ({', '.join(map(quoted, ids))})\n| project id\n{_ORDER}")

    def then(self, tail: str, part: Partition = WHOLE) -> str:
        """Return the text in which other operators than the order follow on a partition's rows."""
        body = self.text.rstrip().removesuffix(_ORDER).rstrip()
        condition = "" if part == WHOLE else f"\n| where {_HASH} % {part.modulus} == {part.remainder}"
        return f"{body}{condition}\n{tail}\n"


def quoted(text: str) -> str:
    """Return a text as a string of Kusto's language: whatever it holds, it stays text."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class RawRow(NamedTuple):
    """A row as it came. Answers wait in memory for their turn, and decoded rows would take a third more.

    Attributes:
        id: In Azure's letter case.
        json: A view of the answer's bytes.
    """

    id: str
    json: msgspec.Raw


class Row(TypedDict, total=False):
    """A row: the columns that the queries ask for, of which each has ``id``.

    ``properties``, nine tenths of most rows, stays as it came until a record is made of it: what is decoded only then
    is still in the processor's cache when it is used.
    """

    id: str
    name: Any
    type: Any
    tenantId: Any
    subscriptionId: Any
    resourceGroup: Any
    location: Any
    managedBy: Any
    identity: Any
    plan: Any
    state: Any
    tags: Any
    zones: Any
    properties: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Page:
    """One answer.

    Attributes:
        rows: In the order asked for.
        total: ``totalRecords``: the rows that match the whole query now, not only this page.
        skip_token: Set while there is more; its presence is the only sign of that.
        size: Bytes of the answer.
        limit_hit: More subscriptions lie in scope than Azure looks at.
    """

    rows: list[RawRow]
    total: int
    skip_token: str | None = None
    size: int = 0
    limit_hit: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """What an answer's headers tell about the caller's quota; None where they tell nothing.

    Attributes:
        remaining: Queries left in the window.
        resets_after: Seconds until the window ends.
        retry_after: Seconds that the service asks to wait.
    """

    remaining: int | None = None
    resets_after: float | None = None
    retry_after: float | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self:
        """Read ``x-ms-user-quota-remaining``, ``x-ms-user-quota-resets-after`` and ``Retry-After``.

        A header that can't be read counts as absent: a hint is not worth dying of.
        """
        remaining = headers.get("x-ms-user-quota-remaining", "").strip()
        return cls(
            int(remaining) if re.fullmatch(r"[0-9]{1,9}", remaining) else None,
            seconds(headers.get("x-ms-user-quota-resets-after", "")),
            retry_after(headers),
        )
