"""Which requests are hit by which fault: decided by plan or by seeded chance, and counted."""

from dataclasses import dataclass

import pytest

from tap_mdc_vm_sandbox.faults import SIGN_IN, SPOILED, TRANSPORT, Chaos, Fault, Faults, Kind
from tap_mdc_vm_sandbox.graph_api import Outcome, Page, Question
from tap_mdc_vm_sandbox.server import Response
from tap_mdc_vm_sandbox.store import Rows


def outcome(query="Resources | project id", *, rows=3, token="next", options=None):
    page = Page(Rows(rows, [b'{"id":"/%d"}' % n for n in range(rows)], [("id", "string")]), token, False, {})
    return Outcome(Response(200, b"{}"), Question(query, options=options or {"$skipToken": "this"}), page)


REFUSED = Outcome(Response(429), Question("Resources"))


@dataclass
class Hits:
    faults: Faults

    def kinds(self, outcomes, first=1):
        hit = [self.faults.for_query(each, number) for number, each in enumerate(outcomes, first)]
        return [fault and fault.kind.value for fault in hit]


def test_a_fault_hits_once_then_never_again():
    assert Hits(Faults([Fault(kind=Kind.STALL)])).kinds([outcome()] * 3) == ["stall", None, None]


def test_a_fault_may_come_later_and_more_often():
    plan = [Fault(kind=Kind.STALL, after=1, times=2)]
    assert Hits(Faults(plan)).kinds([outcome()] * 5) == [None, "stall", "stall", None, None]


def test_a_fault_may_last():
    assert Hits(Faults([Fault(kind=Kind.SHORT, times=None)])).kinds([outcome()] * 100) == ["short"] * 100


def test_faults_of_a_plan_follow_one_another():
    plan = [Fault(kind=Kind.THROTTLED), Fault(kind=Kind.RESET_BEFORE)]
    assert Hits(Faults(plan)).kinds([outcome()] * 3) == ["throttled", "reset-before", None]


def test_a_fault_may_choose_its_queries():
    plan = [Fault(kind=Kind.STALL, containing="SecurityResources")]
    queries = [outcome(), outcome("SecurityResources | count")]
    assert Hits(Faults(plan)).kinds(queries) == [None, "stall"]


def test_an_answer_that_is_an_error_already_is_left_alone():
    assert Hits(Faults([Fault(kind=Kind.STALL, times=None)])).kinds([REFUSED]) == [None]


@pytest.mark.parametrize(
    ("kind", "harmless"),
    [
        (Kind.REPEATED_TOKEN, outcome(options={"$top": 5})),
        (Kind.REPEATED_TOKEN, outcome(token=None)),
        (Kind.ROW_WITHOUT_ID, outcome(rows=0)),
        (Kind.DOUBLED_ROW, outcome(rows=0)),
        (Kind.SHORT, outcome(rows=1)),
        (Kind.TRUNCATED, outcome(rows=1)),
        (Kind.EMPTY_PAGE, outcome(rows=1)),
        (Kind.PAYLOAD_TOO_LARGE, outcome(rows=1)),
    ],
)
def test_a_fault_waits_for_a_page_that_it_can_spoil(kind, harmless):
    assert Hits(Faults([Fault(kind=kind)])).kinds([harmless, outcome()]) == [None, kind.value]


def test_signing_in_and_queries_have_faults_of_their_own():
    faults = Faults([Fault(kind=Kind.TOKEN_RESET), Fault(kind=Kind.DISCOVERY_503_HTML), Fault(kind=Kind.STALL)])
    assert faults.for_discovery(1).kind is Kind.DISCOVERY_503_HTML
    assert faults.for_sign_in(2).kind is Kind.TOKEN_RESET
    assert faults.for_query(outcome(), 3).kind is Kind.STALL
    assert [faults.for_discovery(4), faults.for_sign_in(5), faults.for_query(outcome(), 6)] == [None] * 3


def test_every_kind_belongs_to_one_group():
    assert TRANSPORT | SPOILED | SIGN_IN | {Kind.DISCOVERY_503_HTML} == set(Kind)
    assert not TRANSPORT & SPOILED


# Chaos


def test_chaos_is_the_same_for_the_same_seed():
    runs = [Hits(Faults(chaos=Chaos(seed=seed))).kinds([outcome()] * 200) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_chaos_hits_its_share_and_then_stops():
    kinds = Hits(Faults(chaos=Chaos(seed=3, share=0.3, most=150, in_a_row=100))).kinds([outcome()] * 1_000)
    hits = [number for number, kind in enumerate(kinds) if kind]
    assert len(hits) == 150
    assert 400 < hits[-1] < 600


def test_chaos_leaves_room_between_its_blows():
    kinds = Hits(Faults(chaos=Chaos(seed=4, share=1.0, in_a_row=2, most=100))).kinds([outcome()] * 30)
    assert [kind is None for kind in kinds] == [False, False, True] * 10


def test_chaos_brings_every_kind_that_it_may():
    chaos = Chaos(seed=5, share=1.0, most=2_000, in_a_row=2_000)
    assert set(Hits(Faults(chaos=chaos)).kinds([outcome()] * 1_000)) == {kind.value for kind in TRANSPORT | SPOILED}
    mild = Chaos(seed=5, share=1.0, most=50, kinds=frozenset({Kind.STALL}))
    assert set(Hits(Faults(chaos=mild)).kinds([outcome()] * 30)) == {"stall", None}
