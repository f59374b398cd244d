"""One question, asked until it is answered: a script of answers stands for Azure, a jumping clock for waiting."""

from __future__ import annotations

import base64
import json
import threading
from collections import deque

import pytest

from tap_mdc_vm.azure.credentials.keeping import Token, Tokens
from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.model import Scope
from tap_mdc_vm.azure.resource_graph.pacing import Governor
from tap_mdc_vm.azure.retries import Patience
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import (
    ClaimsRequiredError,
    ConnectionFailedError,
    IncompleteError,
    MalformedAnswerError,
    RequestRefusedError,
    ThrottledError,
    TokenRefusedError,
    UnavailableError,
)


class Script:
    """Gives the next answer of a list, and keeps what was sent."""

    def __init__(self, *answers):
        self.answers, self.sent = deque(answers), []

    def post(self, url, *, body, headers):
        self.sent.append((url, json.loads(body), headers))
        answer = self.answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer


class NumberedTokens(Tokens):
    """Each sign-in gives another token."""

    def __init__(self):
        super().__init__(self.another)
        self.number = 0

    def another(self):
        self.number += 1
        return Token(f"token-{self.number}", 3600.0)


class SleeplessGovernor(Governor):
    """Writes down what it would have slept."""

    def __init__(self):
        super().__init__()
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)


def ok(rows=({"id": "/a"},), **headers):
    body = {"totalRecords": len(rows), "count": len(rows), "data": list(rows), "resultTruncated": "false"}
    return Answer(200, headers, json.dumps(body).encode())


def refused(status, code="x", **headers):
    return Answer(status, headers, json.dumps({"error": {"code": code, "message": "no"}}).encode())


def asked(*script):
    poster, tokens, governor = Script(*script), NumberedTokens(), SleeplessGovernor()
    client = Client("https://arm.example/", poster, tokens, governor)
    return client, poster, governor


def test_a_question_is_sent_as_azure_documents_it():
    client, poster, _ = asked(ok())
    page = client.ask("machines", "Resources", Scope(subscriptions=("s",)), top=7, skip_token="t")
    url, body, headers = poster.sent[0]
    assert url == "https://arm.example/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
    assert body == {
        "query": "Resources",
        "subscriptions": ["s"],
        "options": {"$top": 7, "$skipToken": "t", "resultFormat": "objectArray"},
    }
    assert headers == {"Authorization": "Bearer token-1", "Content-Type": "application/json"}
    assert [answers.row(row) for row in page.rows] == [{"id": "/a"}]
    assert client.requests == {"machines": 1}


@pytest.mark.parametrize(
    "trouble",
    [
        refused(429),
        Answer(429, {}, b"{}"),
        Answer(429, {}, b"no"),
        refused(408),
        refused(500),
        Answer(502, {}, b""),
        Answer(503, {}, b"<html>"),
        refused(504),
        ConnectionFailedError("reset"),
        Answer(200, {}, b'{"data": [{"id'),
        Answer(200, {}, b"<html>"),
    ],
    ids=lambda trouble: getattr(trouble, "status", type(trouble).__name__),
)
def test_passing_trouble_is_outlasted(trouble, monkeypatch):
    client, poster, governor = asked(trouble, ok())
    monkeypatch.setattr(governor, "throttled", lambda ticket, pause: None)
    assert client.ask("x", "Resources", Scope()).total == 1
    assert len(poster.sent) == 2


def test_a_short_answer_is_asked_for_again():
    short = Answer(200, {}, json.dumps({"totalRecords": 2, "count": 1, "data": [{"id": "/a"}]}).encode())
    client, poster, _ = asked(short, ok())
    assert client.ask("x", "Resources", Scope()).total == 1
    assert poster.sent[0] == poster.sent[1]


def test_lasting_trouble_ends_with_what_it_was():
    client, poster, _ = asked(*[Answer(200, {}, b"<html>")] * 10)
    with pytest.raises(MalformedAnswerError):
        client.ask("x", "Resources", Scope())
    assert len(poster.sent) == 6


