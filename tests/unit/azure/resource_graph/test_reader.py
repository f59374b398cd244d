"""Readings against a service in memory that can do what Azure does, and worse: each row once, or an error."""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_mdc_vm.azure.resource_graph.model import Page, Query, Scope
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.errors import (
    IncompleteError,
    NoAccessError,
    PayloadTooLargeError,
    QueryRefusedError,
    ScopeTooLargeError,
)

QUERY = Query("things", "Resources | project id\n| order by id asc")
EVERYWHERE = [Scope()]


def ids(count, prefix="/x"):
    return [f"{prefix}/Thing-{number:05}" for number in range(count)]


@dataclass
class Service:
    """Answers as Resource Graph does, from a set of ids; subclasses misbehave."""

    ids: list[str]
    asked: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    largest_answer: int = 10**9
    limit_hit: bool = False

    def remainder(self, row_id, modulus):
        return zlib.crc32(row_id.lower().encode()) % modulus

    def before_answer(self):
        """What happens in the tenant between two requests."""

    def visible(self, scope):
        return [row_id for row_id in self.ids if not scope.subscriptions or row_id.split("/")[1] in scope.subscriptions]

    def matching(self, text, scope):
        rows = self.visible(scope)
        if match := re.search(r"% (\d+) == (\d+)", text):
            modulus, remainder = map(int, match.groups())
            rows = [row_id for row_id in rows if self.remainder(row_id, modulus) == remainder]
        if match := re.search(r"id in~ \((.*)\)", text):
            wanted = {part.strip(" '").lower() for part in match[1].split(",")}
            rows = [row_id for row_id in rows if row_id.lower() in wanted]
        return sorted(rows)

    def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
        with self.lock:
            self.asked.append(text)
            self.before_answer()
            rows = self.matching(text, scope)
            start = int(skip_token or 0)
            page = rows[start : start + top]
            if len(page) > self.largest_answer:
                raise PayloadTooLargeError("too large")
            more = start + len(page) < len(rows)
            return Page(
                [{"id": row_id} for row_id in page],
                len(rows),
                str(start + len(page)) if more else None,
                limit_hit=self.limit_hit,
            )

    def count(self, name, text, scope, *, urgent=False):
        with self.lock:
            self.asked.append(text)
            self.before_answer()
            return len(self.matching(text, scope))


@pytest.fixture
def read():
    workers = Workers(4)

    def read(service, *, page_size=100, scopes=EVERYWHERE, tolerant=False, closing=None):
        return Reader(service, workers, page_size=page_size, tolerant=tolerant).start(QUERY, scopes, closing=closing)

    yield read
    workers.close()


def rows_of(reading):
    return [row["id"] for batch in reading for row in batch]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 5_000])
def test_each_row_arrives_once(read, count):
    service = Service(ids(count))
    reading = read(service)
    assert sorted(rows_of(reading)) == service.ids
    assert (reading.expected, reading.emitted, reading.duplicates) == (count, count, 0)


@pytest.mark.parametrize("count", [0, 1, 100])
def test_what_fits_one_answer_takes_one_request(read, count):
    service = Service(ids(count))
    rows_of(read(service))
    assert len(service.asked) == 1


def test_a_large_result_takes_few_more_requests_than_its_rows_need(read):
    service = Service(ids(50_000))
    rows_of(read(service, page_size=1000))
    assert len(service.asked) <= 50 * 1.25


@settings(deadline=None, max_examples=30)
@given(count=st.integers(0, 400), page_size=st.integers(1, 60), largest=st.integers(1, 60))
def test_pages_of_any_size_lose_and_double_nothing(count, page_size, largest):
    workers = Workers(2)
    service = Service(ids(count), largest_answer=largest)
    assert sorted(rows_of(Reader(service, workers, page_size=page_size).start(QUERY, EVERYWHERE))) == service.ids
    workers.close()


def test_one_resource_in_two_casings_is_one_row(read):
    service = Service([*ids(300), "/X/THING-00007"])
    reading = read(service)
    rows = rows_of(reading)
    assert Counter(map(str.lower, rows)) == Counter(map(str.lower, ids(300)))
    assert (reading.emitted, reading.duplicates, reading.expected) == (300, 1, 301)


class Drifting(Service):
    """Rows come and go before every answer."""

    chance = random.Random(5)
    throughout: set[str]

    def before_answer(self):
        for _ in range(self.chance.randrange(4)):
            gone = self.chance.choice(self.ids)
            self.ids.remove(gone)
            self.throughout.discard(gone)
        self.ids += [f"/x/new-{self.chance.random()}" for _ in range(self.chance.randrange(4))]


