"""When a token is asked for, how trouble is outlasted, and when it is not. No second passes here."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tap_mdc_vm.azure.credentials import by_msal
from tap_mdc_vm.azure.credentials.keeping import EARLY, QUIET, SPARE, Token, Tokens
from tap_mdc_vm.azure.retries import Patience
from tap_mdc_vm.errors import (
    ConnectionFailedError,
    MalformedAnswerError,
    SignInError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
    UntrustedCertificateError,
)

DOWN = UnavailableError("Entra ID is down.")
REFUSED = SignInError("The client secret is wrong.")


class Endpoint:
    """Plays a way to sign in by a script, and the clock and sleep of the tokens.

    Each entry of ``script`` is a token or an exception; the last one is repeated. It takes ``delay`` seconds.
    """

    def __init__(self, *script, lifetime=3600, delay=0.0):
        self.script, self.lifetime, self.delay = list(script), lifetime, delay
        self.now = 1000.0
        self.slept = []
        self.asked = 0
        self.tokens = Tokens(
            lambda: self.sign_in(),  # noqa: PLW0108  # a test puts another in its place
            clock=lambda: self.now,
            sleep=self.sleep,
            patience=lambda: Patience(lambda: self.now, lambda: 0.0),
        )

    def sign_in(self):
        self.asked += 1
        self.now += self.delay
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        return Token(step, self.lifetime)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def token(self):
        return self.tokens.token()


def test_nobody_signs_in_before_a_token_is_asked_for():
    assert Endpoint("a").asked == 0


@pytest.mark.parametrize(("lifetime", "kept"), [(3600, 3600 - EARLY), (120, 60), (1, 0.5)])
def test_a_token_is_kept_until_some_time_before_its_end(lifetime, kept):
    endpoint = Endpoint("a", "b", lifetime=lifetime)
    endpoint.token()
    endpoint.now += kept - 0.25
    assert endpoint.token() == "a"
    endpoint.now += 0.25
    assert endpoint.token() == "b"


def test_a_token_that_has_run_out_as_it_comes_is_handed_out_once():
    endpoint = Endpoint("a", "b", lifetime=0)
    assert [endpoint.token(), endpoint.token()] == ["a", "b"]


def test_a_token_that_was_refused_gives_way_to_a_new_one():
    endpoint = Endpoint("a", "b")
    assert endpoint.tokens.renew(endpoint.token())
    assert endpoint.token() == "b"
    assert endpoint.asked == 2


def test_a_token_that_another_thread_has_renewed_is_not_renewed_again():
    endpoint = Endpoint("a", "b")
    refused = endpoint.token()
    endpoint.tokens.renew(refused)
    endpoint.token()
    assert not endpoint.tokens.renew(refused)
    assert endpoint.asked == 2


# Trouble before the first token


def test_trouble_passes():
    endpoint = Endpoint(DOWN, DOWN, DOWN, "a")
    assert endpoint.token() == "a"
    assert endpoint.slept == [0.5, 1, 2]
    assert endpoint.asked == 4


def test_the_pause_that_entra_asks_for_is_kept():
    endpoint = Endpoint(ThrottledError("Slow down.", wait=17.0), "a")
    endpoint.token()
    assert endpoint.slept == [17]


def test_an_endpoint_that_asks_for_no_pause_gets_one_all_the_same():
    endpoint = Endpoint(UnavailableError("Down.", wait=0.0), "a")
    assert endpoint.token() == "a"
    assert endpoint.slept == [0.5]


def test_a_first_connection_that_is_swallowed_has_a_second_try_however_long_it_took():
    endpoint = Endpoint(TimedOutError("No answer."), "a", delay=15.0)
    assert endpoint.token() == "a"
    assert endpoint.asked == 2


@pytest.mark.parametrize(
    ("lasting", "bound"),
    [(DOWN, 120.0), (ThrottledError("Slow down."), 600.0), (ConnectionFailedError("Connection refused."), 5.0)],
)
def test_trouble_that_lasts_ends_with_its_error_within_the_bound(lasting, bound):
    endpoint = Endpoint(lasting)
    with pytest.raises(type(lasting)):
        endpoint.token()
    assert bound / 3 < sum(endpoint.slept) <= bound


def test_a_proxys_page_is_asked_again_for_some_seconds():
    endpoint = Endpoint(MalformedAnswerError("A proxy's page."))
    with pytest.raises(MalformedAnswerError):
        endpoint.token()
    assert endpoint.slept == [0.5, 1, 2, 4, 8]


@pytest.mark.parametrize("final", [REFUSED, UntrustedCertificateError("Not trusted.")])
def test_what_cannot_pass_ends_at_once(final):
    endpoint = Endpoint(final)
    with pytest.raises(type(final)):
        endpoint.token()
    assert endpoint.slept == []


def test_after_a_failure_the_next_call_starts_afresh():
    endpoint = Endpoint(REFUSED, "a")
    with pytest.raises(SignInError):
        endpoint.token()
    assert endpoint.token() == "a"


# What msal gives


def from_msal(answer):
    def acquire():
        if isinstance(answer, Exception):
            raise answer
        return answer

    return by_msal(acquire, lambda payload: SignInError(str(payload)))


def test_a_lifetime_written_as_text_is_understood():
    assert from_msal({"access_token": "a", "expires_in": "3599"}) == Token("a", 3599.0)


def test_an_answer_without_a_token_is_refused_in_the_endpoints_own_terms():
    with pytest.raises(SignInError, match="invalid_request"):
        from_msal({"error": "invalid_request"})


def test_an_empty_token_is_none():
    with pytest.raises(SignInError):
        from_msal({"access_token": "", "expires_in": 3600})


@pytest.mark.parametrize(
    "raised",
    [
        ValueError("Your given address (http://…)"),
        KeyError("token_endpoint"),
        RuntimeError(),
        TypeError("unsupported operand type(s) for +: 'int' and 'str'"),
        AttributeError("'int' object has no attribute 'split'"),
        IndexError("list index out of range"),
        OverflowError("cannot convert float infinity to integer"),
    ],
)
def test_what_msal_cannot_use_is_no_refusal(raised):
    with pytest.raises(MalformedAnswerError, match="authority_host"):
        from_msal(raised)


@pytest.mark.parametrize("value", [5, {"a": 1}, ["a"]])
def test_a_token_that_is_no_text_is_none(value):
    with pytest.raises(MalformedAnswerError, match="authority_host"):
        from_msal({"access_token": value, "expires_in": 3600})


@pytest.mark.parametrize("lifetime", [None, "soon", [1]])
def test_a_lifetime_that_is_no_number_is_told(lifetime):
    with pytest.raises(MalformedAnswerError, match="authority_host"):
        from_msal({"access_token": "a", "expires_in": lifetime})


# Trouble while a token is still good

LATER = [DOWN, ConnectionFailedError("Reset."), REFUSED, MalformedAnswerError("not JSON")]


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
    endpoint.now += 3600 - EARLY
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
    assert 60.0 < sum(endpoint.slept) <= 120.0


def test_the_quiet_time_ends_with_the_token():
    endpoint = Endpoint("a", DOWN, "b")
    endpoint.token()
    endpoint.now += 3600 - SPARE - 10
    assert endpoint.token() == "a"
    endpoint.now += 10
    assert endpoint.token() == "b"


def test_a_token_that_was_refused_is_not_gone_on_with():
    endpoint = Endpoint("a", REFUSED)
    endpoint.tokens.renew(endpoint.token())
    with pytest.raises(SignInError):
        endpoint.token()


# Threads


def test_threads_wait_for_one_sign_in_instead_of_beginning_their_own():
    opened = []
    everybody = threading.Barrier(8)

    def sign_in():
        opened.append(1)
        return Token("a", 3600)

    tokens = Tokens(sign_in)

    def ask(_):
        everybody.wait(10)
        return tokens.token()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == ["a"] * 8
    assert len(opened) == 1


class Line:
    """A lock that counts who comes for it."""

    def __init__(self):
        self.lock, self.came = threading.Lock(), threading.Semaphore(0)

    def __enter__(self):
        self.came.release()
        self.lock.acquire()

    def __exit__(self, *raised):
        self.lock.release()


def test_threads_in_line_for_a_sign_in_that_fails_for_good_fail_with_it(monkeypatch):
    endpoint, line = Endpoint(DOWN), Line()
    monkeypatch.setattr(endpoint.tokens, "_lock", line)
    ask_once = endpoint.sign_in

    def ask_when_all_are_in_line():
        if not endpoint.asked:
            assert all(line.came.acquire(timeout=10) for _ in range(8))
        return ask_once()

    monkeypatch.setattr(endpoint, "sign_in", ask_when_all_are_in_line)

    def ask(_):
        with pytest.raises(UnavailableError):
            endpoint.token()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(8)))
    assert sum(endpoint.slept) < 120


def test_what_was_waited_between_tries_is_added_up():
    endpoint = Endpoint(DOWN, DOWN, "a", DOWN, "b", lifetime=0)
    endpoint.token()
    endpoint.token()
    assert len(endpoint.slept) == 3
    assert endpoint.tokens.waited_seconds == sum(endpoint.slept)
