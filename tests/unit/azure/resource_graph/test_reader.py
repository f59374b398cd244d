"""Readings of a service in this process that can do what Azure does, and worse: each row once, or an error."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import replace
from threading import Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_in import QUERY, StandIn, Tokens, ids, xxh64
from stand_in import read as read_whole

from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.model import Scope
from tap_mdc_vm.azure.resource_graph.pacing import Governor
from tap_mdc_vm.azure.resource_graph.partitions import WHOLE
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import (
    IncompleteError,
    NoAccessError,
    PayloadTooLargeError,
    ScopeTooLargeError,
    UnavailableError,
)

PLAIN = QUERY.rows()


def things(count, size=20):
    return {row_id: {"text": "x" * size} for row_id in ids(count)}


def partition(text):
    """Modulus and remainder of a query's condition; none for the whole."""
    found = re.search(r"where hash\(tolower\(id\)\) % (\d+) == (-?\d+)", text)
    return tuple(map(int, found.groups())) if found else None


def is_packed(text):
    return "make_list" in text


def is_plain(text):
    return text.endswith("order by id asc\n")


# What it takes


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 500, 501, 5_000])
def test_each_row_arrives_once(read, count):
    service = StandIn(things(count))
    came = read(service)
    assert sorted(came.ids) == ids(count)
    assert (came.reading.expected, came.reading.emitted, came.reading.duplicates) == (count, count, 0)


@pytest.mark.parametrize("count", [0, 1, 100])
def test_what_fits_one_page_takes_one_plain_request(read, count):
    service = StandIn(things(count))
    read(service)
    assert service.texts() == [PLAIN]


def test_what_fits_one_packed_answer_takes_one_more(read):
    service = StandIn(things(400))
    read(service)
    assert service.texts() == [PLAIN, QUERY.packed(WHOLE)]


def test_a_large_result_takes_a_page_a_tally_and_its_packed_answers(read):
    service = StandIn(things(5_000))
    read(service)
    kinds = Counter(
        "packed" if is_packed(text) else "tally" if " by part" in text else "page" for text in service.texts()
    )
    assert kinds == {"page": 1, "tally": 1, "packed": 10}


def test_a_packed_answer_aims_at_the_same_bytes_however_large_the_rows(read):
    largest = 0

    class Weighing(StandIn):
        def post(self, *args, **more):
            nonlocal largest
            answer = super().post(*args, **more)
            largest = max(largest, len(answer.body))
            return answer

    for size, count in ((100_000, 300), (10_000, 2_000)):
        largest, service = 0, Weighing(things(count, size))
        assert len(read(service, page_size=1000).rows) == count
        assert 8 * 2**20 < largest < 14 * 2**20
        assert len(service.texts()) <= count * size / 2**20 / 9 + 4


@settings(deadline=None, max_examples=30)
@given(count=st.integers(0, 400), page_size=st.integers(1, 60), largest=st.integers(300, 6_000), data=st.data())
def test_pages_and_answers_of_any_size_lose_and_double_nothing(count, page_size, largest, data):
    service = StandIn(things(count), largest=largest, longest_list=data.draw(st.integers(0, 400)))
    assert sorted(read_whole(service, scopes=[Scope()], page_size=page_size).ids) == ids(count)


# Ways down


@pytest.mark.parametrize("longest", [1, 37, 128, 201, 333])
def test_a_list_that_is_cut_is_noticed_and_asked_for_in_parts(read, caplog, longest):
    service = StandIn(things(3_000), longest_list=longest)
    caplog.set_level("INFO")
    assert sorted(read(service).ids) == ids(3_000)
    assert caplog.text.count("going on with") == 1
    assert (sum(map(is_packed, service.texts())) == 1) == (longest <= 100)
    assert len(service.texts()) <= 50


