"""Who the made-up tenant is: its ids, its subscriptions and what they pay for, the groups above them."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property


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
        servers: Sub-plan of Defender for Servers: P1 or P2; "" when it is off.
        posture: Whether Defender CSPM is on: it knows attack paths, and looks into machines.
        foundational: Whether the free plan is on; without it there are no findings.
    """

    id: str
    name: str
    tenant: str
    state: str = "Enabled"
    groups: tuple[str, ...] = ()
    readable: bool = True
    servers: str = "P2"
    posture: bool = True
    foundational: bool = True

    @property
    def has_inventory(self) -> bool:
        """Whether Defender lists the software of its machines."""
        return self.servers == "P2" or self.posture


_ORDINARY_PLANS = (("P2", True), ("P1", False), ("P2", False))
"""Sub-plan of Defender for Servers and whether Defender CSPM is on, by turns."""


class Tenant:
    """The directory and what belongs to it.

    Attributes:
        seed: Another seed, another tenant.
        as_of: Its today: what happens later is not there yet.
        tenant_id: Id of its directory.
        client_id: Id of the application that reads it.
        odd: Whether it has the odd subscriptions too.
        ordinary: The ordinary subscriptions.
        subscriptions: All of them.
    """

    def __init__(self, *, seed: int, subscriptions: int, as_of: date, odd: bool) -> None:
        """Name everything.

        Args:
            seed: Another seed, another tenant.
            subscriptions: Ordinary ones; an odd tenant has four more.
            as_of: Its today.
            odd: Whether it has the odd subscriptions.
        """
        self.seed = seed
        self.as_of = as_of
        self.odd = odd
        self.tenant_id = self.guid("tenant")
        self.client_id = self.guid("application")
        self.ordinary = tuple(self._ordinary(number) for number in range(subscriptions))
        self.subscriptions = self.ordinary + (self._odd() if odd else ())

    def guid(self, *of: object) -> str:
        """A GUID that depends on the seed and on what it is of."""
        return str(uuid.UUID(int=random.Random(f"{self.seed}/{of}").getrandbits(128), version=4))  # noqa: S311

    def subscription(self, name: str) -> Subscription:
        """The odd subscription `disabled`, `quiet`, `lighthouse` or `hidden`."""
        return next(subscription for subscription in self.subscriptions if subscription.id == self.guid(name))

    @cached_property
    def now(self) -> int:
        """The moment at which `as_of` begins, in seconds since 1970."""
        return int(datetime(self.as_of.year, self.as_of.month, self.as_of.day, tzinfo=UTC).timestamp())

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

    def _ordinary(self, number: int) -> Subscription:
        stage = "production" if number % 2 == 0 else "staging"
        servers, posture = _ORDINARY_PLANS[number % len(_ORDINARY_PLANS)]
        return Subscription(
            self.guid("subscription", number),
            f"Workloads {number + 1:02d}",
            self.tenant_id,
            groups=(f"mg-{stage}", "mg-workloads", self.tenant_id),
            servers=servers,
            posture=posture,
        )

    def _odd(self) -> tuple[Subscription, ...]:
        retired = ("mg-retired", self.tenant_id)
        staging = ("mg-staging", "mg-workloads", self.tenant_id)
        return (
            Subscription(
                self.guid("disabled"), "Closed project", self.tenant_id, "Disabled", retired, servers="", posture=False
            ),
            Subscription(
                self.guid("quiet"),
                "Without Defender",
                self.tenant_id,
                groups=staging,
                servers="",
                posture=False,
                foundational=False,
            ),
            Subscription(self.guid("lighthouse"), "Customer by Lighthouse", self.guid("customer's tenant")),
            Subscription(self.guid("hidden"), "Nobody's business", self.tenant_id, groups=retired, readable=False),
        )
