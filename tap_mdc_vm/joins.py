"""What one stream remembers for the next: addresses for interfaces, interfaces for machines, machines for findings.

An index holds something of every resource in the tenant, so it keeps that small (:class:`_Compact`), and is cleared
once the stream that asks it has been read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from tap_mdc_vm.records import Record

_MARK = 8
"""Bytes for an id: Python's hash of it. Two of a million ids have the same once in tens of millions of runs, and as
each process hashes with a secret of its own, nobody can name machines so that they have."""

_BUCKETS = 32_768
"""Of some 400 bytes each at 100,000 machines: quick to search, quick to copy for one entry more, and so small that
Python's own allocator holds them, which gives their memory to others once the index is cleared."""

_OWNED = "/"
"""Behind a machine's id, what it owns is kept apart from what is known of a resource with that id."""

_INTERFACES = "/providers/microsoft.network/networkinterfaces/"


class _Compact:
    """Facts by id, as a hash table whose buckets are bytes: an id's mark, its facts as JSON, a line feed, the next.

    An entry takes 9 bytes beside its JSON, where a dict needs some 150 for its slot, its key and the string. In return
    nothing can be replaced.
    """

    def __init__(self) -> None:
        self.clear()

    def __contains__(self, lower_id: str) -> bool:
        mark, number = _place(lower_id)
        return mark in self._buckets[number]

    def clear(self) -> None:
        """Forget all facts."""
        self._buckets = [b""] * _BUCKETS

    def keep(self, lower_id: str, facts: object) -> None:
        """Keep facts under an id, beside those that are there."""
        mark, number = _place(lower_id)
        self._buckets[number] += b"%b%b\n" % (mark, orjson.dumps(facts))

    def get(self, lower_id: str, /) -> Any:  # noqa: ANN401 - what was kept
        """Return the facts under an id that came first, or None."""
        return next(self.recall(lower_id), None)

    def recall(self, lower_id: str) -> Iterator[Any]:
        """Yield the facts under an id, as they came."""
        mark, number = _place(lower_id)
        bucket = self._buckets[number]
        end = 0
        while (start := bucket.find(mark, end)) >= 0:
            end = bucket.index(b"\n", start + _MARK)
            yield orjson.loads(bucket[start + _MARK : end])


def _place(lower_id: str) -> tuple[bytes, int]:
    """Return an id's mark and the number of its bucket."""
    hashed = hash(lower_id)
    return hashed.to_bytes(_MARK, "little", signed=True), hashed % _BUCKETS


class AddressIndex(_Compact):
    """The address of each public IP resource. Interfaces ask for it."""

    def add(self, found: tuple[str, str | None]) -> None:
        """Keep the address under a lower-case id. A resource without one (None) is as good as unknown."""
        lower_id, address = found
        if address:
            self.keep(lower_id, address)


class InterfaceIndex(_Compact):
    """The MAC and the addresses of each network interface, and whose it is. Machines ask for them."""

    _CONFIGURATION = ("primary", "privateIPAddress", "publicIPAddress")

    def add(self, record: Record) -> None:
        """Keep what a machine takes from a record of the stream ``network_interfaces``."""
        identity, machine = record["id"], record.get("virtualMachineId")
        configurations = [[each[name] for name in self._CONFIGURATION] for each in record["ipConfigurations"]]
        self.keep(identity, [record["primary"], record["macAddress"], configurations])
        if machine:
            # Mostly both are in one resource group, and then the interface's name tells its id.
            self.keep(machine + _OWNED, identity.removeprefix(_beside(machine)))

    def get(self, lower_id: str, /) -> Record | None:
        """Return an interface's record, cut down to what a machine takes from it; None for an unknown interface.

        That is ``primary``, ``macAddress``, and ``ipConfigurations`` with ``primary``, ``privateIPAddress`` and
        ``publicIPAddress`` each.
        """
        facts = super().get(lower_id)
        return facts and {
            "primary": facts[0],
            "macAddress": facts[1],
            "ipConfigurations": [dict(zip(self._CONFIGURATION, each, strict=True)) for each in facts[2]],
        }

    def attached_to(self, machine_id: str) -> list[str]:
        """Return the ids of the interfaces that say that they are a machine's, which its own row may leave out."""
        names = self.recall(machine_id + _OWNED)
        return [name if name.startswith("/") else _beside(machine_id) + name for name in names]


def _beside(machine_id: str) -> str:
    """Return what the id of an interface in a machine's resource group begins with."""
    return machine_id.partition("/providers/")[0] + _INTERFACES


class MachineIndex(_Compact):
    """What other streams repeat of each virtual machine.

    Attributes:
        subscriptions: How many machines each subscription has, by lower-case subscription id. Survives :meth:`clear`.
    """

    _SHARED = ("imageOffer", "imageVersion", "osType")
    """The same for many machines, so kept once."""

    _OWN = ("vmId", "name", "macAddress", "privateIPAddress", "publicIPAddress")

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions: Counter[str] = Counter()
        self._systems: list[Record] = []
        self._numbers: dict[tuple[str | None, ...], int] = {}

    def add(self, record: Record) -> None:
        """Keep what other streams take from a record of the stream ``virtual_machines``."""
        if record["id"] in self:
            return
        system = tuple(record[name] for name in self._SHARED)
        number = self._numbers.setdefault(system, len(self._systems))
        if number == len(self._systems):
            self._systems.append(dict(zip(self._SHARED, system, strict=True)))
        self.keep(record["id"], [number, *[record[name] for name in self._OWN]])
        if record["subscriptionId"]:
            self.subscriptions[record["subscriptionId"].lower()] += 1

    def get(self, lower_id: str, /) -> Record | None:
        """Return the eight fields of a machine's record that its assessments repeat; None for an unknown machine."""
        facts = super().get(lower_id)
        if facts is None:
            return None
        number, vm_id, name, mac_address, private, public = facts
        return {
            **self._systems[number],
            "vmId": vm_id,
            "vmName": name,
            "macAddress": mac_address,
            "privateIPAddress": private,
            "publicIPAddress": public,
        }