@pytest.mark.parametrize("refused", [("make_list",), ("make_list", "by part")])
def test_a_service_that_refuses_to_pack_is_asked_once_and_then_for_plain_rows(read, caplog, refused):
    service = StandIn(things(3_000), refused=refused)
    caplog.set_level("INFO")
    assert sorted(read(service).ids) == ids(3_000)
    assert sum(map(is_packed, service.texts())) == 1
    assert caplog.text.count("going on with plain pages") == 1


@pytest.mark.parametrize("refused", [("make_list",), ()])
def test_rows_that_are_larger_than_those_of_the_first_page_cost_a_few_refusals_only(read, refused):
    """Azure says how large an answer would have been, so that the next ones fit."""
    service = StandIn(things(3_000) | {row_id: {"text": "y" * 2_000} for row_id in ids(3_000)[200:]})
    service.largest, service.refused = 200_000, refused
    assert sorted(read(service).ids) == ids(3_000)
    assert service.statuses["400"] <= 6
    assert len(service.texts()) <= 3_000 * 2_000 / 200_000 * 3.5


def test_a_first_page_that_is_too_large_is_asked_for_with_a_tenth_of_the_rows(read):
    service = StandIn(things(3_000, 80_000))
    assert len(read(service, page_size=1000).rows) == 3_000
    assert service.statuses["400"] == 1
    assert len(service.texts()) <= 34


def test_one_huge_row_does_not_make_all_answers_small(read):
    service = StandIn(things(5_000), largest=200_000)
    service.rows["/x/Thing-04999"] = {"text": "y" * 190_000}
    assert sorted(read(service).ids) == ids(5_000)
    assert len(service.texts()) <= 40


@pytest.mark.parametrize("page_size", [10, 1000])
def test_one_row_over_16_mib_ends_the_run(read, page_size):
    with pytest.raises(PayloadTooLargeError) as caught:
        read(StandIn(things(20), largest=10), page_size=page_size)
    assert "by a filter" in str(caught.value)
    assert "page_size" not in str(caught.value)  # which was halved until one row was left


@pytest.mark.parametrize("hashing", ["other", "anew", "signed"])
@pytest.mark.parametrize("refused", [(), ("by part",), ("make_list",)])
def test_a_service_that_hashes_otherwise_is_read_in_order_and_that_is_said(read, caplog, hashing, refused):
    service = StandIn(things(3_000), hashing=hashing, refused=refused)
    assert sorted(read(service).ids) == ids(3_000)
    assert "falling back to ordered pages" in caplog.text
    assert sum(partition(text) is not None for text in service.texts()) <= 25


def test_a_service_that_refuses_to_partition_is_read_in_order_once_it_said_so(read, caplog):
    service, scopes = scoped(700, "abc")
    service.refused = ("hash(",)
    assert sorted(read(service, scopes=scopes).ids) == sorted(service.rows)
    assert caplog.text.count("falling back to ordered pages") == 1


@pytest.mark.parametrize("too_heavy", [PLAIN, "no partition"])
@pytest.mark.parametrize("count", [50, 3_000])
def test_a_question_that_is_too_heavy_as_a_whole_is_asked_in_partitions(read, too_heavy, count):
    service = StandIn(things(count))
    service.failing = lambda text: text == too_heavy or (too_heavy == "no partition" and not partition(text))
    assert sorted(read(service).ids) == ids(count)


def test_packing_that_is_too_heavy_is_given_up(read):
    service = StandIn(things(3_000), failing=is_packed)
    assert sorted(read(service).ids) == ids(3_000)


def test_packing_that_another_scope_has_given_up_meanwhile_is_given_up_too(read):
    class GivenUpByOne(ByScope):
        """Refuses to pack for one scope, once the other asks for it too, and fails for the other."""

        def _answered(self, question):
            if is_packed(question["query"]):
                self.packing |= set(question["subscriptions"])
                return Answer(400 if question["subscriptions"] == ["a"] and len(self.packing) == 2 else 500, {}, b"{}")
            return super()._answered(question)

        packing = frozenset()

    service, scopes = scoped(700, "ab")
    assert sorted(read(GivenUpByOne(service.rows), scopes=scopes).ids) == sorted(service.rows)


