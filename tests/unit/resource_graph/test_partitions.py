"""Partitions are small enough for a page, and no smaller than they need be."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.resource_graph.partitions import partitions


@given(st.integers(1, 10_000), st.integers(1, 1000))
def test_every_remainder_has_its_partition(total, page_size):
    parts = partitions(total, page_size)
    assert [part.remainder for part in parts] == list(range(parts[0].modulus))
    assert len(parts) >= 2


def test_fewer_than_one_partition_in_a_hundred_overflows_and_requests_stay_within_an_eighth_of_the_ideal():
    total = 350_000
    parts = partitions(total, 1000)
    chance = random.Random(1)
    sizes = [0] * len(parts)
    for _ in range(total):
        sizes[chance.randrange(len(parts))] += 1
    assert sum(size > 1000 for size in sizes) <= len(parts) / 100
    assert len(parts) <= 350 * 1.125
