"""What is asked of Resource Graph and what comes back: values without behaviour of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypedDict

import msgspec  # noqa: TC002 - the decoder reads the annotations of Row

from tap_mdc_vm.azure.transport import retry_after, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PAGE = 1000
"""Rows per answer at most, by Azure's documentation of ``$top``."""

_ORDER = "| order by id asc"


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
class Partition:
    """The rows whose hashed id leaves ``remainder`` when divided by ``modulus``."""

    modulus: int
    remainder: int

    def halves(self) -> tuple[Partition, Partition]:
        """Return two partitions that hold exactly the rows of this one."""
        double = 2 * self.modulus
        return Partition(double, self.remainder), Partition(double, self.remainder + self.modulus)


@dataclass(frozen=True, slots=True)
class Query:
    """A query whose rows each have an ``id`` of type string, and which is ordered by it.

    Attributes:
        name: What the rows are, such as ``assessments``.
        text: Kusto's language, ending in ``| order by id asc``, without which Azure's pages overlap.
    """

    name: str
    text: str

    def __post_init__(self) -> None:
        """Refuse a text that could not be paged or partitioned."""
        if not self.text.rstrip().endswith(_ORDER):
            raise ValueError(f"the query {self.name} must end with {_ORDER!r}")

    def where(self, condition: str) -> Query:
        """Return the query with one more condition on its result columns."""
        return Query(self.name, f"{self._body()}\n| where {condition}\n{_ORDER}\n")

    def part(self, partition: Partition) -> str:
        """Return the text that yields one partition's rows.

        The lower-case id is hashed, because Azure changes the letter case of an id from day to day.
        """
        return self.where(f"hash(tolower(id)) % {partition.modulus} == {partition.remainder}").text

    def count(self) -> str:
        """Return the text that yields one row ``{"Count": n}``."""
        return f"{self._body()}\n| count\n"

    def _body(self) -> str:
        return self.text.rstrip().removesuffix(_ORDER).rstrip()


def quoted(text: str) -> str:
    """Return a text as a string of Kusto's language: whatever it holds, it stays text."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Row(TypedDict, total=False):
    """A row: the columns that the queries ask for, of which each has ``id``.

    ``properties``, nine tenths of most rows, stays as it came. Pages wait in memory for their turn, and what is decoded
    only then is still in the processor's cache when it is used.
    """

    id: str
    name: Any
    type: Any
    tenantId: Any
    subscriptionId: Any
    resourceGroup: Any
    location: Any
    managedBy: Any
    managementGroups: Any
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
        limit_hit: More subscriptions lie in scope than Azure looks at.
    """

    rows: list[Row]
    total: int
    skip_token: str | None = None
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
