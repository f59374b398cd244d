"""The ordinary machines of the made-up tenant, and the rows of each: machine, interfaces, public address."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import azure_rows as azure
from .azure_rows import Image, Place, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .tenant import Subscription, Tenant

_IMAGES = (
    Image("canonical", "ubuntu-24_04-lts", "server", "24.04.202505200", "Linux", "ubuntu", "24.04"),
    Image("canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "22.04.202504150", "Linux", "ubuntu", "22.04"),
    Image("RedHat", "RHEL", "9-lvm-gen2", "9.4.2025040115", "Linux", "rhel", "9.4"),
    Image("debian", "debian-12", "12-gen2", "0.20250428.2096", "Linux", "debian", "12.10"),
    Image("suse", "sles-15-sp5", "gen2", "2025.03.14", "Linux", "sles", "15.5"),
    Image(
        "MicrosoftWindowsServer",
        "WindowsServer",
        "2022-datacenter-azure-edition",
        "20348.3692.250509",
        "Windows",
        "Windows Server 2022 Datacenter Azure Edition",
        "10.0.20348.3692",
    ),
    Image(
        "MicrosoftWindowsServer",
        "WindowsServer",
        "2019-Datacenter",
        "17763.7314.250509",
        "Windows",
        "Windows Server 2019 Datacenter",
        "10.0.17763.7314",
    ),
)
_ROLES = ("web", "api", "db", "cache", "queue", "batch", "build", "mail", "proxy", "erp")
_STAGES = ("prod", "stage", "dev")
_REGIONS = ("westeurope", "northeurope", "germanywestcentral", "eastus", "southeastasia")
_SIZES = ("Standard_B2s", "Standard_D2s_v5", "Standard_D4s_v5", "Standard_E8s_v5", "Standard_F4s_v2")
_MAC_PREFIXES = ("00-0D-3A", "00-22-48", "60-45-BD", "7C-1E-52")
_DAY = 86_400
_LAST_CREATED = 1_767_225_600  # the first of January 2026
_PATCH_MODES = {
    "Linux": (None, "ImageDefault", "AutomaticByPlatform"),
    "Windows": ("AutomaticByOS", "AutomaticByPlatform", "Manual"),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the rows of one ordinary machine have in common."""

    number: int
    name: str
    subscription: Subscription
    place: Place
    vm_id: str
    image: Image
    size: str
    power: str
    created: str
    mac: str
    address: str
    public: str | None
    shouting: bool  # Azure spells its resource group in capitals here and there
    second_interface: bool
    tags: Mapping[str, str] | None

    @property
    def id(self) -> str:
        """Its id as most other rows spell it."""
        return self.place.id(azure.VM, self.name)

    @property
    def is_exposed(self) -> bool:
        """Whether the internet reaches it."""
        return self.public is not None and self.power == "running"


def machines_of(tenant: Tenant, how_many: int) -> Iterator[Machine]:
    """Draw the machines of a tenant."""
    chance = random.Random(f"{tenant.seed}/machines")  # noqa: S311  # not for secrets
    for number in range(how_many):
        yield _machine(tenant, number, chance)


def _machine(tenant: Tenant, number: int, chance: random.Random) -> Machine:
    role, stage = chance.choice(_ROLES), chance.choice(_STAGES)
    subscription = tenant.ordinary[number % len(tenant.ordinary)]
    group = f"{chance.choice(('rg', 'RG', 'Rg'))}-{role}-{stage}"
    address = f"10.{number >> 14 & 255}.{number >> 6 & 255}.{4 + (number & 63)}"
    public = f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number & 255}"  # RFC 2544: for benchmarks
    return Machine(
        number=number,
        name=f"{role}-{stage}-{number:05d}",
        subscription=subscription,
        place=Place(subscription.tenant, subscription.id, group, chance.choice(_REGIONS)),
        vm_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        image=chance.choice(_IMAGES),
        size=chance.choice(_SIZES),
        power="running" if chance.random() < 0.85 else "deallocated",
        created=_created(tenant, chance),
        mac=f"{chance.choice(_MAC_PREFIXES)}-{number >> 16 & 255:02X}-{number >> 8 & 255:02X}-{number & 255:02X}",
        address=address,
        public=public if chance.random() < 0.4 else None,
        shouting=chance.random() < 0.2,
        second_interface=chance.random() < 0.05,
        tags=chance.choice((None, None, {}, {"stage": stage, "cost center": f"{number % 40:04d}"})),
    )


