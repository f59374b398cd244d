"""Public IP addresses: not a stream, but what interfaces refer to."""

from __future__ import annotations

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.fields import Row, document, properties_of, text


def public_ip(row: Row) -> tuple[str, str | None]:
    """Return the lower-case id and the address; None for one that has no address now (dynamic, not allocated)."""
    properties = document(properties_of(row)) or {}
    return lower(row["id"]), text(properties.get("ipAddress"))