@pytest.mark.parametrize("seed", range(20))
def test_what_was_there_throughout_arrives_exactly_once_while_rows_come_and_go(read, seed):
    service = Drifting(ids(3_000))
    service.chance, service.throughout = random.Random(seed), set(service.ids)
    arrived = Counter(rows_of(read(service)))
    assert service.throughout <= arrived.keys()
    assert set(arrived.values()) == {1}


class HashingAnew(Service):
    """Hashes differently from request to request."""

    def matching(self, text, scope):
        self.salt = len(self.asked)
        return super().matching(text, scope)

    def remainder(self, row_id, modulus):
        return zlib.crc32(f"{self.salt}{row_id}".encode()) % modulus


class SigningRemainders(Service):
    """Gives negative remainders for negative hashes, as C does and Kusto does not."""

    def remainder(self, row_id, modulus):
        hashed = zlib.crc32(row_id.encode())
        return hashed % modulus if hashed < 2**31 else -((2**32 - hashed) % modulus)


class RefusingPartitions(Service):
    """Knows no hash()."""

    def matching(self, text, scope):
        if "hash(" in text:
            raise QueryRefusedError("no such function")
        return super().matching(text, scope)


@pytest.mark.parametrize("kind", [HashingAnew, SigningRemainders, RefusingPartitions])
def test_a_service_whose_partitions_do_not_add_up_is_read_in_order_and_that_is_said(read, kind, caplog):
    service = kind(ids(2_000))
    assert sorted(rows_of(read(service))) == service.ids
    assert "falling back to ordered pages" in caplog.text


class ForgetfulOnce(Service):
    """Leaves a row out of one partition, and out of its count, the first time."""

    def matching(self, text, scope):
        rows = super().matching(text, scope)
        if "== 3" in text and sum("== 3\n" in asked for asked in self.asked) == 1:
            rows = rows[1:]
        return rows


def test_a_row_that_a_partition_left_out_is_found_at_the_second_look(read, caplog):
    service = ForgetfulOnce(ids(2_000))
    assert sorted(rows_of(read(service))) == service.ids
    assert "reading again" in caplog.text


def test_a_count_that_falls_once_does_not_excuse_a_row_that_a_partition_left_out(read):
    class MiscountingOnce(Service):
        def matching(self, text, scope):
            rows = super().matching(text, scope)
            forgets = "== 3" in text and sum("== 3\n" in asked for asked in self.asked) == 1
            return rows[:-1] if forgets else rows  # the last of them is not on the first page either

        def count(self, name, text, scope, **more):
            counted = super().count(name, text, scope, **more)
            return counted if self.asked.count(text) > 1 else 0

    service = MiscountingOnce(ids(2_000))
    assert sorted(rows_of(read(service))) == service.ids


class Growing(Service):
    """Has one row more with every request, until it was asked for each partition."""

    def before_answer(self):
        if len(self.asked) <= 60:
            self.ids.append(f"/x/new-{len(self.asked):05}")


class NeverShowingOne(Growing):
    """Never shows a partition, no row of which is on the first page, unless it is asked for in halves."""

    def matching(self, text, scope):
        return [] if "% 58 == 8\n" in text else super().matching(text, scope)


class CountingFromOne(Growing):
    """Has no partition 0, but one more at the end."""

    def remainder(self, row_id, modulus):
        return super().remainder(row_id, modulus) + 1


@pytest.mark.parametrize("kind", [NeverShowingOne, CountingFromOne])
def test_a_small_partition_that_never_shows_is_missed_though_the_counts_allow_it(kind, caplog):
    workers, service = Workers(1), kind(ids(560))
    rows = rows_of(Reader(service, workers, page_size=20).start(QUERY, EVERYWHERE))
    workers.close()
    assert any("% 58 == 8\n" in text for text in service.asked)
    assert set(ids(560)) <= set(rows)
    assert "reading again" in caplog.text


def test_a_count_that_falls_is_not_doubted_where_no_row_is_missing(read):
    class Shrinking(Service):
        def count(self, name, text, scope, **more):
            return super().count(name, text, scope, **more) - 3

    service = Shrinking(ids(2_000))
    rows_of(read(service))
    assert service.asked.count(QUERY.count()) == 1


class RepeatingItself(RefusingPartitions):
    """Sends the same skip token again and again."""

    def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
        page = super().ask(name, text, scope, top=top, skip_token=skip_token)
        return Page(page.rows, page.total, "100")


