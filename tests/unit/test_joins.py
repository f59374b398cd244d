from __future__ import annotations

import random
import tracemalloc
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.joins import AddressIndex, InterfaceIndex, MachineIndex

maybe = st.none() | st.text()
ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.lower)

machines = st.fixed_dictionaries(
    {"name": maybe, "subscriptionId": st.none() | st.sampled_from(["s1", "S1", "s2"])}
    | dict.fromkeys(
        (
            *("vmId", "imageOffer", "imageVersion", "osType"),
            *("macAddress", "privateIPAddress", "publicIPAddress"),
        ),
        maybe,
    )
)
configurations = st.fixed_dictionaries(
    {"primary": st.none() | st.booleans(), "privateIPAddress": maybe, "publicIPAddress": maybe}
)
interfaces = st.fixed_dictionaries(
    {
        "primary": st.none() | st.booleans(),
        "macAddress": maybe,
        "virtualMachineId": st.none() | ids,
        "ipConfigurations": st.lists(configurations, max_size=3),
    }
)


@given(st.dictionaries(ids, maybe), ids)
def test_an_address_is_found_under_its_own_id_and_no_other(known, other):
    index = AddressIndex()
    for identity, address in known.items():
        index.add((identity, address))
    assert {identity: index.get(identity) for identity in known} == {key: found or None for key, found in known.items()}
    assert index.get(other) == (known.get(other) or None)


@given(st.dictionaries(ids, interfaces), ids)
def test_an_interface_comes_back_as_far_as_a_machine_asks(known, other):
    index = InterfaceIndex()
    for identity, facts in known.items():
        index.add({"id": identity, "tags": {"not": "asked for"}, **facts})
    for facts in known.values():
        del facts["virtualMachineId"]
    assert {identity: index.get(identity) for identity in known} == known
    assert index.get(other) == known.get(other)


groups = st.sampled_from(["/subscriptions/s/resourcegroups/a", "/subscriptions/s/resourcegroups/ab"])
names = st.sampled_from(["nic", "nic-2", "x/y"])


@given(st.dictionaries(st.tuples(groups, names), st.none() | st.tuples(groups, names)))
def test_a_machine_finds_the_interfaces_that_say_that_they_are_its_own(owners):
    index = InterfaceIndex()
    expected = {}
    for (group, name), owner in owners.items():
        identity = f"{group}/providers/microsoft.network/networkinterfaces/{name}"
        machine = owner and f"{owner[0]}/providers/microsoft.compute/virtualmachines/{owner[1]}"
        facts = {"primary": True, "macAddress": None, "ipConfigurations": []}
        index.add({"id": identity, "virtualMachineId": machine, **facts})
        expected.setdefault(machine, []).append(identity)
    expected.pop(None, None)
    assert {machine: index.attached_to(machine) for machine in expected} == expected
    assert index.attached_to("/subscriptions/s/resourcegroups/a/providers/microsoft.compute/virtualmachines/z") == []


@given(st.dictionaries(ids, machines), ids)
def test_a_machine_comes_back_as_far_as_its_assessments_repeat_it(known, other):
    index = MachineIndex()
    expected = {}
    for identity, facts in known.items():
        index.add({"id": identity, "properties": {"not": "asked for"}, **facts})
        expected[identity] = {"vmName" if name == "name" else name: value for name, value in facts.items()}
        del expected[identity]["subscriptionId"]
    assert {identity: index.get(identity) for identity in known} == expected
    assert index.get(other) == expected.get(other)


@given(st.dictionaries(ids, machines))
def test_machines_are_counted_by_subscription_in_lower_case(known):
    index = MachineIndex()
    for identity, facts in known.items():
        index.add({"id": identity, **facts})
    having = [facts["subscriptionId"].lower() for facts in known.values() if facts["subscriptionId"]]
    assert index.subscriptions == {subscription: having.count(subscription) for subscription in having}


def machine(number, chance):
    """A record with the fields of a machine that matter here, as long as Azure's are."""
    subscription = uuid.UUID(int=number % 20)
    group = f"rg-department-{number // 9}-production-westeurope"
    return {
        "id": f"/subscriptions/{subscription}/resourcegroups/{group}"
        f"/providers/microsoft.compute/virtualmachines/vm-web-{number:05}",
        "subscriptionId": str(subscription),
        "name": f"vm-web-{number:05}",
        "vmId": str(uuid.UUID(int=chance.getrandbits(128))),
        "imageOffer": chance.choice(["0001-com-ubuntu-server-focal", "WindowsServer", "ubuntu-24_04-lts", None]),
        "imageVersion": chance.choice(["latest", "1.0.0"]),
        "osType": chance.choice(["Linux", "Windows"]),
        "macAddress": "00-0D-3A-{:02X}-{:02X}-{:02X}".format(*chance.randbytes(3)),
        "privateIPAddress": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        "publicIPAddress": "198.51.{}.{}".format(*chance.randbytes(2)) if number % 2 else None,
    }


def interface(machine):
    addresses = {name: machine[name] for name in ("privateIPAddress", "publicIPAddress")}
    return {
        "id": machine["id"].replace("compute/virtualmachines/vm-web", "network/networkinterfaces/nic-vm-web"),
        "primary": True,
        "macAddress": machine["macAddress"],
        "virtualMachineId": machine["id"],
        "ipConfigurations": [{"primary": True, **addresses}],
    }


@pytest.fixture(scope="module")
def fleet():
    chance = random.Random(7)
    return [machine(number, chance) for number in range(10_000)]


def grown(add, items):
    """Bytes that adding the items leaves behind."""
    tracemalloc.start()
    try:
        for item in items:
            add(item)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_memory_grows_by_less_than_330_bytes_per_machine_with_its_interface_and_address(fleet, record_property):
    machines, interfaces, addresses = MachineIndex(), InterfaceIndex(), AddressIndex()
    cost = {
        "machine": grown(machines.add, fleet) / len(fleet),
        "interface": grown(lambda each: interfaces.add(interface(each)), fleet) / len(fleet),
        "address": grown(addresses.add, ((f"{each['id']}-pip", each["publicIPAddress"]) for each in fleet))
        / len(fleet),
    }
    record_property("bytes per machine", cost)
    assert cost["machine"] < 160, cost
    assert sum(cost.values()) < 330, cost
    assert machines.get(fleet[4711]["id"])["vmId"] == fleet[4711]["vmId"]
    assert interfaces.get(interface(fleet[4711])["id"])["macAddress"] == fleet[4711]["macAddress"]
    assert addresses.get(f"{fleet[4711]['id']}-pip") == fleet[4711]["publicIPAddress"]
    assert sum(machines.subscriptions.values()) == len(fleet)


def test_what_is_cleared_is_gone_and_its_memory_is_free(fleet):
    index = InterfaceIndex()

    def fill_and_clear(machines):
        for each in machines:
            index.add(interface(each))
        index.clear()

    assert grown(fill_and_clear, [fleet]) < 300_000
    assert index.get(interface(fleet[0])["id"]) is None


def test_clearing_the_machines_keeps_the_count_of_subscriptions(fleet):
    index = MachineIndex()
    index.add(fleet[0])
    index.clear()
    assert index.get(fleet[0]["id"]) is None
    assert index.subscriptions == {fleet[0]["subscriptionId"]: 1}


def test_an_id_that_comes_again_changes_nothing(fleet):
    index = MachineIndex()
    index.add(fleet[0])
    index.add({**fleet[1], "id": fleet[0]["id"]})
    assert index.get(fleet[0]["id"])["vmId"] == fleet[0]["vmId"]
    assert sum(index.subscriptions.values()) == 1
