"""Partitions: which row belongs to one, and how many there are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import xxh64

from tap_mdc_vm.azure.resource_graph.partitions import WHOLE, Partition, cut, group_of, hashed, mean_that_fits


@pytest.mark.parametrize(("text", "expected"), [("World", 1846988464401551951), ("Hello", 753694413698530628)])
def test_a_text_has_the_hash_that_kusto_documents(text, expected):
    assert hashed(text) == xxh64(text) == expected


@given(st.text(max_size=300))
def test_a_text_has_the_hash_of_the_specification(text):
    assert hashed(text) == xxh64(text)


@given(st.text(st.characters(codec="ascii"), max_size=50), st.integers(1, 10_000), st.data())
def test_a_row_belongs_to_one_partition_and_the_remainder_is_never_negative(row_id, modulus, data):
    home = xxh64(row_id) % modulus
    assert home >= 0
    part = Partition(modulus, data.draw(st.integers(0, modulus - 1) | st.just(home)))
    assert part.strangers([row_id]) == ([] if part.remainder == home else [row_id])


def test_ids_beyond_ascii_prove_nothing_either_way():
    assert [part.strangers(["/x/σασ"]) for part in WHOLE.split(8)] == [[]] * 8


@given(st.integers(1, 500), st.integers(2, 9), st.integers(-(2**63), 2**63 - 1), st.data())
def test_the_pieces_of_a_partition_hold_exactly_its_rows(modulus, pieces, number, data):
    part = Partition(modulus, data.draw(st.integers(0, modulus - 1)))
    holds = [number % piece.modulus == piece.remainder for piece in part.split(pieces)]
    assert sum(holds) == (number % part.modulus == part.remainder)


@given(st.integers(0, 10**6), st.floats(1, 5_000))
def test_rows_are_cut_into_partitions_that_are_small_enough_and_make_whole_groups(total, mean):
    parts = cut(total, mean)
    assert total / len(parts) <= mean * 1.000001
    if len(parts) > 1:
        groups = {group_of(part) for part in parts}
        assert len(parts) / len(groups) <= 1000
        assert len(groups) <= -(-len(parts) // 1000) + 1


@given(st.integers(1, 10_000), st.data())
def test_the_group_of_a_partition_holds_it_and_a_thousand_at_most(modulus, data):
    part = Partition(modulus, data.draw(st.integers(0, modulus - 1)))
    group = group_of(part)
    assert modulus % group.modulus == 0
    assert modulus // group.modulus <= 1000
    assert part.remainder % group.modulus == group.remainder


@pytest.mark.parametrize("limit", [100, 1000, 3000])
def test_fewer_than_one_partition_in_a_hundred_has_more_rows_than_fit(limit):
    chance = random.Random(1)
    parts = 400
    sizes = [0] * parts
    for _ in range(int(mean_that_fits(limit) * parts)):
        sizes[chance.randrange(parts)] += 1
    assert sum(size > limit for size in sizes) <= parts / 100
    assert mean_that_fits(limit) >= limit * 0.7
