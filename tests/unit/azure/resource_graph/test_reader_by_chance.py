"""Readings in which all sorts of things go wrong by chance: each exact or loud, and none loud that only drifted.

Some dozens of them here, a thousand and more with ``make chaos`` (``CHAOS_RUNS``, ``CHAOS_FIRST_SEED``).
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from stand_in import StandIn, ids, xxh64

from tap_mdc_vm.errors import TapError

RUNS = int(os.environ.get("CHAOS_RUNS", "50"))
FIRST = int(os.environ.get("CHAOS_FIRST_SEED", "0"))

PASSING = ("reset", "429", "html", "500", "expired", "half", "without id", "truncated")
"""Faults that are outlasted, as each tells that it is one."""

SPOILING = ("short", "doubled", "empty", "too large")
"""Faults that look like what a service could mean for ever."""


@dataclass
class Trouble:
    """What is wrong with a service, and what may come of it.

    Attributes:
        service: Misbehaves.
        throughout: Ids of rows that were there all the time, so far.
        page_size: Rows of a page.
        must_come: Whether nothing is wrong that would excuse an error: rows come and go, and the service refuses.
        holds_still: Whether no row comes or goes.
    """

    service: StandIn
    throughout: set[str]
    page_size: int
    must_come: bool = True
    holds_still: bool = True
    said: list[str] = field(default_factory=list)


def trouble(seed):
    """Return a service with troubles that depend on the seed alone."""
    chance = random.Random(seed)
    universe = ids(chance.choice([300, 2_000, 4_000]))
    here = chance.sample(universe, chance.randrange(len(universe) // 2))
    size = chance.choice([50, 50, 300, 3_000]) if len(here) < 1_000 else 50
    page_size = chance.choice([1, 6, 25, 100, 1_000]) if len(here) < 300 else chance.choice([25, 100, 1_000])
    service = StandIn({row_id: {"text": "x" * size} for row_id in here}, chance=random.Random(f"{seed}/faults"))
    made = Trouble(service, set(here), page_size)
    _limits(made, chance, size)
    _faults(made, chance)
    if chance.random() < 0.6:
        made.holds_still = False
        _drift(
            made, chance.choice(["few", "5,000", "swap", "shrink", "grow"]), universe, size, random.Random(f"{seed}/d")
        )
    elif here and chance.random() < 0.4:
        _lie(made, chance.choice(["once", "one row", "a part", "by chance"]), chance.choice(here), chance)
    return made


def _limits(made, chance, size):
    """Choose what the service can't do, whoever asks."""
    service = made.service
    service.hashing = chance.choice(["xxh64"] * 7 + ["other", "signed", "anew"])
    if chance.random() < 0.3:
        service.longest_list = chance.choice([128, chance.randrange(1, 400, 2), chance.randrange(1, 3_000, 2)])
    if chance.random() < 0.3:
        service.refused = chance.choice([("make_list",), ("by part",), ("make_list", "by part"), ("hash(",)])
    if chance.random() < 0.3:
        service.largest = chance.choice([4, 20, 300]) * (size + 200)
    if chance.random() < 0.15:
        service.failing = chance.choice([_is_whole, lambda text: "make_list" in text])
    if service.hashing != "xxh64" or "hash(" in service.refused:
        made.must_come = False  # ordered pages of what does not hold still prove nothing


def _is_whole(text):
    return "hash(" not in text and "in~" not in text


def _faults(made, chance):
    if chance.random() < 0.4:
        made.service.faults = chance.choice([0.02, 0.1, 0.2])
        made.service.kinds = tuple(chance.sample(PASSING + SPOILING, chance.randrange(1, 8)))
        made.must_come &= not set(made.service.kinds) & set(SPOILING)


def _drift(made, how, universe, size, chance):
    """Let rows come and go before each answer."""
    if how == "5,000":
        made.page_size = max(made.page_size, 25)  # or it takes thousands of requests, and millions of changes

    def some(there):
        tried = (universe[int(chance.random() * len(universe))] for _ in range(30))
        return next((row_id for row_id in tried if (row_id in made.service.rows) == there), None)

    def drop(row_id):
        made.service.rows.pop(row_id, None)
        made.throughout.discard(row_id)

    def drift(service):
        for _ in range({"few": chance.randrange(3), "5,000": 5_000}.get(how, 0)):
            row_id = universe[int(chance.random() * len(universe))]
            if row_id in service.rows:
                drop(row_id)
            else:
                service.rows[row_id] = {"text": "x" * size}
        if how in {"swap", "shrink"}:
            drop(some(True))
        if how in {"swap", "grow"} and (row_id := some(False)):
            service.rows[row_id] = {"text": "x" * size}

    made.service.drift = drift


def _lie(made, how, victim, chance):
    """Let partitions leave rows out, with totals to match."""
    made.must_come = False

    def forgetting(text, rows):
        if "hash(" not in text:
            return rows
        is_count = "by part" in text or "| count" in text
        match how:
            case "once" if not is_count and not made.said and any(row["id"] == victim for row in rows):
                made.said.append(text)
                return [row for row in rows if row["id"] != victim]
            case "one row" if not is_count:
                return [row for row in rows if row["id"] != victim]
            case "by chance" if not is_count:
                return [row for row in rows if chance.random() > 0.03]
            case "a part":
                return [row for row in rows if xxh64(row["id"].lower()) % 7 != 3]
        return rows

    made.service.forgetting = forgetting


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_each_reading_is_exact_or_loud_and_none_is_loud_that_only_drifted(read, seed):
    made = trouble(seed)
    try:
        came = read(made.service, page_size=made.page_size)
    except TapError:
        assert not made.must_come
        return
    counted = Counter(map(str.lower, came.ids))
    assert set(counted.values()) <= {1}
    assert {row_id.lower() for row_id in made.throughout} <= counted.keys()
    if made.holds_still:
        assert len(counted) == len(made.throughout)
    assert came.reading.expected == came.reading.emitted + came.reading.duplicates