class EmptyForEver(RefusingPartitions):
    """Sends empty pages with ever new tokens."""

    def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
        super().ask(name, text, scope, top=top, skip_token=skip_token)
        return Page([], 500, str(len(self.asked) + 10_000))


class NeverStill(RefusingPartitions):
    """Has one row more with every request."""

    def before_answer(self):
        self.ids.append(f"/x/new-{len(self.asked):05}")


class Odd(Service):
    """Answers some questions about partitions as nobody should, and lets rows come and go meanwhile."""

    coming = going = 0
    number = 0

    def before_answer(self):
        new = [f"/x/zz-{len(self.asked):06}-{number}" for number in range(self.coming)]
        for _ in range(self.going):
            self.throughout.discard(self.ids.pop(len(self.asked) * 37 % len(self.ids)))
        self.ids += new

    def matching(self, text, scope):
        rows = super().matching(text, scope)
        if "hash(" not in text:
            return rows
        self.number += 1
        modulus, remainder = map(int, re.search(r"% (\d+) == (\d+)", text).groups())
        return self.odd(rows, modulus, remainder)


class WithoutOneRow(Odd):
    """One row of the first page lies in no partition."""

    def odd(self, rows, modulus, remainder):
        return [row_id for row_id in rows if row_id != "/x/Thing-00005"]


class WithoutOnePartition(Odd):
    """One partition is always empty."""

    def odd(self, rows, modulus, remainder):
        return [] if remainder == 7 else rows


class WithoutOnePartitionOnce(Odd):
    """One partition is empty the first time."""

    def odd(self, rows, modulus, remainder):
        return [] if self.number == 8 else rows


class Shifted(Odd):
    """Each partition gives the rows of the one before; the first gives none."""

    def odd(self, rows, modulus, remainder):
        return [row_id for row_id in self.ids if self.remainder(row_id, modulus) == remainder - 1]


class HashingOtherwiseOnce(Odd):
    """One late answer comes from a server that hashes otherwise."""

    def odd(self, rows, modulus, remainder):
        if self.number != 25:
            return rows
        return sorted(row_id for row_id in self.ids if zlib.adler32(row_id.encode()) % modulus == remainder)


class HashingOtherwiseFromNowOn(Odd):
    """After a while, all servers hash otherwise."""

    def odd(self, rows, modulus, remainder):
        if self.number < 20:
            return rows
        return sorted(row_id for row_id in self.ids if zlib.adler32(row_id.encode()) % modulus == remainder)


class WithAnAlien(Odd):
    """One late partition holds a row of another, spelled otherwise."""

    def odd(self, rows, modulus, remainder):
        return [*rows, "/X/THING-00000"] if remainder == 20 else rows


@pytest.mark.parametrize(("coming", "going"), [(0, 0), (1, 0), (0, 1), (2, 2)])
@pytest.mark.parametrize("kind", Odd.__subclasses__())
def test_odd_partitions_lose_and_double_nothing_also_while_rows_come_and_go(read, kind, coming, going):
    service = kind(ids(4_000))
    service.coming, service.going, service.throughout = coming, going, set(service.ids)
    arrived = Counter()
    try:
        arrived.update(row_id.lower() for row_id in rows_of(read(service)))
    except IncompleteError:
        assert coming or going  # ordered pages of a tenant that does not hold still prove nothing
    else:
        assert set(map(str.lower, service.throughout)) <= arrived.keys()
    assert set(arrived.values()) <= {1}


def test_a_limit_that_shows_only_later_ends_the_run_too(read):
    class LimitedLater(Service):
        def ask(self, name, text, scope, **more):
            page = super().ask(name, text, scope, **more)
            return replace(page, limit_hit="hash(" in text)

    with pytest.raises(ScopeTooLargeError, match="10,000"):
        rows_of(read(LimitedLater(ids(500))))


def test_ever_new_tokens_to_the_same_rows_end_the_run(read):
    class Circling(RefusingPartitions):
        def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
            page = super().ask(name, text, scope, top=top)
            return replace(page, skip_token=f"token-{len(self.asked)}")

    service = Circling(ids(500))
    with pytest.raises(IncompleteError, match="over and over"):
        rows_of(read(service))
    assert len(service.asked) < 200


def test_a_total_beyond_belief_is_asked_for_again(read):
    class Boasting(Service):
        def ask(self, name, text, scope, **more):
            page = super().ask(name, text, scope, **more)
            return page if "hash(" in text else replace(page, total=10**12)

    service = Boasting(ids(500))
    assert sorted(rows_of(read(service))) == service.ids


