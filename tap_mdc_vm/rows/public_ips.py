"""Public IP addresses: not a stream, but what interfaces refer to."""

from __future__ import annotations

from tap_mdc_vm.rows.fields import Json, branch, text


def public_ip(row: Json) -> tuple[str, str | None]:
    """Return the lower-case id and the address; None for one that has no address now (dynamic, not allocated)."""
    return row["id"].lower(), text(branch(row, "properties").get("ipAddress"))
