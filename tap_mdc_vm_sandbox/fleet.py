"""A made-up tenant of any size: the same arguments give the same bytes, on any machine.

Ordinary machines are drawn by seeded chance; from 40 machines on, the tenant also has each oddity of
`oddities.ODDITIES`, which is what makes it worth testing against.
"""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import orjson

from . import azure_rows as azure
from . import oddities
from .azure_rows import Place, Row
from .findings import Findings
from .machines import Machine, machines_of, resources_of
from .plans import plans_of
from .tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALLEST_ODD_FLEET = 40


class Fleet(Tenant):
    """The tenant with its machines, and all that is known of them."""

    def __init__(  # noqa: PLR0913  # the size and shape of a tenant, each by name
        self,
        *,
        seed: int = 7,
        machines: int = 60,
        assessments_per_machine: int = 20,
        software_per_machine: int = 12,
        row_size: int = 0,
        subscriptions: int = 3,
        as_of: date = date(2026, 10, 31),
    ) -> None:
        """Decide about everything; rows are made when they are asked for.

        Args:
            seed: Another seed, another tenant.
            machines: All machines, odd ones included.
            assessments_per_machine: Of each ordinary machine; the odd ones bring their own.
            software_per_machine: Programs of each ordinary machine whose subscription has a plan that lists them.
            row_size: Bytes that the row of each ordinary assessment has at least.
            subscriptions: Ordinary ones; a tenant with oddities has four more.
            as_of: Its today, in UTC. The day changes what is found, and no id of a machine.
        """
        super().__init__(seed=seed, subscriptions=subscriptions, as_of=as_of, odd=machines >= SMALLEST_ODD_FLEET)
        self.machines = machines
        self.assessments_per_machine = assessments_per_machine
        self.software_per_machine = software_per_machine
        self.row_size = row_size

    @cached_property
    def tables(self) -> dict[str, list[Row]]:
        """All rows by table, whoever may read them. For tests of small fleets: a large one fills the memory."""
        return {table: [orjson.loads(line) for line in lines] for table, lines in self.lines().items()}

    @cached_property
    def oddities(self) -> dict[str, oddities.Oddity]:
        """The odd rows by name; none in a small fleet."""
        return oddities.of(self) if self.odd else {}

    def lines(self) -> dict[str, Iterator[bytes]]:
        """All rows by table, each as a JSON object."""
        odd = list(self.oddities.values())
        ordinary = list(machines_of(self, self.machines - sum(oddity.machines for oddity in odd)))
        tables: dict[str, Iterator[Row]] = {
            "resourcecontainers": self._containers(),
            "resources": (row for machine in ordinary for row in resources_of(self, machine)),
            "securityresources": self._security(ordinary),
            "computeresources": iter(()),
        }

        def all_lines(table: str, rows: Iterator[Row]) -> Iterator[bytes]:
            yield from map(orjson.dumps, rows)
            for oddity in odd:
                yield from (orjson.dumps(row) for of, row in oddity.rows if of == table)

        return {table: all_lines(table, rows) for table, rows in tables.items()}

    def _security(self, ordinary: list[Machine]) -> Iterator[Row]:
        findings = Findings(
            self,
            machines=self.machines,
            assessments=self.assessments_per_machine,
            programs=self.software_per_machine,
            row_size=self.row_size,
        )
        for machine in ordinary:
            yield from findings.assessments(machine)
        for machine in ordinary:
            yield from findings.software(machine)
        for subscription in self.subscriptions:
            yield from plans_of(subscription)

    def _containers(self) -> Iterator[Row]:
        for group, (name, above) in self.management_groups.items():
            yield self._management_group(group, name, above)
        for subscription in self.subscriptions:
            place = Place(subscription.tenant, subscription.id, "", "")
            properties = {
                "managementGroupAncestorsChain": self._chain(subscription.groups),
                "subscriptionPolicies": {
                    "locationPlacementId": "Public_2014-09-01",
                    "quotaId": "EnterpriseAgreement_2014-09-01",
                    "spendingLimit": "Off",
                },
                "state": subscription.state,
            }
            kind = "microsoft.resources/subscriptions"
            yield azure.row(place, kind, subscription.name, properties, id=f"/subscriptions/{subscription.id}")

    def _management_group(self, group: str, name: str, above: tuple[str, ...]) -> Row:
        details = {"managementGroupAncestorsChain": self._chain(above)}
        return azure.row(
            Place(self.tenant_id, "", "", ""),
            "microsoft.management/managementgroups",
            group,
            {"details": details, "displayName": name, "tenantId": self.tenant_id},
            id=f"/providers/Microsoft.Management/managementGroups/{group}",
        )

    def _chain(self, groups: tuple[str, ...]) -> list[Row]:
        return [{"displayName": self.management_groups[group][0], "name": group} for group in groups]
