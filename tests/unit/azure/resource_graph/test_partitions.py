"""Partitions are small enough for a page, and no smaller than they need be."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.azure.resource_graph.model import Partition
from tap_mdc_vm.azure.resource_graph.partitions import modulus_for


@given(st.integers(1, 10**9), st.integers(1, 1000))
def test_what_does_not_fit_a_page_is_cut_and_each_part_fits_one_on_average(total, page_size):
    modulus = modulus_for(total, page_size)
    assert modulus >= 2
    assert total / modulus <= page_size


@given(st.integers(-(2**63), 2**63 - 1), st.integers(2, 5_000))
def test_a_row_of_a_partition_is_in_exactly_one_of_its_halves(hashed, modulus):
    part = Partition(modulus, hashed % modulus)
    assert [hashed % half.modulus == half.remainder for half in part.halves()].count(True) == 1


def test_fewer_than_one_partition_in_a_hundred_overflows_and_requests_stay_within_an_eighth_of_the_ideal():
    total = 350_000
    modulus = modulus_for(total, 1000)
    chance = random.Random(1)
    sizes = [0] * modulus
    for _ in range(total):
        sizes[chance.randrange(modulus)] += 1
    assert sum(size > 1000 for size in sizes) <= modulus / 100
    assert modulus <= 350 * 1.125