def test_lasting_truncation_ends_as_incomplete():
    truncated = Answer(
        200, {}, b'{"totalRecords":2,"count":2,"data":[{"id":"/a"},{"id":"/b"}],"resultTruncated":"true"}'
    )
    client, _, _ = asked(*[truncated] * 10)
    with pytest.raises(IncompleteError, match="resultTruncated"):
        client.ask("x", "Resources", Scope())


def test_a_server_that_asks_to_wait_is_waited_for():
    client, _, governor = asked(refused(503, **{"Retry-After": "11"}), ok())
    client.ask("x", "Resources", Scope())
    assert governor.slept == [11.0]


@pytest.mark.parametrize("header", ["601", "9" * 400, "1.00:00:00", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_server_that_asks_to_wait_longer_than_ten_minutes_ends_the_run(header):
    client, _, governor = asked(refused(429, "RateLimiting", **{"Retry-After": header}), ok())
    with pytest.raises(ThrottledError):
        client.ask("x", "Resources", Scope())
    assert governor.slept == []


@pytest.mark.parametrize("resets", ["01:00:00", "7.00:00:00", "9" * 400, "9" * 5000 + ".00:00:00"])
def test_a_window_that_ends_in_an_hour_or_never_is_waited_for_a_minute(resets, monkeypatch):
    headers = {"x-ms-user-quota-remaining": "9" * 5000, "x-ms-user-quota-resets-after": resets}
    client, _, governor = asked(refused(429, "RateLimiting", **headers), ok())
    pauses = []
    monkeypatch.setattr(governor, "throttled", lambda ticket, pause: pauses.append(pause))
    assert client.ask("x", "Resources", Scope()).total == 1
    assert pauses == [60.0]


def test_windows_that_never_end_do_not_make_a_run_outlast_its_bound():
    class WaitlessGovernor(Governor):
        now = 0.0

        def admit(self, place):
            self.now += self._pace.wait(self.now)
            return self._pace.sent(self.now)

    governor = WaitlessGovernor(lambda: governor.now)
    endless = refused(429, "RateLimiting", **{"x-ms-user-quota-resets-after": "01:00:00"})
    client = Client("https://arm.example", Script(*[endless] * 99), NumberedTokens(), governor)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ThrottledError):
        patch.setattr(
            "tap_mdc_vm.azure.resource_graph.client.Patience", lambda: Patience(lambda: governor.now, lambda: 0.0)
        )
        client.ask("x", "Resources", Scope())
    assert governor.now == 600.0


def test_an_expired_token_is_renewed():
    client, poster, _ = asked(refused(401, "ExpiredAuthenticationToken"), ok())
    client.ask("x", "Resources", Scope())
    assert [headers["Authorization"] for *_, headers in poster.sent] == ["Bearer token-1", "Bearer token-2"]


def test_new_tokens_that_are_expired_too_end_the_run():
    client, poster, _ = asked(*[refused(401, "ExpiredAuthenticationToken")] * 9)
    with pytest.raises(TokenRefusedError):
        client.ask("x", "Resources", Scope())
    assert len({headers["Authorization"] for *_, headers in poster.sent}) == len(poster.sent) == 4


def test_a_token_that_other_threads_renewed_meanwhile_does_not_count_as_a_new_one_refused():
    class RenewedMeanwhile(Script):
        def post(self, url, *, body, headers):
            answer = super().post(url, body=body, headers=headers)
            if answer.status == 401:
                tokens.renew(tokens.token())
                tokens.token()
            return answer

    tokens = NumberedTokens()
    poster = RenewedMeanwhile(*[refused(401, "ExpiredAuthenticationToken")] * 5, ok())
    assert Client("https://arm.example", poster, tokens, SleeplessGovernor()).ask("x", "Resources", Scope()).total == 1
    assert tokens.number == 6


@pytest.mark.parametrize(
    "code", ["InvalidAuthenticationToken", "AuthenticationFailed", "InvalidAuthenticationTokenTenant"]
)
def test_any_other_refusal_of_the_token_ends_the_run_at_once(code):
    client, poster, _ = asked(refused(401, code))
    with pytest.raises(TokenRefusedError, match=code):
        client.ask("x", "Resources", Scope())
    assert len(poster.sent) == 1


def challenged(claims):
    encoded = base64.urlsafe_b64encode(json.dumps({"access_token": claims}).encode()).decode()
    challenge = f'Bearer authorization_uri="https://login.example", error="insufficient_claims", claims="{encoded}"'
    return refused(401, "InvalidAuthenticationToken", **{"WWW-Authenticate": challenge})


CHANGED = {"nbf": {"essential": True, "value": "1604106651"}}
ELSEWHERE = {"xms_rp_ipaddr": {"essential": True, "value": "203.0.113.7"}}


def test_a_token_that_a_policy_does_not_take_any_more_is_renewed_in_the_middle_of_a_run():
    client, poster, _ = asked(ok(), challenged(CHANGED), ok())
    for _ in range(2):
        client.ask("x", "Resources", Scope())
    assert [headers["Authorization"][-1] for *_, headers in poster.sent] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        (CHANGED, "a sign-in after what has changed about the account"),
        (ELSEWHERE, "the network that the requests come from"),
        ({"acrs": {"value": "p1"}}, "second factor"),
        ({"new": 1}, "more of the sign-in: new"),
        (None, "it does not say what"),
    ],
)
def test_what_a_policy_wants_of_a_new_token_too_ends_the_run_and_is_said(claims, says):
    client, poster, _ = asked(*[challenged(claims)] * 9)
    with pytest.raises(ClaimsRequiredError, match=says) as caught:
        client.ask("x", "Resources", Scope())
    assert len(poster.sent) == 2
    assert "Conditional Access" in caught.value.remedy
    assert "`az login`" in caught.value.remedy


