"""What one stream remembers for the next: addresses for interfaces, interfaces for machines, machines for findings.

An index holds something of every resource in the tenant, so it keeps that small (:class:`_Compact`), and is cleared
once the stream that asks it has been read.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from tap_mdc_vm.records import Record

_MARK = 8
"""Bytes for an id: Python's hash of it. Two of a million ids have the same once in tens of millions of runs, and as
each process hashes with a secret of its own, nobody can name machines so that they have."""

_BUCKETS = 32_768
"""Of some 400 bytes each at 100,000 machines: quick to search, quick to copy for one entry more, and so small that
Python's own allocator holds them, which gives their memory to others once the index is cleared."""


class _Compact:
    """Facts by id, as a hash table whose buckets are bytes: an id's mark, its facts as JSON, a line feed, the next.

    An entry takes 9 bytes beside its JSON, where a dict needs some 150 for its slot, its key and the string. In return
    nothing is replaced: each resource comes once, and an id that comes again (a page that shifted) is ignored.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.clear()

    def clear(self) -> None:
        """Forget all facts."""
        self._buckets = [b""] * _BUCKETS

    def _keep(self, lower_id: str, facts: list[Any]) -> bool:
        """Keep facts, and return True; False if there are some under this id already."""
        mark, number = _place(lower_id)
        if mark in self._buckets[number]:
            return False
        self._buckets[number] += b"%b%b\n" % (mark, orjson.dumps(facts))
        return True

    def _recall(self, lower_id: str) -> list[Any] | None:
        """Return the facts under an id, or None."""
        mark, number = _place(lower_id)
        bucket = self._buckets[number]
        start = bucket.find(mark)
        if start < 0:
            return None
        start += _MARK
        facts: list[Any] = orjson.loads(bucket[start : bucket.index(b"\n", start)])
        return facts


def _place(lower_id: str) -> tuple[bytes, int]:
    """Return an id's mark and the number of its bucket."""
    hashed = hash(lower_id)
    return hashed.to_bytes(_MARK, "little", signed=True), hashed % _BUCKETS


class AddressIndex(_Compact):
    """The address of each public IP resource. Interfaces ask for it."""

    def add(self, lower_id: str, address: str | None) -> None:
        """Keep an address. A resource without one (None) is as good as unknown."""
        if address:
            self._keep(lower_id, [address])

    def get(self, lower_id: str, /) -> str | None:
        """Return the address of a resource, or None."""
        facts = self._recall(lower_id)
        return facts[0] if facts else None


class InterfaceIndex(_Compact):
    """The MAC and the addresses of each network interface. Machines ask for them."""

    def add(self, record: Record) -> None:
        """Keep what a machine takes from a record of the stream ``network_interfaces``."""
        configurations = [
            [each["primary"], each["privateIPAddress"], each["publicIPAddress"]] for each in record["ipConfigurations"]
        ]
        self._keep(record["id"], [record["primary"], record["macAddress"], configurations])

    def get(self, lower_id: str, /) -> Record | None:
        """Return an interface's record, cut down to what a machine takes from it; None for an unknown interface.

        That is ``primary``, ``macAddress``, and ``ipConfigurations`` with ``primary``, ``privateIPAddress`` and
        ``publicIPAddress`` each.
        """
        facts = self._recall(lower_id)
        if not facts:
            return None
        primary, mac_address, configurations = facts
        return {
            "primary": primary,
            "macAddress": mac_address,
            "ipConfigurations": [
                {"primary": marked, "privateIPAddress": private, "publicIPAddress": public}
                for marked, private, public in configurations
            ],
        }


class MachineIndex(_Compact):
    """What the assessments of each virtual machine repeat of it.

    Attributes:
        subscriptions: How many machines each subscription has, by lower-case subscription id. Survives :meth:`clear`.
    """

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.subscriptions: Counter[str] = Counter()
        self._systems: list[tuple[str | None, str | None, str | None]] = []
        self._numbers: dict[tuple[str | None, str | None, str | None], int] = {}

    def add(self, record: Record) -> None:
        """Keep what assessments take from a record of the stream ``virtual_machines``."""
        system = record["imageOffer"], record["imageVersion"], record["osType"]  # the same for many: kept once
        number = self._numbers.setdefault(system, len(self._systems))
        if number == len(self._systems):
            self._systems.append(system)
        addresses = record["macAddress"], record["privateIPAddress"], record["publicIPAddress"]
        new = self._keep(record["id"], [number, record["vmId"], record["name"], *addresses])
        if new and record["subscriptionId"]:
            self.subscriptions[record["subscriptionId"].lower()] += 1

    def get(self, lower_id: str, /) -> Record | None:
        """Return the eight fields of a machine's record that its assessments repeat; None for an unknown machine."""
        facts = self._recall(lower_id)
        if not facts:
            return None
        number, vm_id, name, mac_address, private, public = facts
        offer, version, os_type = self._systems[number]
        return {
            "vmId": vm_id,
            "vmName": name,
            "imageOffer": offer,
            "imageVersion": version,
            "osType": os_type,
            "macAddress": mac_address,
            "privateIPAddress": private,
            "publicIPAddress": public,
        }
