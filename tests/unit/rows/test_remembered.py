from __future__ import annotations

import random
import tracemalloc

import pytest

from tap_mdc_vm.rows.remembered import Remembered

PIECES = [b'{"description": "%06d %b"}' % (number, b"x" * 2000) for number in range(3000)]


def counting(room):
    """A memory of what a piece says, and the pieces that were computed."""
    computed = []

    def function(piece):
        computed.append(piece)
        return piece.decode()

    return Remembered(function, room), computed


def test_a_piece_is_computed_twice_and_then_remembered():
    remembered, computed = counting(1_000_000)
    assert [remembered(PIECES[0]) for _ in range(5)] == [PIECES[0].decode()] * 5
    assert computed == [PIECES[0]] * 2


def test_what_comes_once_takes_no_room():
    remembered, _ = counting(1_000_000)
    for piece in PIECES:
        assert remembered(piece) == piece.decode()
    assert len(remembered._known) < len(PIECES) / 100  # two may leave the same mark


def test_of_more_than_there_is_room_for_some_are_remembered_however_often_all_come_in_turn():
    remembered, computed = counting(4_000_000)
    for _ in range(3):
        for piece in PIECES:
            assert remembered(piece) == piece.decode()
    kept = len(remembered._known)
    assert 300 < kept < 1500
    before = len(computed)
    for piece in PIECES:
        assert remembered(piece) == piece.decode()
    assert len(computed) - before == len(PIECES) - kept


def test_the_order_in_which_pieces_come_changes_no_result():
    remembered, _ = counting(100_000)
    chance = random.Random(3)
    for piece in chance.choices(PIECES, k=5000):
        assert remembered(piece) == piece.decode()


@pytest.mark.parametrize("size", [100, 3_000, 100_000])
def test_no_more_room_is_taken_than_there_is_whatever_the_size_of_the_pieces(size):
    remembered, room = Remembered(bytes.decode, 4_000_000), 4_000_000
    tracemalloc.start()
    try:
        for _ in range(2):
            for number in range(6_000_000 // size if size > 1_000 else 2_000):
                remembered(b"%08d" % number + b"x" * size)
        assert len(remembered._known) > 10
        assert tracemalloc.get_traced_memory()[0] < room + 2 * size
    finally:
        tracemalloc.stop()


def test_an_error_is_not_remembered():
    def fails(piece):
        raise ValueError(piece)

    remembered = Remembered(fails, 1000)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"):
            remembered(b"x")
