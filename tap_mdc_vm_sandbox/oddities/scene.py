"""What the builders of oddities share: a place, rows with nothing odd, and how to register."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import TYPE_CHECKING, Any

from .. import azure_rows as azure
from ..azure_rows import Image, Place, Row
from ..recommendations import CATALOGUE, keyed, metadata

if TYPE_CHECKING:
    from ..tenant import Tenant

Placed = tuple[str, Row]
"""A row and the table that it is in."""

_UBUNTU = Image("canonical", "ubuntu-24_04-lts", "server", "24.04.202505200", "Linux", "ubuntu", "24.04")


class Scene:
    """What the builders share: the tenant, a place, and numbers that are never used twice."""

    def __init__(self, tenant: Tenant) -> None:
        """Set the place."""
        self.tenant = tenant
        self.place = Place(tenant.tenant_id, tenant.ordinary[0].id, "RG-Odd")
        self._numbers = count(1)
        self._keys = (keyed(tenant, number) for number in cycle(range(len(CATALOGUE))))

    def machine(self, name: str, *interfaces: Row, place: Place | None = None, **facts: Any) -> Row:  # noqa: ANN401
        """A machine with nothing odd, ready to be changed."""
        place = place or self.place
        only = len(interfaces) == 1
        references = [
            azure.interface_reference(nic["id"], primary=None if only else i == 0) for i, nic in enumerate(interfaces)
        ]
        vm_id = self.tenant.guid("odd machine", place.subscription, place.group, name)
        return azure.machine(
            place, name, vm_id=vm_id, interfaces=references, image=facts.pop("image", _UBUNTU), **facts
        )

    def interface(  # noqa: PLR0913  # facts of an interface, each by name
        self,
        name: str,
        machine: str | None,
        *,
        place: Place | None = None,
        public: Row | None = None,
        primary: bool | None = True,
        mac: str | None = "fresh",
    ) -> Row:
        """An interface with one configuration, attached to the machine of that name."""
        place, number = place or self.place, next(self._numbers)
        return azure.interface(
            place,
            name,
            guid=self.tenant.guid("odd interface", place.subscription, place.group, name),
            mac=f"00-0D-3A-0D-D0-{number:02X}" if mac == "fresh" else mac,
            configurations=[
                azure.configuration(place, name, f"10.250.0.{number + 3}", public=public["id"] if public else None)
            ],
            machine_id=place.id(azure.VM, machine) if machine else None,
            primary=primary,
        )

    def public(
        self,
        name: str,
        interface: str | None = None,
        *,
        place: Place | None = None,
        address: str | None = "fresh",
        **more: Any,  # noqa: ANN401
    ) -> Row:
        """A public address, attached to the first configuration of the interface of that name."""
        place = place or self.place
        attached = f"{place.id(azure.NIC, interface)}/ipConfigurations/ipconfig1" if interface else None
        return azure.public_address(
            place,
            name,
            guid=self.tenant.guid("odd address", place.subscription, name),
            address=f"203.0.113.{next(self._numbers)}" if address == "fresh" else address,
            attached_to=more.pop("attached_to", attached),
            **more,
        )

    def assessment(self, resource_id: str | None = None, *, place: Place | None = None, **changes: Any) -> Row:  # noqa: ANN401
        """An unhealthy assessment of the showcase machine, or of another resource, by the next recommendation.

        `changes` are merged into the properties; None takes a property out.
        """
        place = place or self.place
        resource_id = resource_id or self.showcase
        key, recommendation = next(self._keys)
        if "resourceDetails" not in changes:
            changes = {"resourceDetails": azure.resource_details(resource_id), **changes}
        properties: Row = {
            "displayName": recommendation.name,
            "status": {
                "code": "Unhealthy",
                "firstEvaluationDate": "2026-02-03T10:51:36.3376828Z",
                "statusChangeDate": "2026-03-04T05:16:03.6743315Z",
            },
            "metadata": metadata(self.tenant, recommendation),
            "links": {"azurePortal": azure.portal_link(resource_id, key)},
        }
        properties = {name: value for name, value in (properties | changes).items() if value is not None}
        return azure.assessment(place, resource_id, key, properties)

    @property
    def showcase(self) -> str:
        """Id of the machine that carries the odd assessments."""
        return self.place.id(azure.VM, "vm-showcase")


Builder = Callable[[Scene], Iterator[Placed]]


class Builders(dict[str, Builder]):
    """The builders of a module by name; the docstring of each says what is odd."""

    def add(self, build: Builder) -> Builder:
        """Register a builder: `_vm_no_nic` makes the oddity `vm-no-nic`."""
        self[build.__name__.strip("_").replace("_", "-")] = build
        return build


def resources(*rows: Row) -> Iterator[Placed]:
    """Rows of the table Resources."""
    return (("resources", row) for row in rows)


def security(*rows: Row) -> Iterator[Placed]:
    """Rows of the table SecurityResources."""
    return (("securityresources", row) for row in rows)
