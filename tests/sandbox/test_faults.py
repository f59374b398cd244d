"""Every fault of the contract: once, and the records are the same; for ever, and the run ends with one line."""

from __future__ import annotations

import pytest
from runs import sync

from tap_mdc_vm.errors import (
    ConnectionFailedError,
    IncompleteError,
    MalformedAnswerError,
    ScopeTooLargeError,
    ThrottledError,
    TimedOutError,
    TokenRefusedError,
    UnavailableError,
)
from tap_mdc_vm_sandbox import Fault, Fleet, Kind, Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment", "impatient")

FINDINGS = "SecurityResources"
CONFIG = {"page_size": 40, "transform_map": "none", "request_timeout": 5}

LASTING = {
    Kind.THROTTLED: ThrottledError,
    Kind.THROTTLED_RETRY_AFTER: ThrottledError,
    Kind.THROTTLED_TWO_BYTES: ThrottledError,
    Kind.THROTTLED_NO_HINT: ThrottledError,
    Kind.ERROR_500_JSON: UnavailableError,
    Kind.ERROR_502_EMPTY: UnavailableError,
    Kind.ERROR_503_HTML: UnavailableError,
    Kind.ERROR_504_HTML: UnavailableError,
    Kind.RESET_BEFORE: ConnectionFailedError,
    Kind.RESET_MIDWAY: ConnectionFailedError,
    Kind.HALF_JSON: MalformedAnswerError,
    Kind.STALL: TimedOutError,
    Kind.EXPIRED_TOKEN: TokenRefusedError,
    Kind.TRUNCATED: IncompleteError,
    Kind.SHORT: IncompleteError,
    Kind.ROW_WITHOUT_ID: IncompleteError,
    Kind.EMPTY_PAGE: None,
    Kind.REPEATED_TOKEN: None,
    Kind.DOUBLED_ROW: None,
    Kind.PAYLOAD_TOO_LARGE: None,
    Kind.SUBSCRIPTION_LIMIT: ScopeTooLargeError,
}
"""What a fault that never ends, ends in; None where the answers are good enough all the same."""

SIGN_IN = {
    Kind.TOKEN_THROTTLED: ThrottledError,
    Kind.TOKEN_503_HTML: UnavailableError,
    Kind.TOKEN_NOT_JSON: MalformedAnswerError,
    Kind.TOKEN_RESET: ConnectionFailedError,
    Kind.DISCOVERY_503_HTML: UnavailableError,
}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Fleet(machines=60, assessments_per_machine=4), quota=None) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def undisturbed(sandbox):
    sandbox.disturb()
    return ids(sync(sandbox.config | CONFIG))


def ids(run):
    return {stream: sorted(record["id"] for record in records) for stream, records in run.records.items()}


def disturbed(sandbox, *faults, **config):
    sandbox.disturb(*faults)
    return sync(sandbox.config | CONFIG | config)


def test_every_kind_of_fault_has_its_row():
    assert set(LASTING) | set(SIGN_IN) == set(Kind)


@pytest.mark.parametrize("kind", sorted(set(LASTING) - {Kind.SUBSCRIPTION_LIMIT, Kind.STALL}))
@pytest.mark.parametrize("after", [0, 2])
def test_a_fault_that_passes_changes_nothing(sandbox, undisturbed, kind, after):
    fault = Fault(kind=kind, containing=FINDINGS, after=after, times=2, seconds=0.02)
    run = disturbed(sandbox, fault)
    assert run.error is None
    assert ids(run) == undisturbed


def test_an_answer_that_does_not_come_is_asked_for_again_after_the_time_out(sandbox, undisturbed):
    run = disturbed(sandbox, Fault(kind=Kind.STALL, seconds=3, containing=FINDINGS), request_timeout=1)
    assert run.error is None
    assert ids(run) == undisturbed


@pytest.mark.usefixtures("giving_up")
@pytest.mark.parametrize(("kind", "error"), [(kind, error) for kind, error in LASTING.items() if error])
def test_a_fault_that_lasts_ends_the_run_in_one_line(sandbox, kind, error):
    fault = Fault(kind=kind, containing=FINDINGS, times=None, seconds=2)
    run = disturbed(sandbox, fault, request_timeout=1)
    assert isinstance(run.error, error)
    assert "\n" not in str(run.error)
    assert run.summary["complete"] is False
    if kind is not Kind.EXPIRED_TOKEN:  # the token is that of the machines' requests too
        assert run.records["virtual_machines"]


@pytest.mark.parametrize("kind", [kind for kind, error in LASTING.items() if error is None])
def test_what_can_be_seen_through_need_not_end(kind):
    """In a small tenant, as an answer that is too large is asked for in parts, down to single rows."""
    with Sandbox(Fleet(machines=12, assessments_per_machine=4), quota=None) as sandbox:
        undisturbed = sync(sandbox.config | CONFIG)
        run = disturbed(sandbox, Fault(kind=kind, containing=FINDINGS, times=None))
    assert len(undisturbed.records["assessments"]) > CONFIG["page_size"]
    assert run.error is not None or ids(run) == ids(undisturbed)


@pytest.mark.parametrize("kind", SIGN_IN)
def test_trouble_at_entra_id_that_passes_changes_nothing(sandbox, undisturbed, kind):
    run = disturbed(sandbox, Fault(kind=kind, times=2, seconds=0.02))
    assert run.error is None
    assert ids(run) == undisturbed


@pytest.mark.usefixtures("giving_up")
@pytest.mark.parametrize(("kind", "error"), SIGN_IN.items())
def test_trouble_at_entra_id_that_lasts_ends_the_run(sandbox, kind, error):
    run = disturbed(sandbox, Fault(kind=kind, times=None, seconds=0.02))
    assert isinstance(run.error, error)
    assert run.records == {}


def test_every_request_failing_once_is_survived(sandbox, undisturbed):
    kinds = [kind for kind in LASTING if kind not in {Kind.SUBSCRIPTION_LIMIT, Kind.STALL}]
    run = disturbed(sandbox, *(Fault(kind=kind, after=number, seconds=0.02) for number, kind in enumerate(kinds)))
    assert run.error is None
    assert ids(run) == undisturbed
