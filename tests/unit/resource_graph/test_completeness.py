"""What two counts of a whole allow its parts to add up to."""

from __future__ import annotations

import pytest

from tap_mdc_vm.resource_graph.completeness import Ledger, gap
from tap_mdc_vm.resource_graph.model import Partition


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


def test_the_ledger_knows_which_rows_went_out_and_from_which_partition():
    ledger = Ledger()
    ledger.note(Partition(2, 0), ["a", "b"])
    ledger.note(Partition(2, 1), ["c"])
    ledger.note(Partition(2, 0), ["d"])
    assert ledger.of(Partition(2, 0)) == {hash("a"), hash("b"), hash("d")}
    assert ledger.all() == {hash(name) for name in "abcd"}
    assert ledger.of(Partition(2, 3)) == set()
