"""A made-up tenant of any size: the same arguments give the same bytes, on any machine.

Ordinary machines are drawn from a seeded generator; from 40 machines on, the tenant also has each oddity of
`oddities.ODDITIES`, which is what makes it worth testing against.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from . import azure_rows as azure
from . import oddities
from .azure_rows import Image, Place, Row
from .recommendations import CATALOGUE, Recommendation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SMALLEST_ODD_FLEET = 40

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
_NOT_APPLICABLE = (
    ("UnsupportedPricingPlan", "The plan of this subscription does not include the check."),
    ("OffByPolicy", "A policy switches this recommendation off."),
    ("Exempt", "Somebody exempted this machine."),
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription of the tenant.

    Attributes:
        id: GUID.
        name: Display name.
        tenant: Its directory; another one if it is here by way of Azure Lighthouse.
        state: Enabled, Disabled, …
        groups: Ids of the management groups above it, nearest first.
        readable: Whether the application may read it.
    """

    id: str
    name: str
    tenant: str
    state: str = "Enabled"
    groups: tuple[str, ...] = ()
    readable: bool = True


@dataclass(frozen=True, slots=True)
class _Machine:
    """What the rows of one ordinary machine have in common."""

    number: int
    name: str
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


class Fleet:
    """The tenant."""

    def __init__(  # noqa: PLR0913  # the size and shape of a tenant, each by name
        self,
        *,
        seed: int = 7,
        machines: int = 60,
        assessments_per_machine: int = 11,
        row_size: int = 0,
        subscriptions: int = 3,
        as_of: date = date(2026, 6, 30),
    ) -> None:
        """Decide about everything; rows are made when they are asked for.

        Args:
            seed: Another seed, another tenant.
            machines: All machines, odd ones included.
            assessments_per_machine: Of each ordinary machine; the odd ones bring their own.
            row_size: Bytes that the row of each ordinary assessment has at least.
            subscriptions: Ordinary ones; a tenant with oddities has four more.
            as_of: The last day on which anything happened.
        """
        self.seed = seed
        self.machines = machines
        self.assessments_per_machine = assessments_per_machine
        self.row_size = row_size
        self.as_of = as_of
        self.tenant_id = self.guid("tenant")
        self.client_id = self.guid("application")
        self.odd = machines >= SMALLEST_ODD_FLEET
        self.ordinary = tuple(self._ordinary_subscription(number) for number in range(subscriptions))
        self.subscriptions = self.ordinary + (self._odd_subscriptions() if self.odd else ())
        self.catalogue = tuple(self._keyed(number) for number in range(max(assessments_per_machine, len(CATALOGUE))))

    def guid(self, *of: object) -> str:
        """A GUID that depends on the seed and on what it is of."""
        return str(uuid.UUID(int=random.Random(f"{self.seed}/{of}").getrandbits(128), version=4))  # noqa: S311

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
        ordinary = list(self._machines())
        tables: dict[str, Iterator[Row]] = {
            "resourcecontainers": self._containers(),
            "resources": self._resources(ordinary),
            "securityresources": self._assessments(ordinary),
        }

        def all_lines(table: str, rows: Iterator[Row]) -> Iterator[bytes]:
            yield from map(orjson.dumps, rows)
            for oddity in odd:
                yield from (orjson.dumps(row) for of, row in oddity.rows if of == table)

        tables.setdefault("computeresources", iter(()))
        return {table: all_lines(table, rows) for table, rows in tables.items()}

    # subscriptions and what is above them

    def _ordinary_subscription(self, number: int) -> Subscription:
        stage = "production" if number % 2 == 0 else "staging"
        groups = (f"mg-{stage}", "mg-workloads", self.tenant_id)
        return Subscription(
            self.guid("subscription", number), f"Workloads {number + 1:02d}", self.tenant_id, groups=groups
        )

    def _odd_subscriptions(self) -> tuple[Subscription, ...]:
        above = ("mg-retired", self.tenant_id)
        return (
            Subscription(self.guid("disabled"), "Closed project", self.tenant_id, state="Disabled", groups=above),
            Subscription(
                self.guid("quiet"),
                "Without Defender",
                self.tenant_id,
                groups=("mg-staging", "mg-workloads", self.tenant_id),
            ),
            Subscription(self.guid("lighthouse"), "Customer by Lighthouse", self.guid("customer's tenant")),
            Subscription(self.guid("hidden"), "Nobody's business", self.tenant_id, groups=above, readable=False),
        )

    def subscription(self, name: str) -> Subscription:
        """The odd subscription `disabled`, `quiet`, `lighthouse` or `hidden`."""
        return next(subscription for subscription in self.subscriptions if subscription.id == self.guid(name))

    @cached_property
    def management_groups(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Display name and the groups above, nearest first, by id."""
        root = self.tenant_id
        groups = {
            root: ("Tenant Root Group", ()),
            "mg-workloads": ("Workloads", (root,)),
            "mg-production": ("Production", ("mg-workloads", root)),
            "mg-staging": ("Staging", ("mg-workloads", root)),
        }
        return groups | ({"mg-retired": ("Retired", (root,))} if self.odd else {})

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

    # machines

    def _machines(self) -> Iterator[_Machine]:
        chance = random.Random(f"{self.seed}/machines")  # noqa: S311  # not for secrets
        for number in range(self.machines - sum(o.machines for o in self.oddities.values())):
            yield self._machine(number, chance)

    def _machine(self, number: int, chance: random.Random) -> _Machine:
        role, stage = chance.choice(_ROLES), chance.choice(_STAGES)
        subscription = self.ordinary[number % len(self.ordinary)]
        group = f"{chance.choice(('rg', 'RG', 'Rg'))}-{role}-{stage}"
        address = f"10.{number >> 14 & 255}.{number >> 6 & 255}.{4 + (number & 63)}"
        public = f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number & 255}"  # RFC 2544: for benchmarks
        return _Machine(
            number=number,
            name=f"{role}-{stage}-{number:05d}",
            place=Place(subscription.tenant, subscription.id, group, chance.choice(_REGIONS)),
            vm_id=_guid(chance),
            image=chance.choice(_IMAGES),
            size=chance.choice(_SIZES),
            power="running" if chance.random() < 0.85 else "deallocated",
            created=_moment(chance, self.as_of, days=900).replace("Z", "+00:00"),
            mac=f"{chance.choice(_MAC_PREFIXES)}-{number >> 16 & 255:02X}-{number >> 8 & 255:02X}-{number & 255:02X}",
            address=address,
            public=public if chance.random() < 0.4 else None,
            shouting=chance.random() < 0.2,
            second_interface=chance.random() < 0.05,
            tags=chance.choice((None, None, {}, {"stage": stage, "cost center": f"{number % 40:04d}"})),
        )

    def _resources(self, machines: list[_Machine]) -> Iterator[Row]:
        for machine in machines:
            yield from self._machine_rows(machine)

    def _machine_rows(self, machine: _Machine) -> Iterator[Row]:
        place, name = machine.place, machine.name
        first, second = f"{name}-nic", f"{name}-nic2"
        upper = place.group.upper() if machine.shouting else None
        own_id = place.id(azure.VM, name, group=upper)
        public = place.id(azure.PIP, f"{name}-ip") if machine.public else None
        only = None if not machine.second_interface else True
        references = [azure.interface_reference(place.id(azure.NIC, first), primary=only)]
        if machine.second_interface:
            references.append(azure.interface_reference(place.id(azure.NIC, second), primary=False))
        yield azure.machine(
            place,
            name,
            vm_id=machine.vm_id,
            image=machine.image,
            interfaces=references,
            size=machine.size,
            power=machine.power,
            created=machine.created,
            id=own_id,
            tags=machine.tags,
            zones=[str(machine.number % 3 + 1)] if machine.number % 4 else None,
        )
        attached = place.id(azure.VM, name, group=None if machine.number % 5 else place.group.lower())
        yield azure.interface(
            place,
            first,
            guid=self._numbered("nic", machine.number),
            mac=machine.mac,
            configurations=[azure.configuration(place, first, machine.address, public=public)],
            machine_id=attached,
        )
        if machine.second_interface:
            yield azure.interface(
                place,
                second,
                guid=self._numbered("nic2", machine.number),
                mac=f"{machine.mac[:8]}-FE{machine.mac[-6:]}",
                configurations=[azure.configuration(place, second, machine.address.replace("10.", "172.", 1))],
                machine_id=attached,
                primary=False,
            )
        if public:
            yield azure.public_address(
                place,
                f"{name}-ip",
                guid=self._numbered("pip", machine.number),
                address=None if machine.power == "deallocated" else machine.public,
                attached_to=f"{place.id(azure.NIC, first)}/ipConfigurations/ipconfig1",
            )

    def _numbered(self, kind: str, number: int) -> str:
        return f"{self.guid(kind)[:24]}{number:012x}"

    # assessments

    def _keyed(self, number: int) -> tuple[str, Recommendation]:
        """A recommendation and its key; beyond the catalogue, variants of the first ones."""
        entry = CATALOGUE[number % len(CATALOGUE)]
        if number >= len(CATALOGUE):
            variant = number // len(CATALOGUE) + 1
            entry = replace(entry, slug=f"{entry.slug}-{variant}", name=f"{entry.name} (rule {variant})")
        return self.guid("assessment", entry.slug), entry

    def metadata(self, recommendation: Recommendation) -> Row:
        """The metadata of each assessment made by a recommendation."""
        policy = self.guid("policy", recommendation.slug)
        found: Row = {
            "displayName": recommendation.name,
            "assessmentType": "BuiltIn",
            "policyDefinitionId": f"/providers/Microsoft.Authorization/policyDefinitions/{policy}",
            "description": recommendation.description,
            "remediationDescription": recommendation.remediation,
            "categories": recommendation.categories,
            "severity": recommendation.severity,
            "userImpact": recommendation.impact,
            "implementationEffort": recommendation.effort,
            "threats": recommendation.threats,
        }
        if recommendation.tactics:
            found |= {"tactics": recommendation.tactics, "techniques": recommendation.techniques}
        if recommendation.preview:
            found["preview"] = True
        return found

    def _assessments(self, machines: list[_Machine]) -> Iterator[Row]:
        chance = random.Random(f"{self.seed}/assessments")  # noqa: S311  # not for secrets
        encoded = {key: orjson.Fragment(orjson.dumps(self.metadata(entry))) for key, entry in self.catalogue}
        for machine in machines:
            chosen = chance.sample(self.catalogue, self.assessments_per_machine)
            resource_id = machine.place.id(azure.VM, machine.name)
            spelt = resource_id.replace("/resourceGroups/", "/resourcegroups/") if machine.shouting else resource_id
            details = azure.resource_details(resource_id)
            for key, entry in chosen:
                properties = {
                    "resourceDetails": details,
                    "displayName": f"[Preview]: {entry.name}" if entry.preview else entry.name,
                    "status": self._status(entry, chance),
                    "additionalData": {},
                    "metadata": encoded[key],
                    "links": {"azurePortal": azure.portal_link(resource_id, key)},
                }
                row = azure.assessment(machine.place, spelt, key, properties)
                if self.row_size:
                    _fill(row, self.row_size)
                yield row

    def _status(self, entry: Recommendation, chance: random.Random) -> dict[str, Any]:
        drawn = chance.random()
        first = _moment(chance, self.as_of, days=500)
        changed = _moment(chance, self.as_of, days=60)
        dates = {"firstEvaluationDate": min(first, changed), "statusChangeDate": max(first, changed)}
        if drawn < 0.3:
            cause = {"cause": entry.cause, "description": entry.cause_text} if entry.cause else {}
            return {"code": "Unhealthy", **cause, **dates}
        if drawn < 0.8:
            return {"code": "Healthy", **dates}
        reason, text = chance.choice(_NOT_APPLICABLE)
        return {"code": "NotApplicable", "cause": reason, "description": text, **dates}


def _fill(row: Row, size: int) -> None:
    """Make a row so many bytes large, as a long list of evidence would."""
    evidence = ""
    row["properties"]["additionalData"]["Evidence"] = evidence
    if (lacking := size - len(orjson.dumps(row))) > 0:
        lines = (f"{number:06d} a file that was looked into; " for number in range(lacking // 30 + 1))
        row["properties"]["additionalData"]["Evidence"] = "".join(lines)[:lacking]


def _guid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _moment(chance: random.Random, until: date, *, days: int) -> str:
    """A moment in the days before one, with the seven digits that Azure gives."""
    end = datetime(until.year, until.month, until.day, tzinfo=UTC)
    moment = end - timedelta(seconds=chance.randrange(days * 86_400))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{chance.randrange(10_000_000):07d}Z"
