"""Progress with totals, rate and time left, on a clock that only jumps."""

from __future__ import annotations

import sys

import click
import pytest

from tap_mdc_vm.progress import tracked


def batches(count, rows):
    return ([{"n": 1}] * rows for _ in range(count))


def test_batches_pass_unchanged():
    assert list(tracked("x", iter([[{"a": 1}], [{"b": 2}]]), lambda: 2)) == [[{"a": 1}], [{"b": 2}]]


def test_a_line_every_ten_seconds_tells_how_far_and_how_long(caplog):
    caplog.set_level("INFO")
    seconds = iter(range(0, 100, 4))
    list(tracked("assessments", batches(6, 100), lambda: 1_200, lambda: next(seconds)))
    assert [record.message for record in caplog.records] == [
        "assessments: 300 of 1,200 rows (25 %), 25 rows/s, about 36 s left",
        "assessments: 600 of 1,200 rows (50 %), 25 rows/s, about 24 s left",
    ]
    assert caplog.records[0].rows == 300


def test_the_time_before_the_first_batch_is_no_part_of_the_rate(caplog):
    """What a stream is joined to is read before its first record can be made."""
    caplog.set_level("INFO")
    now = [0.0]

    def slow_to_begin():
        now[0] = 3_600.0
        for batch in batches(3, 100):
            yield batch
            now[0] += 10

    list(tracked("assessments", slow_to_begin(), lambda: 1_000, lambda: now[0]))
    assert caplog.records[0].message == "assessments: 200 of 1,000 rows (20 %), 20 rows/s, about 40 s left"


@pytest.mark.parametrize("expected", [0, 210])
def test_where_more_comes_than_was_expected_the_share_is_whole_and_no_time_is_told(caplog, expected):
    caplog.set_level("INFO")
    seconds = iter(range(0, 100, 10))
    list(tracked("assessments", batches(1, 3_373), lambda: expected, lambda: next(seconds)))
    assert [record.message for record in caplog.records] == ["assessments: 3,373 of 3,373 rows (100 %), 337 rows/s"]
    assert (caplog.records[0].expected, caplog.records[0].left) == (3_373, None)


def test_what_has_all_come_leaves_nothing_to_wait_for(caplog):
    caplog.set_level("INFO")
    seconds = iter(range(0, 100, 10))
    list(tracked("assessments", batches(1, 210), lambda: 210, lambda: next(seconds)))
    assert caplog.records[0].message == "assessments: 210 of 210 rows (100 %), 21 rows/s, about 0 s left"


def test_where_no_row_came_yet_no_time_is_told(caplog):
    caplog.set_level("INFO")
    seconds = iter(range(0, 100, 10))
    list(tracked("assessments", batches(1, 0), lambda: 210, lambda: next(seconds)))
    assert caplog.records[0].message == "assessments: 0 of 210 rows (0 %), 0 rows/s"


def test_a_bar_grows_with_what_comes(monkeypatch):
    bars = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bar_of = click.progressbar
    monkeypatch.setattr(click, "progressbar", lambda **how: bars.append(bar_of(**how)) or bars[-1])
    for _ in tracked("assessments", batches(3, 100), lambda: 210):
        assert bars[0].pos + 100 <= bars[0].length
    assert (bars[0].pos, bars[0].length) == (300, 300)


def test_on_a_terminal_a_bar_takes_the_place_of_the_lines(caplog, monkeypatch, capsys):
    caplog.set_level("INFO")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    seconds = iter(range(0, 1000, 20))
    list(tracked("assessments", batches(3, 100), lambda: 300, lambda: next(seconds)))
    assert caplog.records == []
    assert "assessments" in capsys.readouterr().err
