"""Made-up tenants of the sandbox with rows of a test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tap_mdc_vm_sandbox import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]

EMPTY: Row = dict.fromkeys(("tenantId", "kind", "location", "resourceGroup", "managedBy"), "") | dict.fromkeys(
    ("sku", "plan", "tags", "identity", "zones", "extendedLocation")
)
"""The columns of a row of which nothing is said."""


class Also(Fleet):
    """A tenant with more rows, or fewer.

    Args:
        resources: Rows of that table, beside the tenant's own.
        security: Rows of ``securityresources``.
        silent: Subscriptions of which Defender for Cloud knows nothing but these rows.
        shape: As of a fleet.
    """

    def __init__(
        self, resources: Iterable[Row] = (), security: Iterable[Row] = (), silent: Iterable[str] = (), **shape: Any
    ) -> None:
        super().__init__(**shape)
        self._more = {"resources": list(resources), "securityresources": list(security)}
        self._silent = [f"/subscriptions/{each}/".encode() for each in silent]

    def lines(self) -> dict[str, Iterator[bytes]]:
        """All rows by table."""
        tables = super().lines()
        tables["securityresources"] = (
            line for line in tables["securityresources"] if not any(each in line for each in self._silent)
        )
        return {table: self._with_more(lines, table) for table, lines in tables.items()}

    def _with_more(self, lines: Iterator[bytes], table: str) -> Iterator[bytes]:
        yield from lines
        yield from map(orjson.dumps, self._more.get(table, ()))