def test_an_outage_ends_the_run(read):
    with pytest.raises(UnavailableError):
        read(StandIn(things(3_000), failing=lambda text: True))


class NoTokens:
    """Entra ID, out of order from some request on."""

    def __init__(self, given):
        self.given, self.refused = given, 0

    def token(self):
        if self.given:
            self.given -= 1
            return "token"
        self.refused += 1
        raise UnavailableError("Entra ID keeps on answering 503.")


@pytest.mark.parametrize("given", [0, 1])
def test_that_nobody_can_sign_in_is_no_reason_to_ask_otherwise(read, given, caplog):
    tokens = NoTokens(given)
    with pytest.raises(UnavailableError, match="Entra ID"):
        read(StandIn(things(3_000)), tokens=tokens, threads=1)
    assert tokens.refused <= 1 + given  # a partition and its count are asked for side by side
    assert "asking for" not in caplog.text


def test_an_outage_in_between_is_no_reason_to_ask_otherwise(read):
    service = StandIn(things(3_000))
    service.failing = lambda text: len(service.asked) > 5
    with pytest.raises(UnavailableError):
        read(service)
    assert not any(is_plain(text) for text in service.texts()[1:])


# Rows with one id


def seen(*dates):
    return [{"seen": date, "text": str(number)} for number, date in enumerate(dates)]