def test_a_tolerant_reading_goes_on_with_the_other_partitions_where_one_can_not_be_proven(read):
    class LeavingOut(Service):
        def ask(self, name, text, scope, **more):
            page = super().ask(name, text, scope, **more)
            if "== 2\n" in text:
                raise IncompleteError("rows were left out")
            return page

    service = LeavingOut(ids(500))
    reading = read(service, tolerant=True)
    arrived = rows_of(reading)
    part = Query.where(QUERY, "hash(tolower(id)) % 8 == 2")
    assert len(service.ids) - len(arrived) == len(service.matching(part.text, Scope()))
    assert reading.shortcomings == ["rows were left out"]


def test_what_a_reading_waits_for_is_asked_before_what_is_ahead_of_its_use(read):
    """The halves of a partition that was too large, and the count at the end; not the partitions, nor what begins."""

    class Noting(Service):
        hurried: ClassVar[dict[str, bool]] = {}

        def ask(self, name, text, scope, *, urgent=False, **more):
            self.hurried[text] = urgent
            return super().ask(name, text, scope, **more)

        def count(self, name, text, scope, *, urgent=False):
            self.hurried[text] = urgent
            return super().count(name, text, scope)

    service = Noting(ids(1_000), largest_answer=70)
    assert sorted(rows_of(read(service))) == service.ids
    partitions = {text: int(match[1]) for text in service.hurried if (match := re.search(r"% (\d+) ==", text))}
    halves = {text for text, modulus in partitions.items() if modulus > min(partitions.values())}
    assert halves
    assert {text for text, urgent in service.hurried.items() if urgent} == halves | {QUERY.count()}


@pytest.mark.parametrize("kind", [Service, RefusingPartitions])
def test_no_more_requests_are_in_flight_than_there_are_workers(kind):
    class Watching(kind):
        under_way = most = 0
        watching = Lock()

        def watched(self, ask, *args, **more):
            with self.watching:
                self.under_way += 1
                self.most = max(self.most, self.under_way)
            try:
                return ask(*args, **more)
            finally:
                with self.watching:
                    self.under_way -= 1

        def ask(self, *args, **more):
            return self.watched(super().ask, *args, **more)

        def count(self, *args, **more):
            return self.watched(super().count, *args, **more)

    service, workers = Watching(ids(2_000)), Workers(2)
    reader = Reader(service, workers, page_size=100)
    readings = [reader.start(QUERY, EVERYWHERE) for _ in range(3)]
    assert [sorted(rows_of(reading)) for reading in readings] == [service.ids] * 3
    assert service.most <= 2
    workers.close()


def test_a_row_that_slides_across_an_edge_unseen_by_the_counts_arrives_all_the_same(read):
    """One row goes and one comes between two pages: the totals, and the number of rows, tell nothing."""

    class Swapping(RefusingPartitions):
        def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
            if skip_token and "/x/Thing-00000" in self.ids:
                self.ids.remove("/x/Thing-00000")
                self.ids.append("/x/Thing-99999")
            return super().ask(name, text, scope, top=top, skip_token=skip_token)

    rows = rows_of(read(Swapping(ids(250)), page_size=100))
    assert set(ids(250)[1:]) <= set(rows)
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("kind", [RepeatingItself, EmptyForEver, NeverStill])
def test_ordered_pages_that_never_prove_anything_end_the_run(read, kind):
    with pytest.raises(IncompleteError, match="things can't be proven complete"):
        rows_of(read(kind(ids(500))))


def test_an_empty_page_with_a_token_is_not_the_end(read):
    class Hesitating(Service):
        def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
            page = super().ask(name, text, scope, top=top, skip_token=skip_token)
            return page if skip_token else Page([], page.total, "0")

    service = Hesitating(ids(50))
    assert sorted(rows_of(read(service))) == service.ids


def test_a_token_behind_the_last_row_is_not_followed_for_ever(read):
    class Overdoing(Service):
        def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
            page = super().ask(name, text, scope, top=top, skip_token=skip_token)
            return Page(page.rows, page.total, page.skip_token or "more")

    service = Overdoing(ids(2_000))
    assert sorted(rows_of(read(service))) == service.ids


def test_one_row_over_16_mib_ends_the_run(read):
    with pytest.raises(PayloadTooLargeError):
        rows_of(read(Service(ids(20), largest_answer=0), page_size=10))


def test_more_subscriptions_than_azure_looks_at_end_the_run(read):
    with pytest.raises(ScopeTooLargeError, match="10,000"):
        rows_of(read(Service(ids(10), limit_hit=True)))


