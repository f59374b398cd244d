from __future__ import annotations

import pytest
from sent import sent

from tap_mdc_vm.rows.network_interfaces import public_ip


@pytest.fixture(scope="module")
def addresses(captured_tenant):
    found = (public_ip(sent(row)) for row in captured_tenant.public_ips)
    return {identity.rpartition("/")[2]: address for identity, address in found}


def test_the_id_is_in_lower_case(addresses):
    assert addresses["pip-upper"] == "198.51.100.8"


def test_an_address_that_is_not_allocated_is_none(addresses):
    assert addresses["pip-spot"] is None


def test_an_address_may_be_ipv6(addresses):
    assert addresses["pip-dual-6"] == "2001:db8::42"


@pytest.mark.parametrize(
    ("name", "address"), [("pip-load-balancer", "198.51.100.9"), ("pip-unattached", "198.51.100.10")]
)
def test_it_does_not_matter_what_the_address_is_attached_to(addresses, name, address):
    assert addresses[name] == address


@pytest.mark.parametrize("properties", [None, "", [], {"ipAddress": ""}, {"ipAddress": None}])
def test_whatever_holds_no_address_is_none(properties):
    assert public_ip(sent({"id": "/A", "properties": properties})) == ("/a", None)