@pytest.mark.parametrize("count", [0, 300, 3_000])
@pytest.mark.parametrize("refused", [(), ("make_list",), ("hash(",)])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_rows_with_one_id_the_newer_is_handed_on_whatever_the_order(read, caplog, count, refused, turned):
    service = StandIn(things(count), refused=refused)
    twins = seen("2026-05-01T10:00:00.1234567Z", "2026-05-01T10:00:00Z")
    service.rows["/x/Twin"] = twins[::-1] if turned else twins
    came = read(service)
    assert [row["properties"] for row in decoded(came) if row["id"] == "/x/Twin"] == [twins[0]]
    assert came.reading.duplicates == 1
    assert caplog.text.count("rows that differ came with one id, /x/twin") == 1


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2026-05-01T10:00:00.1234568Z", "2026-05-01T10:00:00.1234567Z"),
        ("2026-05-01T10:00:00.0000001Z", "2026-05-01T10:00:00Z"),
        ("2026-05-01T10:00:00.1200001Z", "2026-05-01T10:00:00.12Z"),
        ("2026-05-01T10:00:00.1234568+00:00", "2026-05-01T10:00:00.1234567Z"),
        ("2026-05-01T10:00:00.1234568+02:00", "2026-05-01T08:00:00.1234567Z"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_seventh_digit_of_a_second_tells_the_newer_too(read, newer, older, turned):
    twins = seen(newer, older)
    came = read(StandIn({"/x/Twin": twins[::-1] if turned else twins}))
    assert [row["properties"] for row in decoded(came)] == [twins[0]]


@pytest.mark.parametrize("dates", [("", None), ("soon", "later"), (None, None), ("2026-05-01", "2026-05-01")])
def test_where_no_date_tells_the_order_does_not_either(read, dates):
    first, second = (decoded(read(StandIn({"/x/Twin": twins}))) for twins in (seen(*dates), seen(*dates)[::-1]))
    assert first == second


def test_more_rows_with_one_id_than_a_list_holds_are_not_split_for_ever(read):
    class Bounded(StandIn):
        def _answered(self, question):
            assert len(self.asked) < 200
            return super()._answered(question)

    came = read(Bounded({"/x/Twin": [{"a": 1}] * 600}, longest_list=500))
    assert (came.reading.emitted, came.reading.duplicates) == (1, 599)


def test_rows_that_are_alike_are_only_counted(read, caplog):
    service = StandIn({**things(300), "/x/Twin": [{"a": 1}, {"a": 1}]})
    came = read(service)
    assert (came.reading.emitted, came.reading.duplicates, came.reading.expected) == (301, 1, 302)
    assert "differ" not in caplog.text


def test_one_resource_in_two_casings_is_one_row(read, caplog):
    service = StandIn({**things(3_000), "/X/THING-00007": {"text": "x" * 20}})
    came = read(service)
    assert Counter(map(str.lower, came.ids)) == Counter(map(str.lower, ids(3_000)))
    assert (came.reading.emitted, came.reading.duplicates, came.reading.expected) == (3_000, 1, 3_001)


def test_a_few_ids_are_named(read, caplog):
    read(StandIn({row_id: [{"a": 1}, {"a": 2}] for row_id in ids(50)}))
    assert caplog.text.count("rows that differ") == 5


def decoded(came):
    return [{**row, "properties": json.loads(bytes(row["properties"]))} for row in came.rows]


# A service that leaves rows out


def once(leaves_out):
    """Leave a row out the first time that it matters."""
    hit = []

    def forgetting(text, rows):
        if not hit and leaves_out(text) and len(rows) > 1:
            hit.append(text)
            return rows[:-1]
        return rows

    return forgetting


def fetches(text):
    """Whether a query fetches rows of a partition."""
    return partition(text) is not None and (is_packed(text) or is_plain(text))


@pytest.mark.parametrize("refused", [(), ("make_list",), ("by part",)])
def test_a_row_that_a_partition_left_out_once_is_found(read, refused):
    service = StandIn(things(3_000), refused=refused, forgetting=once(fetches))
    assert sorted(read(service).ids) == ids(3_000)


LATE = next(row_id for row_id in ids(100) if xxh64(row_id.lower()) % 6 == 4)
"""A row of the first page, in a partition that is asked for when others have been handed on."""


def without(victim, concerned):
    return lambda text, rows: [row for row in rows if row["id"] != victim] if concerned(text) else rows


@pytest.mark.parametrize("victim", [LATE, "/x/Thing-02500"])
@pytest.mark.parametrize("refused", [(), ("make_list",)])
def test_a_row_that_is_counted_and_never_comes_ends_the_run(read, victim, refused):
    service = StandIn(things(3_000), refused=refused)
    service.forgetting = without(victim, fetches)
    with pytest.raises(IncompleteError, match="contradicts itself"):
        read(service)


def test_a_row_of_the_first_page_that_no_partition_has_nor_counts_ends_the_run(read):
    service = StandIn(things(3_000), forgetting=without(LATE, lambda text: "hash(" in text))
    with pytest.raises(IncompleteError, match="is there, and not in its partition"):
        read(service)


@pytest.mark.parametrize("refused", [(), ("by part",)])
def test_a_row_that_no_partition_has_nor_counts_is_missed_by_the_count_of_all(read, refused):
    service = StandIn(
        things(3_000), refused=refused, forgetting=without("/x/Thing-02500", lambda text: "hash(" in text)
    )
    with pytest.raises(IncompleteError, match="2,999 rows, and 3,000 are counted"):
        read(service)


def test_a_row_that_no_half_of_a_small_result_has_nor_counts_is_missed_by_the_count_of_all(read):
    class InSmallPages(StandIn):
        def _answered(self, question):
            question["options"]["$top"] = min(question["options"]["$top"], 40)
            return super()._answered(question)

    forgetting = without("/x/Thing-00055", lambda text: "hash(" in text)
    with pytest.raises(IncompleteError, match="59 rows, and 60 are counted"):
        read(InSmallPages(things(60), refused=("make_list",), forgetting=forgetting))


def test_a_row_of_another_partition_in_a_late_one_ends_the_run_before_it_is_handed_on(read):
    def forgetting(text, rows):
        return [*rows, {"id": "/X/THING-00000"}] if (partition(text) or (0, 0))[1] == late else rows

    late = next(number for number in (3, 4) if xxh64("/x/thing-00000") % 6 != number)
    with pytest.raises(IncompleteError, match="does not belong"):
        read(StandIn(things(3_000), forgetting=forgetting))


class InPages(StandIn):
    """Sends fewer rows than asked for when it counts partitions for the first time."""

    is_first = True

    def _answered(self, question):
        if self.is_first and "by part" in question["query"]:
            self.is_first, question["options"]["$top"] = False, 3
        return super()._answered(question)


@pytest.mark.parametrize("form", [str, float])
def test_counts_of_another_form_are_asked_for_one_by_one(read, form):
    class WritingOtherwise(StandIn):
        def _answered(self, question):
            def change(body):
                return {**body, "data": [{**row, "part": form(row["part"])} for row in body["data"]]}

            answer = super()._answered(question)
            return altered(answer, change) if " by part" in question["query"] else answer

    service = WritingOtherwise(things(3_000))
    assert sorted(read(service).ids) == ids(3_000)
    assert sum(" by part" in text for text in service.texts()) == 6


def test_a_part_of_the_counts_is_not_taken_for_all_of_them(read):
    service = InPages(things(3_000), forgetting=without("/x/Thing-02500", fetches))
    with pytest.raises(IncompleteError):
        read(service)
    assert sorted(read(InPages(things(3_000))).ids) == ids(3_000)


def test_a_tolerant_reading_goes_on_with_the_other_partitions_and_keeps_why(read, caplog):
    service = StandIn(things(3_000), forgetting=without("/x/Thing-02500", fetches))
    came = read(service, tolerant=True)
    assert sorted(came.ids) == [row_id for row_id in ids(3_000) if row_id != "/x/Thing-02500"]
    assert "contradicts itself" in came.reading.shortcomings[0]
    assert "not proven complete" in caplog.text


# A tenant that changes


def changing(service, seed, created, deleted):
    """Let rows come and go before each answer; return those that were there throughout, in the end."""
    chance, throughout = random.Random(seed), set(service.rows)

    def drift(_):
        for _ in range(deleted):
            gone = chance.choice(list(service.rows)) if service.rows else ""
            service.rows.pop(gone, None)
            throughout.discard(gone)
        for _ in range(created):
            service.rows[f"/x/new-{chance.randrange(10**9)}"] = {}

    service.drift = drift
    return throughout


@pytest.mark.parametrize(("created", "deleted"), [(1, 0), (0, 1), (1, 1), (20, 20)])
@pytest.mark.parametrize("refused", [(), ("make_list",), ("by part",)])
def test_what_was_there_throughout_arrives_exactly_once_while_rows_come_and_go(read, created, deleted, refused):
    for seed in range(3):
        service = StandIn(things(3_000), refused=refused)
        throughout = changing(service, seed, created, deleted)
        came = Counter(read(service).ids)
        assert throughout <= came.keys()
        assert set(came.values()) == {1}


def test_changes_cost_requests_only_where_rows_went(read):
    service = StandIn(things(5_000))
    changing(service, 1, 50, 0)
    read(service)
    assert len(service.texts()) <= 16


# Ordered pages


def refusing(count, **more):
    return StandIn(things(count), refused=("hash(",), **more)


def test_a_row_that_slides_across_an_edge_unseen_by_the_counts_arrives_all_the_same(read):
    """One row goes and one comes between two pages: the totals, and the number of rows, tell nothing."""
    service = refusing(1_000)

    def swapping(_):
        if any("$skipToken" in question["options"] for question in service.asked) and "/x/Thing-00000" in service.rows:
            del service.rows["/x/Thing-00000"]
            service.rows["/x/Thing-99999"] = {}

    service.drift = swapping
    came = read(service).ids
    assert set(ids(1_000)[1:]) <= set(came)
    assert len(came) == len(set(came))


class RepeatingItself(StandIn):
    """Sends the same skip token again and again."""

    def _answered(self, question):
        return altered(super()._answered(question), lambda body: {**body, "$skipToken": "100"})


class EmptyForEver(StandIn):
    """Sends empty pages with ever new tokens."""

    def _answered(self, question):
        token = str(len(self.asked) + 10_000)
        return altered(super()._answered(question), lambda body: {**body, "data": [], "count": 0, "$skipToken": token})


class Circling(StandIn):
    """Sends ever new tokens to the same rows."""

    def _answered(self, question):
        question["options"].pop("$skipToken", None)
        return altered(super()._answered(question), lambda body: {**body, "$skipToken": f"0{len(self.asked)}"})


def altered(answer, change):
    return (
        replace(answer, body=json.dumps(change(json.loads(answer.body))).encode()) if answer.status == 200 else answer
    )


@pytest.mark.parametrize("kind", [RepeatingItself, EmptyForEver, Circling])
def test_ordered_pages_that_never_prove_anything_end_the_run(read, kind):
    service = kind(things(1_000), refused=("hash(", "make_list"))
    with pytest.raises(IncompleteError, match="things can't be proven complete"):
        read(service)
    assert len(service.asked) < 200


def test_ordered_pages_of_a_tenant_that_never_holds_still_end_the_run(read):
    service = refusing(1_000)
    changing(service, 1, 1, 0)
    with pytest.raises(IncompleteError, match="things can't be proven complete"):
        read(service)


# Odd first answers


def test_an_empty_page_with_a_token_is_not_the_end(read):
    class Hesitating(StandIn):
        def _answered(self, question):
            answer = super()._answered(question)
            first = len(self.asked) == 1
            return (
                altered(answer, lambda body: {**body, "data": [], "count": 0, "$skipToken": "0"}) if first else answer
            )

    assert sorted(read(Hesitating(things(50))).ids) == ids(50)


@pytest.mark.parametrize("refused", [(), ("make_list",)])
def test_a_token_behind_the_last_row_is_not_followed(read, refused):
    class Overdoing(StandIn):
        def _answered(self, question):
            return altered(super()._answered(question), lambda body: {"$skipToken": "9", **body})

    assert sorted(read(Overdoing(things(3_000), refused=refused)).ids) == ids(3_000)


@pytest.mark.parametrize("count", [101, 3_000])
def test_a_page_that_is_counted_whole_and_promises_more_is_not_taken_for_all(read, count):
    class CountingPages(StandIn):
        def _answered(self, question):
            whole = is_plain(question["query"]) and not partition(question["query"])
            answer = super()._answered(question)
            return altered(answer, lambda body: {**body, "totalRecords": body["count"]}) if whole else answer

    assert sorted(read(CountingPages(things(count))).ids) == ids(count)


@pytest.mark.parametrize("total", [101, 10**12])
def test_a_total_that_is_wrong_is_not_believed(read, total):
    class Boasting(StandIn):
        def _answered(self, question):
            answer = super()._answered(question)
            return altered(answer, lambda body: {**body, "totalRecords": total}) if len(self.asked) == 1 else answer

    assert sorted(read(Boasting(things(3_000))).ids) == ids(3_000)


def test_a_refusal_ends_the_reading(read):
    class Forbidding(StandIn):
        def _answered(self, question):
            return Answer(403, {}, b"{}")

    with pytest.raises(NoAccessError):
        read(Forbidding(things(10)))


LIMIT = {"x-ms-tenant-subscription-limit-hit": "true"}


def test_more_subscriptions_than_azure_looks_at_end_the_run(read):
    with pytest.raises(ScopeTooLargeError, match="10,000"):
        read(StandIn(things(10), headers=LIMIT))


@pytest.mark.parametrize("refused", [(), ("make_list",)])
def test_a_limit_that_shows_only_later_ends_the_run_too(read, refused):
    class LimitedLater(StandIn):
        def _answered(self, question):
            self.headers = LIMIT if partition(question["query"]) else {}
            return super()._answered(question)

    with pytest.raises(ScopeTooLargeError, match="10,000"):
        read(LimitedLater(things(3_000), refused=refused))


# Scopes, and what goes on side by side


def scoped(count, names):
    service = ByScope({row_id: {} for name in names for row_id in ids(count, f"/{name}")})
    return service, [Scope(subscriptions=(name,)) for name in names]


class ByScope(StandIn):
    """Shows the rows of the subscription that is asked for: the first part of an id."""

    def _answered(self, question):
        kept, self.rows = self.rows, self.rows
        named = question.get("subscriptions")
        self.rows = {row_id: row for row_id, row in kept.items() if not named or row_id.split("/")[1] in named}
        try:
            return super()._answered(question)
        finally:
            self.rows = kept


@pytest.mark.parametrize("count", [50, 150, 2_000])
def test_scopes_are_read_one_after_the_other_and_all(read, count):
    service, scopes = scoped(count, "abc")
    assert sorted(read(service, scopes=scopes).ids) == sorted(service.rows)


def test_what_one_scope_showed_of_the_service_holds_for_the_next(read):
    service, scopes = scoped(2_000, "abcdef")
    service.refused = ("make_list",)
    read(service, scopes=scopes)
    assert sum(map(is_packed, service.texts())) <= 4  # the scopes that are begun at once


def test_a_tolerant_reading_goes_on_with_the_next_scope_where_one_gives_no_first_page(read):
    class LeavingOut(ByScope):
        def _answered(self, question):
            spoiled = question.get("subscriptions") == ["b"]
            return altered(
                super()._answered(question), lambda body: {**body, "resultTruncated": "true"} if spoiled else body
            )

    service = LeavingOut(scoped(50, "abc")[0].rows)
    scopes = [Scope(subscriptions=(name,)) for name in "bacb"]
    came = read(service, scopes=scopes, tolerant=True)
    assert sorted(came.ids) == [*ids(50, "/a"), *ids(50, "/c")]
    assert len(came.reading.shortcomings) == 2
    with pytest.raises(IncompleteError, match="left rows out"):
        read(service, scopes=scopes)


def test_many_scopes_are_begun_a_few_at_a_time():
    service, scopes = scoped(3, [str(number) for number in range(40)])
    with started(service, scopes) as reading:
        rows = iter(reading)
        next(rows)
        assert len(service.asked) <= 5
        assert sum(map(len, rows)) == 39 * 3


def test_a_reading_that_is_broken_off_leaves_room_for_the_next():
    with started(StandIn(things(5_000)), [Scope()], [Scope()]) as (broken_off, whole):
        next(iter(broken_off))
        assert sum(map(len, whole)) == 5_000


@pytest.mark.parametrize("refused", [(), ("make_list",), ("hash(",)])
def test_no_more_requests_are_in_flight_than_there_are_workers(refused):
    class Watching(StandIn):
        under_way = most = 0
        watching = Lock()

        def post(self, *args, **more):
            with self.watching:
                self.under_way += 1
                self.most = max(self.most, self.under_way)
            try:
                return super().post(*args, **more)
            finally:
                with self.watching:
                    self.under_way -= 1

    service = Watching(things(2_000), refused=refused)
    with started(service, *([Scope()],) * 3, threads=2) as readings:
        assert [sum(map(len, reading)) for reading in readings] == [2_000] * 3
    assert service.most <= 2


class started:  # noqa: N801  # reads as a verb
    """Readings of one service that go on side by side; the only one, if there is one."""

    def __init__(self, service, *scopes, threads=4):
        self.governor, self.workers = Governor(), Workers(threads)
        client = Client("https://arm.example", service, Tokens(), self.governor)
        reader = Reader(client, self.workers, page_size=100)
        self.readings = [reader.start(QUERY, each) for each in scopes]

    def __enter__(self):
        return self.readings[0] if len(self.readings) == 1 else self.readings

    def __exit__(self, *_):
        self.governor.close()
        self.workers.close()
