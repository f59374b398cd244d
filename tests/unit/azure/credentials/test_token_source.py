"""When a token is asked for, how trouble is outlasted, and when it is not. No second passes here."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tap_mdc_vm.azure.credentials.answers import Trouble
from tap_mdc_vm.azure.credentials.source import FIRST_PATIENCE, PATIENCE, QUIET, SPARE, PatientSource
from tap_mdc_vm.errors import (
    ConnectionFailedError,
    MalformedAnswerError,
    SignInError,
    ThrottledError,
    UnavailableError,
    UntrustedCertificateError,
)

DOWN = Trouble(UnavailableError("Entra ID is down."))
REFUSED = SignInError("The client secret is wrong.")


class Endpoint:
    """Plays msal's clients by a script, and the clock and sleep of the source.

    Each entry of ``script`` is a token, an exception, or a dict; the last one is repeated.
    """

    def __init__(self, *script, lifetime=3600):
        self.script = list(script)
        self.lifetime = lifetime
        self.now = 1000.0
        self.slept = []
        self.asked = self.clients = 0
        self.source = PatientSource(
            self.open,
            lambda answer: SignInError(str(answer)),
            clock=lambda: self.now,
            sleep=self.sleep,
            jitter=lambda: 1.0,
        )

    def open(self):
        self.clients += 1
        return self.acquire

    def acquire(self):
        self.asked += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, dict) else {"access_token": step, "expires_in": self.lifetime}

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def token(self):
        return self.source.token()


def test_nothing_is_opened_before_a_token_is_asked_for():
    assert Endpoint("a").clients == 0


def test_msal_is_asked_each_time_by_one_client():
    endpoint = Endpoint("a", "b")
    assert [endpoint.token(), endpoint.token()] == ["a", "b"]
    assert (endpoint.asked, endpoint.clients) == (2, 1)


def test_a_renewed_token_comes_from_a_new_client():
    endpoint = Endpoint("a", "b")
    endpoint.token()
    endpoint.source.renew()
    assert endpoint.token() == "b"
    assert endpoint.clients == 2


def test_a_lifetime_written_as_text_is_understood():
    assert Endpoint({"access_token": "a", "expires_in": "3599"}).token() == "a"


# Trouble before the first token


def test_trouble_passes_and_each_attempt_has_a_new_client():
    endpoint = Endpoint(DOWN, DOWN, DOWN, "a")
    assert endpoint.token() == "a"
    assert endpoint.slept == [1, 2, 4]
    assert endpoint.clients == 4


def test_the_pause_that_entra_asks_for_is_kept():
    endpoint = Endpoint(Trouble(ThrottledError("Slow down."), wait=17.0), "a")
    endpoint.token()
    assert endpoint.slept == [17]


def test_an_endpoint_that_asks_for_no_pause_gets_one_all_the_same():
    endpoint = Endpoint(Trouble(UnavailableError("Down."), 0.0), "a")
    assert endpoint.token() == "a"
    assert endpoint.slept == [1.0]


def test_pauses_stay_below_half_a_minute():
    endpoint = Endpoint(DOWN)
    with pytest.raises(UnavailableError):
        endpoint.token()
    assert endpoint.slept == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("lasting", "kind", "bound"),
    [
        (DOWN, UnavailableError, PATIENCE),
        (Trouble(ThrottledError("Slow down.")), ThrottledError, PATIENCE),
        (Trouble(MalformedAnswerError("A proxy's page.")), MalformedAnswerError, FIRST_PATIENCE),
        (ConnectionFailedError("Connection refused."), ConnectionFailedError, FIRST_PATIENCE),
    ],
)
def test_trouble_that_lasts_ends_with_its_error_within_the_bound(lasting, kind, bound):
    endpoint = Endpoint(lasting)
    with pytest.raises(kind):
        endpoint.token()
    assert bound / 3 < sum(endpoint.slept) <= bound


def test_a_pause_beyond_the_bound_is_not_begun():
    endpoint = Endpoint(Trouble(ThrottledError("Slow down."), wait=PATIENCE + 1))
    with pytest.raises(ThrottledError):
        endpoint.token()
    assert endpoint.slept == []


@pytest.mark.parametrize("final", [REFUSED, UntrustedCertificateError("Not trusted.")])
def test_what_cannot_pass_ends_at_once(final):
    endpoint = Endpoint(final)
    with pytest.raises(type(final)):
        endpoint.token()
    assert endpoint.slept == []


def test_an_answer_without_a_token_is_refused_in_the_endpoints_own_terms():
    with pytest.raises(SignInError, match="invalid_request"):
        Endpoint({"error": "invalid_request"}).token()


def test_an_empty_token_is_none():
    with pytest.raises(SignInError):
        Endpoint({"access_token": "", "expires_in": 3600}).token()


@pytest.mark.parametrize(
    "raised", [ValueError("Your given address (http://…)"), KeyError("token_endpoint"), RuntimeError()]
)
def test_what_msal_cannot_use_is_no_refusal(raised):
    with pytest.raises(MalformedAnswerError, match="authority_host"):
        Endpoint(raised).token()


def test_after_a_failure_the_next_call_starts_afresh():
    endpoint = Endpoint(REFUSED, "a")
    with pytest.raises(SignInError):
        endpoint.token()
    assert endpoint.token() == "a"
    assert endpoint.clients == 2


# Trouble while a token is still good

LATER = [DOWN, ConnectionFailedError("Reset."), REFUSED, ValueError("not JSON")]


@pytest.mark.parametrize("failure", LATER, ids=lambda failure: type(failure).__name__)
def test_a_good_token_outlives_a_failed_renewal(failure, caplog):
    endpoint = Endpoint("a", failure, "b")
    endpoint.token()
    endpoint.now += 3600 - SPARE - 1
    assert endpoint.token() == "a"
    assert endpoint.slept == []
    assert "Going on with the present token" in caplog.text


def test_a_troubled_endpoint_is_left_alone_for_a_while():
    endpoint = Endpoint("a", DOWN, DOWN, "b")
    endpoint.token()
    assert [endpoint.token() for _ in range(5)] == ["a"] * 5
    assert endpoint.asked == 2
    endpoint.now += QUIET
    assert endpoint.token() == "a"
    assert endpoint.asked == 3
    endpoint.now += QUIET
    assert endpoint.token() == "b"


def test_a_token_too_close_to_its_end_is_waited_for_with_all_patience():
    endpoint = Endpoint("a", ConnectionFailedError("Reset."))
    endpoint.token()
    endpoint.now += 3600 - SPARE
    with pytest.raises(ConnectionFailedError):
        endpoint.token()
    assert FIRST_PATIENCE < sum(endpoint.slept) <= PATIENCE


def test_the_quiet_time_ends_with_the_token():
    endpoint = Endpoint("a", DOWN, "b", lifetime=SPARE + 10)
    endpoint.token()
    assert endpoint.token() == "a"
    endpoint.now += 10
    assert endpoint.token() == "b"


def test_a_token_that_was_refused_is_not_gone_on_with():
    endpoint = Endpoint("a", REFUSED)
    endpoint.token()
    endpoint.source.renew()
    with pytest.raises(SignInError):
        endpoint.token()


# Threads


def test_threads_wait_for_one_client_instead_of_opening_their_own():
    opened = []
    everybody = threading.Barrier(8)

    def open_client():
        opened.append(1)
        return lambda: {"access_token": "a", "expires_in": 3600}

    source = PatientSource(open_client, lambda answer: REFUSED)

    def ask(_):
        everybody.wait(10)
        return source.token()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == ["a"] * 8
    assert len(opened) == 1


def test_an_answer_that_msal_stumbles_over_is_malformed():
    endpoint = Endpoint(TypeError("unsupported operand type(s) for +: 'int' and 'str'"))
    with pytest.raises(MalformedAnswerError, match="can't use"):
        endpoint.token()