def test_threads_whose_token_ran_out_together_renew_it_once():
    class Expiring(Script):
        def post(self, url, *, body, headers):
            return ok() if headers["Authorization"] == "Bearer token-2" else refused(401, "ExpiredAuthenticationToken")

    tokens = NumberedTokens()
    client = Client("https://arm.example", Expiring(), tokens, Governor())
    threads = [threading.Thread(target=client.ask, args=("x", "Resources", Scope())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert tokens.number == 2


def test_an_address_where_nobody_ever_answered_is_given_up_soon():
    client, poster, _ = asked(*[ConnectionFailedError("refused")] * 50)
    ticks = iter(range(1000))
    with pytest.raises(ConnectionFailedError), pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_mdc_vm.azure.retries.time.monotonic", lambda: float(next(ticks)))
        client.ask("x", "Resources", Scope())
    assert len(poster.sent) <= 6


def test_a_service_that_stays_away_ends_as_unavailable():
    class Down(Script):
        def post(self, url, *, body, headers):
            return Answer(503, {"Retry-After": "100"}, b"")

    client = Client("https://arm.example", Down(), NumberedTokens(), governor := SleeplessGovernor())
    patience = pytest.MonkeyPatch()
    now = [0.0]
    governor.sleep = lambda seconds: now.__setitem__(0, now[0] + seconds)
    with patience.context() as patch, pytest.raises(UnavailableError):
        patch.setattr("tap_mdc_vm.azure.resource_graph.client.Patience", lambda: Patience(lambda: now[0], lambda: 0.0))
        client.ask("x", "Resources", Scope())
    assert now[0] == 100.0


def test_what_is_made_of_an_answer_is_for_who_asks_to_say():
    client, poster, _ = asked(Answer(200, {}, b'{"totalRecords":1,"count":1,"data":[{"Count":42}]}'))
    assert client.send("x", "Resources | count", Scope(), answers.number, top=1) == 42
    assert poster.sent[0][1]["query"] == "Resources | count"


def test_a_token_that_an_answer_repeats_is_in_no_error():
    body = {"error": {"code": "BadRequest", "message": "x", "details": [{"code": "Odd", "message": "Bearer token-1!"}]}}
    client, *_ = asked(Answer(400, {}, json.dumps(body).encode()))
    with pytest.raises(RequestRefusedError, match=r"Bearer \*\*\*!") as caught:
        client.ask("machines", "Q", Scope())
    assert "token-1" not in str(caught.value)
