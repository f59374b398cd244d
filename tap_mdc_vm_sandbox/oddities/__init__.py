"""What is odd in the made-up tenant, each thing once and by name.

The list follows what was seen in, or must be expected of, real tenants. `ODDITIES` says what each is, so that a
test can find the row of its subject: `fleet.oddities["vm-no-nic"].row`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import azure_rows as azure
from . import assessments, findings, look_alikes, machines, resources, software
from .scene import Builder, Placed, Scene

if TYPE_CHECKING:
    from ..azure_rows import Row
    from ..tenant import Tenant

_BUILDERS: dict[str, Builder] = {
    **machines.BUILDERS,
    **resources.BUILDERS,
    **assessments.BUILDERS,
    **findings.BUILDERS,
    **look_alikes.BUILDERS,
    **software.BUILDERS,
}
ODDITIES = {name: (inspect.getdoc(build) or "").removesuffix(".") for name, build in _BUILDERS.items()}
"""Name of each oddity and what is odd about it."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """One odd thing: its rows, the subject first, then what belongs to it."""

    name: str
    what: str
    rows: tuple[Placed, ...]

    @property
    def row(self) -> Row:
        """The odd row itself."""
        return self.rows[0][1]

    @property
    def machines(self) -> int:
        """How many of the rows are virtual machines."""
        return sum(row["type"] == azure.VM.lower() for _, row in self.rows)


def of(tenant: Tenant) -> dict[str, Oddity]:
    """Build all of them for a tenant."""
    scene = Scene(tenant)
    return {name: Oddity(name, ODDITIES[name], tuple(build(scene))) for name, build in _BUILDERS.items()}