def _created(tenant: Tenant, chance: random.Random) -> str:
    seconds = _LAST_CREATED - chance.randrange(900 * _DAY)
    return azure.moment(min(seconds, tenant.now - 1), chance.randrange(10_000_000)).replace("Z", "+00:00")


def resources_of(tenant: Tenant, machine: Machine) -> Iterator[Row]:
    """The rows of a machine in the table Resources."""
    place, name = machine.place, machine.name
    first, second = f"{name}-nic", f"{name}-nic2"
    upper = place.group.upper() if machine.shouting else None
    public = place.id(azure.PIP, f"{name}-ip") if machine.public else None
    only = None if not machine.second_interface else True
    references = [azure.interface_reference(place.id(azure.NIC, first), primary=only)]
    if machine.second_interface:
        references.append(azure.interface_reference(place.id(azure.NIC, second), primary=False))
    row = azure.machine(
        place,
        name,
        vm_id=machine.vm_id,
        image=machine.image,
        interfaces=references,
        size=machine.size,
        power=machine.power,
        created=machine.created,
        id=place.id(azure.VM, name, group=upper),
        tags=machine.tags,
        zones=[str(machine.number % 3 + 1)] if machine.number % 4 else None,
    )
    _furnish(row["properties"], machine)
    yield row
    attached = place.id(azure.VM, name, group=None if machine.number % 5 else place.group.lower())
    yield azure.interface(
        place,
        first,
        guid=_numbered(tenant, "nic", machine.number),
        mac=machine.mac,
        configurations=[azure.configuration(place, first, machine.address, public=public)],
        machine_id=attached,
    )
    if machine.second_interface:
        yield azure.interface(
            place,
            second,
            guid=_numbered(tenant, "nic2", machine.number),
            mac=f"{machine.mac[:8]}-FE{machine.mac[-6:]}",
            configurations=[azure.configuration(place, second, machine.address.replace("10.", "172.", 1))],
            machine_id=attached,
            primary=False,
        )
    if public:
        yield azure.public_address(
            place,
            f"{name}-ip",
            guid=_numbered(tenant, "pip", machine.number),
            address=None if machine.power == "deallocated" else machine.public,
            attached_to=f"{place.id(azure.NIC, first)}/ipConfigurations/ipconfig1",
        )


def _furnish(properties: dict[str, Any], machine: Machine) -> None:
    """Give a machine how it is patched, secured and what disks it has, by turns."""
    number, system = machine.number, machine.image.os_type
    patching = _PATCH_MODES[system][number % 3]
    own: Row = {"provisionVMAgent": True}
    if patching:
        own["patchSettings"] = {"patchMode": patching, "assessmentMode": "ImageDefault"}
    properties["osProfile"][f"{system.lower()}Configuration"] = own
    if number % 3:
        boot = {"secureBootEnabled": number % 3 == 1, "vTpmEnabled": True}
        properties["securityProfile"] = {"uefiSettings": boot, "securityType": "TrustedLaunch"}
        if number % 5 == 0:
            properties["securityProfile"]["encryptionAtHost"] = True
    properties["storageProfile"]["dataDisks"] = [
        {
            "lun": lun,
            "name": f"{machine.name}_Data_{lun}",
            "createOption": "Empty",
            "caching": "None",
            "diskSizeGB": 128,
            "managedDisk": {"id": machine.place.id("Microsoft.Compute/disks", f"{machine.name}_Data_{lun}")},
        }
        for lun in range(number % 4 % 3)
    ]


def _numbered(tenant: Tenant, kind: str, number: int) -> str:
    return f"{tenant.guid(kind)[:24]}{number:012x}"
