from __future__ import annotations

import pytest
from sent import sent

from tap_mdc_vm.rows.network_interfaces import public_ip


def test_the_id_is_in_lower_case(odd_rows):
    row = odd_rows["vm-showcase"][2]
    assert public_ip(sent(row)) == (row["id"].lower(), row["properties"]["ipAddress"])
    assert row["id"] != row["id"].lower()


@pytest.mark.parametrize(("oddity", "number"), [("vm-spot-evicted", 2), ("pip-unallocated", 0)])
def test_an_address_that_is_not_allocated_is_none(odd_rows, oddity, number):
    assert public_ip(sent(odd_rows[oddity][number]))[1] is None


def test_an_address_may_be_ipv6(odd_rows):
    assert public_ip(sent(odd_rows["vm-dual-stack"][3]))[1] == "2001:db8::6"


@pytest.mark.parametrize("oddity", ["pip-load-balancer", "pip-unattached"])
def test_it_does_not_matter_what_the_address_is_attached_to(odd_rows, oddity):
    [row] = odd_rows[oddity]
    assert public_ip(sent(row))[1] == row["properties"]["ipAddress"] is not None


@pytest.mark.parametrize("properties", [None, "", [], {"ipAddress": ""}, {"ipAddress": None}])
def test_whatever_holds_no_address_is_none(properties):
    assert public_ip(sent({"id": "/A", "properties": properties})) == ("/a", None)
