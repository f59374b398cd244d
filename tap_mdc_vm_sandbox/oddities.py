"""What is odd in the made-up tenant, each thing once and by name.

The list follows what was seen in, or must be expected of, real tenants. `ODDITIES` says what each is, so that a
test can find the row of its subject: `fleet.oddities["vm-no-nic"].row`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from . import azure_rows as azure
from .azure_rows import Image, Place, Row

if TYPE_CHECKING:
    from .fleet import Fleet

Placed = tuple[str, Row]
"""A row and the table that it is in."""


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


ODDITIES: dict[str, str] = {}
"""Name of each oddity and what is odd about it."""

_BUILDERS: dict[str, Callable[[Scene], Iterator[Placed]]] = {}

_UBUNTU = Image("canonical", "ubuntu-24_04-lts", "server", "24.04.202505200", "Linux", "ubuntu", "24.04")
_SQL = Image(
    "MicrosoftSQLServer",
    "sql2019-ws2019",
    "standard",
    "15.0.250509",
    "Windows",
    "Windows Server 2019 Datacenter",
    "10.0.17763.7314",
)
_MULTI_SESSION = Image(
    "MicrosoftWindowsDesktop",
    "windows-11",
    "win11-24h2-avd",
    "26100.3775.250406",
    "Windows",
    "Windows 11 Enterprise multi-session",
    "10.0.26100.3775",
)


class Scene:
    """What the builders share: the tenant, a place, and numbers that are never used twice."""

    def __init__(self, fleet: Fleet) -> None:
        """Set the place."""
        self.fleet = fleet
        self.place = Place(fleet.tenant_id, fleet.ordinary[0].id, "RG-Odd")
        self._numbers = count(1)
        self._keys = iter(fleet.catalogue * 3)

    def machine(self, name: str, *interfaces: Row, place: Place | None = None, **facts: Any) -> Row:  # noqa: ANN401
        """A machine with nothing odd, ready to be changed."""
        place = place or self.place
        only = len(interfaces) == 1
        references = [
            azure.interface_reference(nic["id"], primary=None if only else i == 0) for i, nic in enumerate(interfaces)
        ]
        vm_id = self.fleet.guid("odd machine", place.subscription, place.group, name)
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
            guid=self.fleet.guid("odd interface", place.subscription, place.group, name),
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
            guid=self.fleet.guid("odd address", place.subscription, name),
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
            "metadata": self.fleet.metadata(recommendation),
            "links": {"azurePortal": azure.portal_link(resource_id, key)},
        }
        properties = {name: value for name, value in (properties | changes).items() if value is not None}
        return azure.assessment(place, resource_id, key, properties)

    @property
    def showcase(self) -> str:
        """Id of the machine that carries the odd assessments."""
        return self.place.id(azure.VM, "vm-showcase")


def of(fleet: Fleet) -> dict[str, Oddity]:
    """Build all of them for a tenant."""
    scene = Scene(fleet)
    return {name: Oddity(name, ODDITIES[name], tuple(build(scene))) for name, build in _BUILDERS.items()}


Builder = Callable[[Scene], Iterator[Placed]]


def _odd(name: str, what: str) -> Callable[[Builder], Builder]:
    def registered(build: Builder) -> Builder:
        ODDITIES[name] = what
        _BUILDERS[name] = build
        return build

    return registered


def _resources(*rows: Row) -> Iterator[Placed]:
    return (("resources", row) for row in rows)


def _security(*rows: Row) -> Iterator[Placed]:
    return (("securityresources", row) for row in rows)


# Machines ---------------------------------------------------------------------------------------------------------


@_odd("vm-no-nic", "no interface: `networkInterfaces` is []")
def _(scene: Scene) -> Iterator[Placed]:
    return _resources(scene.machine("vm-no-nic"))


@_odd("vm-no-network-profile", "`networkProfile` is missing")
def _(scene: Scene) -> Iterator[Placed]:
    machine = scene.machine("vm-no-network-profile")
    del machine["properties"]["networkProfile"]
    return _resources(machine)


@_odd("vm-nic-unreadable", "its interface has no row")
def _(scene: Scene) -> Iterator[Placed]:
    unseen = scene.interface("nic-unreadable", "vm-nic-unreadable")
    return _resources(scene.machine("vm-nic-unreadable", unseen))


@_odd("vm-specialised", "attached disk: no `imageReference`, no `osProfile`, nothing known of its inside")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-specialised", "vm-specialised")
    machine = scene.machine("vm-specialised", interface)
    properties = machine["properties"]
    del properties["storageProfile"]["imageReference"], properties["osProfile"]
    properties["storageProfile"]["osDisk"]["createOption"] = "Attach"
    for fact in ("computerName", "osName", "osVersion"):
        del properties["extended"]["instanceView"][fact]
    return _resources(machine, interface)


def _with_image(scene: Scene, name: str, reference: Row, **columns: Any) -> Iterator[Placed]:  # noqa: ANN401
    interface = scene.interface(name.replace("vm-", "nic-"), name)
    machine = scene.machine(name, interface, **columns)
    machine["properties"]["storageProfile"]["imageReference"] = reference
    return _resources(machine, interface)


@_odd("vm-managed-image", "made from a managed image: only an id")
def _(scene: Scene) -> Iterator[Placed]:
    image = scene.place.id("Microsoft.Compute/images", "golden")
    return _with_image(scene, "vm-managed-image", {"id": image})


@_odd("vm-community-image", "image by `communityGalleryImageId`")
def _(scene: Scene) -> Iterator[Placed]:
    image = "/CommunityGalleries/example-0815/Images/base/Versions/1.0.0"
    return _with_image(scene, "vm-community-image", {"communityGalleryImageId": image, "exactVersion": "1.0.0"})


@_odd("vm-gallery-image", "gallery image without a version in its id; system-assigned identity")
def _(scene: Scene) -> Iterator[Placed]:
    image = scene.place.id("Microsoft.Compute/galleries", "corp/images/base")
    identity = {
        "type": "SystemAssigned",
        "principalId": scene.fleet.guid("principal"),
        "tenantId": scene.fleet.tenant_id,
    }
    return _with_image(scene, "vm-gallery-image", {"id": image, "exactVersion": "2.1.0"}, identity=identity)


@_odd("vm-gallery-version", "gallery image with a version in its id; user-assigned identity")
def _(scene: Scene) -> Iterator[Placed]:
    image = scene.place.id("Microsoft.Compute/galleries", "corp/images/base/versions/2.1.0")
    user = scene.place.id("Microsoft.ManagedIdentity/userAssignedIdentities", "app")
    ids = {"principalId": scene.fleet.guid("principal 2"), "clientId": scene.fleet.guid("client 2")}
    identity = {"type": "UserAssigned", "userAssignedIdentities": {user: ids}}
    return _with_image(scene, "vm-gallery-version", {"id": image, "exactVersion": "2.1.0"}, identity=identity)


@_odd("vm-spot-evicted", "Spot machine, evicted: deallocated, its dynamic public address is gone")
def _(scene: Scene) -> Iterator[Placed]:
    public = scene.public("pip-spot", "nic-spot", address=None)
    interface = scene.interface("nic-spot", "vm-spot-evicted", public=public)
    machine = scene.machine("vm-spot-evicted", interface, power="deallocated")
    machine["properties"] |= {
        "priority": "Spot",
        "evictionPolicy": "Deallocate",
        "billingProfile": {"maxPrice": -1.0},
    }
    return _resources(machine, interface, public)


@_odd("vm-third-party", "plan, licence, zone; tags with blanks, a slash, quotes and an empty name")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-third-party", "vm-third-party")
    machine = scene.machine(
        "vm-third-party",
        interface,
        plan={"name": "byol", "product": "firewall", "publisher": "example"},
        zones=["2"],
        tags={"cost center": "4711", "owner/team": 'the "blue" one', "": "nameless", "it's": "ok"},
    )
    machine["properties"]["licenseType"] = "RHEL_BYOS"
    return _resources(machine, interface)


@_odd("vm-dual-stack", "IPv4 and IPv6 configurations, each with a public address; IPv6 is never primary")
def _(scene: Scene) -> Iterator[Placed]:
    four = scene.public("pip-dual-4", "nic-dual")
    second = f"{scene.place.id(azure.NIC, 'nic-dual')}/ipConfigurations/ipconfig-v6"
    six = scene.public("pip-dual-6", address="2001:db8::6", version="IPv6", attached_to=second)
    interface = scene.interface("nic-dual", "vm-dual-stack", public=four)
    interface["properties"]["ipConfigurations"].append(
        azure.configuration(
            scene.place,
            "nic-dual",
            "fd00:db8::6",
            name="ipconfig-v6",
            public=six["id"],
            primary=False,
            version="IPv6",
        )
    )
    return _resources(scene.machine("vm-dual-stack", interface), interface, four, six)


@_odd("vm-foreign-ip", "its public address lies in a subscription that can't be read: id known, address not")
def _(scene: Scene) -> Iterator[Placed]:
    hidden = Place(scene.fleet.tenant_id, scene.fleet.subscription("hidden").id, "rg-hub")
    attached = f"{scene.place.id(azure.NIC, 'nic-foreign')}/ipConfigurations/ipconfig1"
    public = scene.public("pip-foreign", place=hidden, attached_to=attached)
    interface = scene.interface("nic-foreign", "vm-foreign-ip", public=public)
    return _resources(scene.machine("vm-foreign-ip", interface), interface, public)


@_odd("vm-two-none-primary", "two interfaces, none marked primary anywhere: the first counts")
def _(scene: Scene) -> Iterator[Placed]:
    public = scene.public("pip-none-2", "nic-none-2")
    first = scene.interface("nic-none-1", "vm-two-none-primary", primary=None)
    second = scene.interface("nic-none-2", "vm-two-none-primary", primary=None, public=public)
    machine = scene.machine("vm-two-none-primary", first, second)
    _unmark(machine)
    for interface in (first, second):
        del interface["properties"]["ipConfigurations"][0]["properties"]["primary"]
    return _resources(machine, first, second, public)


@_odd("vm-primary-on-nic", "two interfaces, `primary` only on their own rows, true on the second")
def _(scene: Scene) -> Iterator[Placed]:
    public = scene.public("pip-primary-2", "nic-primary-2")
    first = scene.interface("nic-primary-1", "vm-primary-on-nic", primary=False)
    second = scene.interface("nic-primary-2", "vm-primary-on-nic", public=public)
    machine = scene.machine("vm-primary-on-nic", first, second)
    _unmark(machine)
    return _resources(machine, first, second, public)


@_odd("vm-public-on-second", "primary interface without a public address, second interface with one")
def _(scene: Scene) -> Iterator[Placed]:
    public = scene.public("pip-second-2", "nic-second-2")
    first = scene.interface("nic-second-1", "vm-public-on-second")
    second = scene.interface("nic-second-2", "vm-public-on-second", primary=False, public=public)
    return _resources(scene.machine("vm-public-on-second", first, second), first, second, public)


@_odd("vm-mac-on-second", 'primary interface with "" as MAC, second interface with one')
def _(scene: Scene) -> Iterator[Placed]:
    first = scene.interface("nic-mac-1", "vm-mac-on-second", mac="")
    second = scene.interface("nic-mac-2", "vm-mac-on-second", primary=False)
    return _resources(scene.machine("vm-mac-on-second", first, second), first, second)


@_odd("vm-mac-null", "its interface's `macAddress` is null")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-mac-null", "vm-mac-null")
    interface["properties"]["macAddress"] = None
    return _resources(scene.machine("vm-mac-null", interface), interface)


@_odd("vm-mac-missing", "never started: its interface has no `macAddress`")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-mac-missing", "vm-mac-missing", mac=None)
    return _resources(scene.machine("vm-mac-missing", interface, power="deallocated"), interface)


@_odd("vm-config-order", "the primary IP configuration is the second of two")
def _(scene: Scene) -> Iterator[Placed]:
    one = scene.public("pip-order-1", "nic-order")
    second = f"{scene.place.id(azure.NIC, 'nic-order')}/ipConfigurations/ipconfig2"
    two = scene.public("pip-order-2", attached_to=second)
    interface = scene.interface("nic-order", "vm-config-order", public=one)
    configurations = interface["properties"]["ipConfigurations"]
    configurations[0]["properties"]["primary"] = False
    configurations.append(
        azure.configuration(scene.place, "nic-order", "10.250.1.4", name="ipconfig2", public=two["id"])
    )
    return _resources(scene.machine("vm-config-order", interface), interface, one, two)


@_odd("vm-new", "minutes old: no `properties.extended`, provisioningState Creating")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-new", "vm-new")
    machine = scene.machine("vm-new", interface)
    machine["properties"]["provisioningState"] = "Creating"
    del machine["properties"]["extended"]
    return _resources(machine, interface)


@_odd("vm-upper", "own id in upper case; interface, address and assessment refer to it in other letter cases")
def _(scene: Scene) -> Iterator[Placed]:
    public = scene.public("pip-upper", "nic-upper")
    interface = scene.interface("nic-upper", "vm-upper", public=public)
    machine = scene.machine("VM-UPPER", interface)
    machine["id"] = scene.place.id(azure.VM, "VM-UPPER", group="RG-ODD")
    lower = scene.place.id(azure.VM, "vm-upper").lower().replace("/resourcegroups/", "/resourceGroups/")
    interface["properties"]["virtualMachine"]["id"] = lower.lower()
    reference = interface["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"]
    reference["id"] = public["id"].lower()
    yield from _resources(machine, interface, public)
    yield from _security(scene.assessment(lower))


@_odd("vm-twin", "same name in two resource groups, one name with dot, parentheses and umlaut; both with a finding")
def _(scene: Scene) -> Iterator[Placed]:
    far = scene.fleet.ordinary[-1]
    elsewhere = Place(far.tenant, far.id, "Größe.(Prod)_1")
    for place in (scene.place, elsewhere):
        interface = scene.interface("nic-twin", "vm-twin", place=place)
        machine = scene.machine("vm-twin", interface, place=place)
        yield from _resources(machine, interface)
        shouted = place.id(azure.VM, "vm-twin", group=place.group.replace("ö", "Ö").replace("rod", "ROD"))
        yield from _security(scene.assessment(shouted, place=place))


@_odd("vm-flex-member", "member of a scale set in flexible mode: `virtualMachineScaleSet`, no `managedBy`")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-flex", "flex_1a2b3c4d")
    machine = scene.machine("flex_1a2b3c4d", interface)
    scale_set = scene.place.id("Microsoft.Compute/virtualMachineScaleSets", "flex")
    machine["properties"]["virtualMachineScaleSet"] = {"id": scale_set}
    return _resources(machine, interface)


@_odd("vm-flex-managed", "the same, with `managedBy` as a specification example has it")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-flex-managed", "flex_9f8e7d6c")
    scale_set = scene.place.id("Microsoft.Compute/virtualMachineScaleSets", "flex")
    machine = scene.machine("flex_9f8e7d6c", interface, managedBy=scale_set)
    machine["properties"]["virtualMachineScaleSet"] = {"id": scale_set}
    return _resources(machine, interface)


@_odd("vm-unmanaged-disk", "unmanaged disk: `vhd` instead of `managedDisk`; database image")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-unmanaged", "vm-unmanaged-disk")
    machine = scene.machine("vm-unmanaged-disk", interface, image=_SQL)
    disk = machine["properties"]["storageProfile"]["osDisk"]
    del disk["managedDisk"]
    disk["vhd"] = {"uri": "https://example.blob.core.windows.net/vhds/vm-unmanaged-disk.vhd"}
    return _resources(machine, interface)


@_odd("vm-trusted-launch", "Trusted Launch, client licence, multi-session desktop")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-trusted", "vm-trusted-launch")
    machine = scene.machine("vm-trusted-launch", interface, image=_MULTI_SESSION, zones=["1"])
    machine["properties"] |= {
        "licenseType": "Windows_Client",
        "securityProfile": {
            "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
            "securityType": "TrustedLaunch",
        },
    }
    return _resources(machine, interface)


@_odd("vm-availability-set", "the id of its availability set is in upper case")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-set", "vm-availability-set")
    machine = scene.machine("vm-availability-set", interface)
    availability_set = scene.place.id("Microsoft.Compute/availabilitySets", "SET-01", group="RG-ODD")
    machine["properties"]["availabilitySet"] = {"id": availability_set}
    return _resources(machine, interface)


@_odd("vm-stopped", "stopped, not deallocated")
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-stopped", "vm-stopped")
    return _resources(scene.machine("vm-stopped", interface, power="stopped"), interface)


@_odd("vm-quiet", "two machines in a subscription without Defender: no assessments at all")
def _(scene: Scene) -> Iterator[Placed]:
    place = Place(scene.fleet.tenant_id, scene.fleet.subscription("quiet").id, "rg-quiet")
    for name in ("vm-quiet-1", "vm-quiet-2"):
        interface = scene.interface(f"{name}-nic", name, place=place)
        yield from _resources(scene.machine(name, interface, place=place), interface)


@_odd("vm-of-customer", "by Azure Lighthouse: another `tenantId`")
def _(scene: Scene) -> Iterator[Placed]:
    customer = scene.fleet.subscription("lighthouse")
    place = Place(customer.tenant, customer.id, "rg-customer")
    interface = scene.interface("nic-customer", "vm-of-customer", place=place)
    machine = scene.machine("vm-of-customer", interface, place=place)
    yield from _resources(machine, interface)
    yield from _security(scene.assessment(machine["id"], place=place))


@_odd("vm-showcase", "an ordinary machine that carries the odd assessments")
def _(scene: Scene) -> Iterator[Placed]:
    public = scene.public("pip-showcase", "nic-showcase")
    interface = scene.interface("nic-showcase", "vm-showcase", public=public)
    return _resources(scene.machine("vm-showcase", interface), interface, public)


# Other resources --------------------------------------------------------------------------------------------------


@_odd("nic-detached", "attached to nothing; keeps its MAC")
def _(scene: Scene) -> Iterator[Placed]:
    return _resources(scene.interface("nic-detached", None))


@_odd("nic-private-endpoint", 'of a private endpoint: `managedBy`, "" as MAC, no `primary`')
def _(scene: Scene) -> Iterator[Placed]:
    interface = scene.interface("nic-private-endpoint", None, mac="")
    endpoint = scene.place.id("Microsoft.Network/privateEndpoints", "store")
    interface["managedBy"] = endpoint
    interface["properties"]["privateEndpoint"] = {"id": endpoint}
    return _resources(interface)


@_odd("pip-load-balancer", "attached to a load balancer")
def _(scene: Scene) -> Iterator[Placed]:
    balancer = scene.place.id("Microsoft.Network/loadBalancers", "front/frontendIPConfigurations/public")
    return _resources(scene.public("pip-load-balancer", attached_to=balancer))


@_odd("pip-unattached", "attached to nothing")
def _(scene: Scene) -> Iterator[Placed]:
    return _resources(scene.public("pip-unattached"))


@_odd("pip-unallocated", "dynamic, attached to nothing: no `ipAddress`")
def _(scene: Scene) -> Iterator[Placed]:
    return _resources(scene.public("pip-unallocated", address=None))


@_odd("resource-extension", "NOT a machine: an extension, whose type begins like a machine's")
def _(scene: Scene) -> Iterator[Placed]:
    kind = f"{azure.VM}/extensions"
    row = azure.row(scene.place, kind, "MDE.Linux", {"provisioningState": "Succeeded"})
    row["id"] = f"{scene.showcase}/extensions/MDE.Linux"
    return _resources(row)


@_odd("resource-scale-set", "NOT a machine: a uniform scale set; its instances are in ComputeResources")
def _(scene: Scene) -> Iterator[Placed]:
    kind = "Microsoft.Compute/virtualMachineScaleSets"
    scale_set = azure.row(scene.place, kind, "uniform", {"orchestrationMode": "Uniform"})
    instance = azure.row(scene.place, f"{kind}/virtualMachines", "uniform_0", {"instanceId": "0"})
    instance["id"] = f"{scale_set['id']}/virtualMachines/0"
    yield "resources", scale_set
    yield "computeresources", instance


@_odd("resource-classic", "NOT a machine: the retired resource model")
def _(scene: Scene) -> Iterator[Placed]:
    kind = "Microsoft.ClassicCompute/virtualMachines"
    return _resources(azure.row(scene.place, kind, "classic-01", {"provisioningState": "Succeeded"}))


@_odd("resource-arc", "NOT a machine of Azure: connected by Arc")
def _(scene: Scene) -> Iterator[Placed]:
    kind = "Microsoft.HybridCompute/machines"
    return _resources(azure.row(scene.place, kind, "onprem-01", {"status": "Connected"}, kind="SCVMM"))


# Assessments of machines ------------------------------------------------------------------------------------------


@_odd("assessment-full", "unhealthy with cause and description; `additionalData` with a blank in its key")
def _(scene: Scene) -> Iterator[Placed]:
    status = {
        "code": "Unhealthy",
        "cause": "ManagementPortsAreOpenToAllSources",
        "description": "An inbound rule allows every source to reach an administration port.",
        "firstEvaluationDate": "2026-02-03T10:51:36.3376828Z",
        "statusChangeDate": "2026-03-04T05:16:03.6743315Z",
    }
    return _security(scene.assessment(status=status, additionalData={"NSG open ports": "22"}))


@_odd("assessment-healthy-cause", "healthy with a cause; its dates are equal")
def _(scene: Scene) -> Iterator[Placed]:
    status = {"code": "Healthy", "cause": "mdeTvm", "description": "The machine is onboarded."}
    same = dict.fromkeys(("firstEvaluationDate", "statusChangeDate"), "2026-02-03T10:51:36.3376828Z")
    return _security(scene.assessment(status=status | same))


@_odd("assessment-critical", "severity Critical; a link to its sub-assessments")
def _(scene: Scene) -> Iterator[Placed]:
    row = scene.assessment()
    row["properties"]["metadata"] |= {"severity": "Critical"}
    row["properties"]["additionalData"] = {"subAssessmentsLink": f"{row['id']}/subAssessments"}
    return _security(row)


@_odd("assessment-two-categories", "two categories")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(_described(scene, categories=["Networking", "Compute"]))


@_odd("assessment-not-applicable", "NotApplicable for each of the recorded causes")
def _(scene: Scene) -> Iterator[Placed]:
    causes = ("UnsupportedPricingPlan", "OffByPolicy", "Exempt")
    return _security(
        *(scene.assessment(status={"code": "NotApplicable", "cause": cause, "description": ""}) for cause in causes)
    )


@_odd("assessment-initiatives", "`statusPerInitiative`, which Resource Graph alone has")
def _(scene: Scene) -> Iterator[Placed]:
    status = {"code": "NotApplicable", "cause": "Exempt"}
    initiative = {"policyInitiativeName": "ASC Default", "assessmentStatus": status}
    return _security(scene.assessment(status=status, statusPerInitiative=[initiative]))


@_odd("assessment-preview", "in preview: `metadata.preview`, and a display name that says so")
def _(scene: Scene) -> Iterator[Placed]:
    row = _described(scene, preview=True)
    row["properties"]["displayName"] = f"[Preview]: {row['properties']['metadata']['displayName']}"
    return _security(row)


@_odd("assessment-custom", 'customer-defined: `cause` and `description` "", no policy, no links')
def _(scene: Scene) -> Iterator[Placed]:
    metadata = {
        "displayName": "Own rule 140",
        "assessmentType": "CustomerManaged",
        "description": "",
        "categories": ["Compute"],
        "severity": "Medium",
    }
    status = {"code": "Healthy", "cause": "", "description": "", "firstEvaluationDate": "2026-02-03T10:51:36.3376828Z"}
    changes: Row = {"displayName": "Own rule 140", "metadata": metadata, "additionalData": {}, "status": status}
    return _security(scene.assessment(links=None, **changes))


@_odd("assessment-bare", "of a partner: no `metadata`, no `links`, no dates")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(
        scene.assessment(metadata=None, links=None, status={"code": "Unhealthy"}, displayName="Partner finding")
    )


@_odd("assessment-no-severity", '`metadata` without severity; categories [], description ""')
def _(scene: Scene) -> Iterator[Placed]:
    row = _described(scene, categories=[], description="")
    del row["properties"]["metadata"]["severity"]
    return _security(row)


@_odd("assessment-unknown-severity", "a severity outside the documented ones")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(_described(scene, severity="Extreme"))


@_odd("assessment-informational", "severity Informational, which belongs to alerts")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(_described(scene, severity="Informational"))


@_odd("assessment-severity-case", "severity in another letter case")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(_described(scene, severity="high"))


@_odd("assessment-unknown-status", "a status code outside the documented ones")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(status={"code": "Pending"}))


@_odd("assessment-details-2020", "`resourceDetails` as in 2020: Source and Id only")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(resourceDetails={"Source": "Azure", "Id": scene.showcase}))


@_odd("assessment-details-camel", "`resourceDetails` in camelCase")
def _(scene: Scene) -> Iterator[Placed]:
    details = {name[0].lower() + name[1:]: value for name, value in azure.resource_details(scene.showcase).items()}
    return _security(scene.assessment(resourceDetails=details))


@_odd("assessment-details-resource-id", "`resourceDetails` with ResourceId, as a documentation example has it")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(resourceDetails={"Source": "Azure", "ResourceId": scene.showcase}))


@_odd("assessment-details-missing", "no `resourceDetails`: only the id tells the machine")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(resourceDetails=None))


@_odd("assessment-lower", "whole id in lower case")
def _(scene: Scene) -> Iterator[Placed]:
    row = scene.assessment()
    row["id"] = row["id"].lower()
    return _security(row)


@_odd("assessment-dates", "portal link that has a scheme already; dates without a fraction and with three digits")
def _(scene: Scene) -> Iterator[Placed]:
    row = scene.assessment()
    row["properties"]["links"]["azurePortal"] = "https://" + row["properties"]["links"]["azurePortal"]
    dates = {"firstEvaluationDate": "2026-02-03T10:51:36Z", "statusChangeDate": "2026-03-04T05:16:03.674Z"}
    row["properties"]["status"] |= dates
    return _security(row)


@_odd("assessment-recommendation-category", "`metadata.recommendationCategory` is there; first date only")
def _(scene: Scene) -> Iterator[Placed]:
    row = _described(scene, recommendationCategory="Harden the network")
    del row["properties"]["status"]["statusChangeDate"]
    return _security(row)


@_odd("assessment-global", '`location` "global"; a long remediation text; category, tactics and techniques are []')
def _(scene: Scene) -> Iterator[Placed]:
    row = _described(scene, remediationDescription="Repeat until done.<br>" * 400, tactics=[], techniques=[])
    row["location"] = "global"
    return _security(row)


@_odd("assessment-orphan", "its machine is gone")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(scene.place.id(azure.VM, "vm-deleted-yesterday", group="RG-ODD")))


def _described(scene: Scene, **metadata: object) -> Row:
    row = scene.assessment()
    row["properties"]["metadata"] |= metadata
    return row


# Assessments of other things, and other rows of the same table ----------------------------------------------------


@_odd("not-machine-extension", "NOT a machine: on an extension of one")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(f"{scene.showcase}/extensions/MDE.Linux"))


@_odd("not-machine-scale-set", "NOT a machine: on a uniform scale set")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(scene.place.id("Microsoft.Compute/virtualMachineScaleSets", "uniform")))


@_odd("not-machine-instance", "NOT a machine: on an instance of a uniform scale set; its id has `/virtualMachines/`")
def _(scene: Scene) -> Iterator[Placed]:
    instance = "uniform/virtualMachines/0"
    return _security(scene.assessment(scene.place.id("Microsoft.Compute/virtualMachineScaleSets", instance)))


@_odd("not-machine-classic", "NOT a machine: on one of the retired resource model")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(scene.place.id("Microsoft.ClassicCompute/virtualMachines", "classic-01")))


@_odd("not-machine-arc", "NOT a machine of Azure: on one connected by Arc, though its `Source` is Azure")
def _(scene: Scene) -> Iterator[Placed]:
    return _security(scene.assessment(scene.place.id("Microsoft.HybridCompute/machines", "onprem-01")))


@_odd("not-machine-on-premise", "NOT a machine of Azure: on one that reports to a workspace")
def _(scene: Scene) -> Iterator[Placed]:
    workspace = scene.place.id("microsoft.operationalinsights/workspaces", "logs")
    uuid = scene.fleet.guid("legacy")
    details = {
        "Source": "OnPremise",
        "WorkspaceId": workspace,
        "VMUUID": uuid,
        "SourceComputerId": scene.fleet.guid("legacy computer"),
        "MachineName": "legacy",
    }
    return _security(scene.assessment(f"{workspace}/onpremisemachines/legacy_{uuid}", resourceDetails=details))


@_odd("not-machine-aws", "NOT a machine of Azure: AWS")
def _(scene: Scene) -> Iterator[Placed]:
    return _elsewhere(scene, "Aws", "aws-i-0abc", {"ResourceProvider": "ec2", "ResourceType": "instance"})


@_odd("not-machine-gcp", "NOT a machine of Azure: Google Cloud")
def _(scene: Scene) -> Iterator[Placed]:
    return _elsewhere(scene, "Gcp", "gcp-vm1", {"ResourceProvider": "compute", "ResourceType": "instances"})


def _elsewhere(scene: Scene, source: str, name: str, details: Row) -> Iterator[Placed]:
    connector = "microsoft.security/securityconnectors"
    resource_id = scene.place.id(connector, f"connector/securityentitydata/{name}")
    where = {"Source": source, "Id": resource_id, "AzureResourceId": resource_id, "ResourceName": name}
    connected = {"ConnectorId": scene.fleet.guid("connector")}
    return _security(scene.assessment(resource_id, resourceDetails=where | details | connected))


@_odd("not-machine-subscription", 'NOT a machine: on the subscription; `resourceGroup` ""')
def _(scene: Scene) -> Iterator[Placed]:
    place = Place(scene.place.tenant, scene.place.subscription, "")
    resource_id = f"/subscriptions/{place.subscription}"
    details = {"Source": "Azure", "Id": resource_id, "NativeResourceId": resource_id}
    return _security(scene.assessment(resource_id, place=place, resourceDetails=details))


@_odd("not-machine-subnet", "NOT a machine: on a subnet")
def _(scene: Scene) -> Iterator[Placed]:
    subnet = scene.place.id("Microsoft.Network/virtualNetworks", "vnet-westeurope/subnets/default")
    return _security(scene.assessment(subnet))


@_odd("not-assessment-sub", "NOT an assessment: a sub-assessment of one on a machine")
def _(scene: Scene) -> Iterator[Placed]:
    parent = scene.assessment()
    row = azure.row(
        scene.place,
        "Microsoft.Security/assessments/subAssessments",
        scene.fleet.guid("sub-assessment"),
        {
            "id": "CVE-0000-0001",
            "displayName": "Example",
            "status": {"code": "Unhealthy", "severity": "High"},
            "resourceDetails": {"source": "Azure", "id": scene.showcase},
            "timeGenerated": "2026-02-03T10:51:36.3376828Z",
            "additionalData": {"assessedResourceType": "ServerVulnerability"},
        },
        location="",
    )
    row["id"] = f"{parent['id']}/subAssessments/{row['name']}"
    return _security(row)


@_odd("not-assessment-score", "NOT an assessment: the secure score")
def _(scene: Scene) -> Iterator[Placed]:
    place = Place(scene.place.tenant, scene.place.subscription, "", "")
    properties = {"displayName": "ASC score", "score": {"current": 23, "max": 58, "percentage": 0.3966}, "weight": 67}
    row = azure.row(place, "Microsoft.Security/secureScores", "ascScore", properties)
    row["id"] = f"/subscriptions/{place.subscription}/providers/Microsoft.Security/secureScores/ascScore"
    return _security(row)


def _unmark(machine: Row) -> None:
    """Take `primary` off the machine's references."""
    for reference in machine["properties"]["networkProfile"]["networkInterfaces"]:
        del reference["properties"]