def test_a_tolerant_reading_goes_on_and_keeps_why(read, caplog):
    reading = read(Service(ids(10), limit_hit=True), tolerant=True)
    assert len(rows_of(reading)) == 10
    assert "10,000" in reading.shortcomings[0]
    assert "not proven complete" in caplog.text


def test_a_tolerant_reading_goes_on_with_the_next_scope_where_one_gives_no_first_page(read):
    class LeavingOut(Service):
        def ask(self, name, text, scope, *, top=1000, skip_token=None, urgent=False):
            if scope.subscriptions == ("b",):
                raise IncompleteError("rows were left out")
            return super().ask(name, text, scope, top=top, skip_token=skip_token)

    service = LeavingOut([*ids(50, "/a"), *ids(50, "/b"), *ids(50, "/c")])
    scopes = [Scope(subscriptions=(name,)) for name in "bacb"]
    reading = read(service, scopes=scopes, tolerant=True)
    assert sorted(rows_of(reading)) == [*ids(50, "/a"), *ids(50, "/c")]
    assert reading.shortcomings == ["rows were left out"] * 2
    with pytest.raises(IncompleteError, match="left out"):
        rows_of(read(service, scopes=scopes))


def test_scopes_are_read_one_after_the_other_and_all(read):
    service = Service([*ids(150, "/a"), *ids(50, "/b"), *ids(250, "/c")])
    scopes = [Scope(subscriptions=(name,)) for name in "abc"]
    assert sorted(rows_of(read(service, scopes=scopes))) == sorted(service.ids)


@pytest.mark.parametrize("count", [0, 50, 500])
def test_that_all_rows_have_come_is_told_once_and_before_they_are_counted(read, count):
    service = Service(ids(count))
    rows_of(read(service, closing=lambda: service.asked.append("closing")))
    assert service.asked.count("closing") == 1
    assert service.asked[-2:] == (["closing", QUERY.count()] if count > 100 else [QUERY.text, "closing"])


def test_that_all_rows_have_come_is_told_when_the_last_scope_is_read(read):
    service = Service([*ids(500, "/a"), *ids(50, "/b"), *ids(500, "/c")])
    scopes = [Scope(subscriptions=(name,)) for name in "abc"]
    reading = read(service, scopes=scopes, closing=lambda: told.append(service.asked.count(QUERY.count())))
    told = []
    rows_of(reading)
    assert told == [1]


@pytest.mark.parametrize(("kind", "times"), [("ForgetfulOnce", 2), ("RefusingPartitions", 1)])
def test_that_all_rows_have_come_is_told_after_the_last_look_at_them(read, kind, times):
    service = globals()[kind](ids(2_000))
    assert sorted(rows_of(read(service, closing=lambda: service.asked.append("closing")))) == service.ids
    assert service.asked.count("closing") == times
    assert {QUERY.count()}.issuperset(service.asked[len(service.asked) - service.asked[::-1].index("closing") :])


def test_what_a_scope_needs_is_asked_while_the_one_before_is_still_counted(read):
    """The count at the end of one scope holds nothing up: the partitions of the next are under way."""
    service = Service([*ids(1_000, "/a"), *ids(1_000, "/b")])
    moved_on = Event()
    ask, count = service.ask, service.count

    def asking(name, text, scope, **more):
        if scope.subscriptions == ("b",) and "hash(" in text:
            moved_on.set()
        return ask(name, text, scope, **more)

    def counting(name, text, scope, **more):
        assert scope.subscriptions == ("b",) or moved_on.wait(5)
        return count(name, text, scope, **more)

    service.ask, service.count = asking, counting
    reading = read(service, scopes=[Scope(subscriptions=("a",)), Scope(subscriptions=("b",))])
    assert sorted(rows_of(reading)) == service.ids


def test_a_reading_that_is_broken_off_leaves_room_for_the_next(read):
    broken_off = read(Service(ids(5_000)))
    next(iter(broken_off))
    service = Service(ids(5_000))
    assert sorted(rows_of(read(service))) == service.ids


def test_many_scopes_are_begun_a_few_at_a_time(read):
    service = Service([row_id for number in range(40) for row_id in ids(3, f"/{number}")])
    reading = read(service, scopes=[Scope(subscriptions=(str(number),)) for number in range(40)])
    next(rows := iter(reading))
    assert len(service.asked) <= 5
    assert sum(map(len, rows)) == 39 * 3


def test_a_refusal_ends_the_reading(read):
    class Refusing(Service):
        def ask(self, *args, **kwargs):
            raise NoAccessError("no")

    with pytest.raises(NoAccessError):
        rows_of(read(Refusing(ids(10))))
