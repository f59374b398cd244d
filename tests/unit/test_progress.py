"""Progress with totals, rate and time left, on a clock that only jumps."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tap_mdc_vm.progress import tracked


@dataclass
class Known:
    expected: int


def batches(count, rows):
    return ([{"n": 1}] * rows for _ in range(count))


def test_batches_pass_unchanged():
    assert list(tracked("x", iter([[{"a": 1}], [{"b": 2}]]), Known(2))) == [[{"a": 1}], [{"b": 2}]]


def test_a_line_every_ten_seconds_tells_how_far_and_how_long(caplog):
    caplog.set_level("INFO")
    seconds = iter(range(0, 100, 4))
    list(tracked("assessments", batches(6, 100), Known(1_200), lambda: next(seconds)))
    assert [record.message for record in caplog.records] == [
        "assessments: 300 of 1,200 rows (25 %), 25 rows/s, about 36 s left",
        "assessments: 600 of 1,200 rows (50 %), 25 rows/s, about 24 s left",
    ]
    assert caplog.records[0].rows == 300


def test_on_a_terminal_a_bar_takes_the_place_of_the_lines(caplog, monkeypatch, capsys):
    caplog.set_level("INFO")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    seconds = iter(range(0, 1000, 20))
    list(tracked("assessments", batches(3, 100), Known(300), lambda: next(seconds)))
    assert caplog.records == []
    assert "assessments" in capsys.readouterr().err
