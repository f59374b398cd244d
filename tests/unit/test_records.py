"""Records that wait in a spool come back as they went in, odd ones too."""

from __future__ import annotations

import gc
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_mdc_vm import records
from tap_mdc_vm.records import Spool, encoded

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
batches = st.lists(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), values), max_size=3), max_size=4)


@given(batches)
@settings(max_examples=50)
def test_batches_come_back_as_they_went_in_however_often_they_are_read(given_batches):
    spool = Spool()
    for batch in given_batches:
        spool.add(batch)
    assert list(spool) == list(spool) == given_batches
    spool.close()


@given(batches, batches)
@settings(max_examples=50)
def test_what_is_cleared_makes_room_for_what_comes_after(first, second):
    spool = Spool()
    for batch in first:
        spool.add(batch)
    next(iter(spool), None)
    spool.clear()
    assert list(spool) == []
    for batch in second:
        spool.add(batch)
    assert list(spool) == second
    spool.close()


def test_a_large_spool_is_on_disk_and_small_there(monkeypatch):
    monkeypatch.setattr(records, "_IN_MEMORY", 1_000)
    spool = Spool()
    batch = [{"id": f"/subscriptions/s/resourcegroups/g/machines/m{number}", "text": "x" * 500} for number in range(32)]
    for _ in range(50):
        spool.add(batch)
    file = spool._file
    assert file._rolled
    file.seek(0, 2)
    assert file.tell() < 50 * len(encoded(batch)) / 10
    assert sum(map(len, spool)) == 1_600
    spool.close()


def test_a_spool_that_nobody_closes_leaves_no_file_open():
    spool = Spool()
    file = spool._file
    del spool
    gc.collect()
    assert file.closed


@pytest.mark.parametrize("odd", [2**64, -(2**70), "\ud800"])
@pytest.mark.parametrize("endless", [float("inf"), float("-inf"), float("nan")])
def test_what_the_quick_encoder_refuses_is_json_all_the_same(odd, endless):
    """JSON has no infinity; where a map makes one, it is null, whatever stands beside it."""
    assert json.loads(encoded([odd, 1.5])) == [odd, 1.5]
    assert json.loads(encoded([endless])) == [None]
    assert json.loads(encoded([odd, endless])) == [odd, None]
