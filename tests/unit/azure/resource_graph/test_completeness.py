"""What two counts of a whole allow its parts to add up to, and what else parts show."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.azure.resource_graph.completeness import Ledger, gap, is_doubtful, is_uneven


@pytest.mark.parametrize(
    ("read", "before", "after", "expected"),
    [
        (100, 100, 100, 0),
        (105, 100, 110, 0),
        (105, 110, 100, 0),
        (99, 100, 110, 1),
        (111, 100, 110, 1),
        (50, 100, 100, 50),
    ],
)
def test_the_parts_may_add_up_to_anything_between_the_counts(read, before, after, expected):
    assert gap(read, before, after) == expected


@pytest.mark.parametrize(("parts", "rows"), [(2, 1_500), (25, 20_000), (400, 340_000), (50, 475), (3_000, 9_000)])
def test_parts_as_even_as_chance_makes_them_raise_no_alarm(parts, rows):
    for seed in range(20):
        chance = random.Random(seed)
        sizes = Counter(chance.randrange(parts) for _ in range(rows))
        assert not is_uneven([sizes[part] for part in range(parts)])


@pytest.mark.parametrize(("parts", "mean"), [(2, 700), (25, 850), (400, 850), (50, 17)])
def test_one_empty_part_among_full_ones_does(parts, mean):
    assert is_uneven([0] + [mean] * (parts - 1))


def test_half_a_part_among_full_ones_does():
    assert is_uneven([425] + [850] * 24)


def test_nothing_at_all_is_even():
    assert not is_uneven([0, 0, 0])
    assert not is_doubtful([0, 0, 0])


def test_one_empty_part_of_sixty_small_ones_is_in_doubt_but_may_be_chance():
    assert is_doubtful([0] + [13] * 60)
    assert not is_uneven([0] + [13] * 60)


@pytest.mark.parametrize(("parts", "rows"), [(25, 20_000), (400, 340_000), (50, 475)])
def test_parts_as_even_as_chance_makes_them_are_rarely_in_doubt(parts, rows):
    doubted = 0
    for seed in range(100):
        chance = random.Random(seed)
        sizes = Counter(chance.randrange(parts) for _ in range(rows))
        doubted += is_doubtful([sizes[part] for part in range(parts)])
    assert doubted <= 5


@given(st.lists(st.lists(st.text(max_size=4)), max_size=30), st.integers(0, 200))
def test_the_ledger_tells_which_rows_are_new(batches, expected):
    ledger, known = Ledger(expected), set()
    for ids in batches:
        assert ledger.count(ids) == sum(row_id in known for row_id in ids)
        assert ledger.enter(ids) == [row_id not in known | set(ids[:place]) for place, row_id in enumerate(ids)]
        known |= set(ids)


def test_a_hundred_thousand_rows_are_told_apart():
    ids = [f"/subscriptions/x/vm-{number}" for number in range(100_000)]
    ledger = Ledger(len(ids))
    assert all(ledger.enter(ids))
    assert not any(ledger.enter(ids))
    assert ledger.count([*ids, "/subscriptions/x/vm-none"]) == len(ids)
