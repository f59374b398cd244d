"""Recorded answers of Azure, and what they mean."""

from __future__ import annotations

import json

import pytest

from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.model import Quota
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import (
    IncompleteError,
    MalformedAnswerError,
    NoAccessError,
    PayloadTooLargeError,
    QueryRefusedError,
    RequestRefusedError,
    ScopeTooLargeError,
    TableMissingError,
    ThrottledError,
    TokenRefusedError,
    UnansweredError,
)


def answer(status=200, body=None, headers=None):
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers or {}, encoded)


def recorded(shared, name):
    response = json.loads((shared / "azure/rows" / name).read_text(encoding="utf-8"))["response"]
    body = response["body_text"].encode() if "body_text" in response else response.get("body", b"")
    return answer(response["status"], body, {key.lower(): value for key, value in response["headers"].items()})


def result(rows, **fields):
    return {
        "totalRecords": len(rows),
        "count": len(rows),
        "data": rows,
        "facets": [],
        "resultTruncated": "false",
    } | fields


ERRORS = {
    "captured/arg-error-400-invalid-query.json": (QueryRefusedError, "InvalidQuery"),
    "captured/arg-error-400-invalid-query-2018.json": (QueryRefusedError, "InvalidQuery"),
    "captured/arg-error-400-unsupported-join.json": (QueryRefusedError, "InvalidQuery"),
    "constructed/arg-error-400-remote-tables.json": (QueryRefusedError, "InvalidQuery"),
    "constructed/arg-error-400-invalid-guids.json": (RequestRefusedError, "SubscriptionsContainInvalidGuids"),
    "captured/arg-error-400-no-valid-subscriptions.json": (NoAccessError, "NoValidSubscriptionsInQueryRequest"),
    "captured/arg-error-400-too-many-subscriptions.json": (ScopeTooLargeError, "TooManySubscriptionsUnderScope"),
    "captured/arg-error-400-payload-too-large.json": (PayloadTooLargeError, "ResponsePayloadTooLarge"),
    "captured/arg-error-403-access-denied.json": (NoAccessError, "AccessDenied"),
    "captured/arg-error-429-rate-limiting.json": (ThrottledError, "RateLimiting"),
    "constructed/arg-error-429-not-json.json": (ThrottledError, "HTTP 429"),
    "captured/arm-error-429-throttled.json": (ThrottledError, "ResourceRequestsThrottled"),
    "constructed/arm-error-401-expired-token.json": (TokenRefusedError, "ExpiredAuthenticationToken"),
    "captured/arm-error-401-invalid-token.json": (TokenRefusedError, "InvalidAuthenticationToken"),
    "constructed/arm-error-401-wrong-issuer.json": (TokenRefusedError, "InvalidAuthenticationTokenTenant"),
    "constructed/arm-error-403-authorization-failed.json": (NoAccessError, "AuthorizationFailed"),
    "constructed/arm-error-502-empty.json": (UnansweredError, "HTTP 502"),
    "constructed/arm-error-503-html.json": (UnansweredError, "HTTP 503"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_each_recorded_error_becomes_its_kind_with_azures_own_code(shared, name):
    kind, code = ERRORS[name]
    error = answers.refusal(recorded(shared, name))
    assert type(error) is kind
    assert error.code == code
    assert "\n" not in str(error)
    assert f"code {code}" in str(error)


@pytest.mark.parametrize("before", [[], [{"code": "InvalidQuery", "message": "Query is invalid."}]])
def test_a_table_that_this_cloud_lacks_is_named_and_is_no_fault_of_the_query(before):
    said = {"code": "DisallowedLogicalTableName", "message": "Table securityresources is invalid or disallowed."}
    error = answers.refusal(answer(400, {"error": {"code": "BadRequest", "details": [*before, said]}}))
    assert type(error) is TableMissingError
    assert error.code == "DisallowedLogicalTableName"
    assert "This cloud has no such table" in str(error)
    assert "Table securityresources" in str(error)
    assert "fault of tap-mdc-vm" not in str(error)


@pytest.mark.parametrize("said", ["no such group", "no such group.", "no such group. "])
def test_what_azure_says_and_what_to_do_are_two_sentences(said):
    error = answers.refusal(answer(400, {"error": {"code": "BadRequest", "message": said}}))
    assert f": no such group. {error.remedy} (code" in str(error)


def test_the_correlation_id_is_found_in_the_text_where_no_header_has_it(shared):
    error = answers.refusal(recorded(shared, "captured/arg-error-400-invalid-query.json"))
    assert error.correlation_id.count("-") == 4


@pytest.mark.parametrize("tail", ["", ".", "  ", "(none)"])
def test_a_text_that_ends_before_its_correlation_id_has_none(tail):
    error = answers.refusal(answer(503, {"error": {"code": "Busy", "message": f"Later. correlationId = {tail}"}}))
    assert type(error) is UnansweredError
    assert error.correlation_id == ""


def test_the_reason_comes_from_the_details_and_not_from_the_outer_message(shared):
    error = answers.refusal(recorded(shared, "captured/arg-error-400-unsupported-join.json"))
    assert "LeftSemi" in str(error)
    assert "asking for support" not in str(error)


PAGES = {
    "captured/arg-page-skiptoken.json": (3, 2876, True),
    "captured/arg-page-top-overrides-token.json": (6, None, True),
    "captured/arg-page-management-groups.json": (None, None, False),
    "constructed/arg-page-1-of-2.json": (3, 5, True),
    "constructed/arg-page-empty.json": (0, 0, False),
    "constructed/arg-page-null-token.json": (None, None, False),
}


@pytest.mark.parametrize("name", PAGES)
def test_each_recorded_page_is_read(shared, name):
    rows, total, more = PAGES[name]
    page = answers.page(recorded(shared, name), continued=True)
    assert rows in {None, len(page.rows)}
    assert total in {None, page.total}
    assert (page.skip_token is not None) is more


def test_a_page_in_the_table_format_is_refused_because_objects_were_asked_for(shared):
    with pytest.raises(MalformedAnswerError):
        answers.page(recorded(shared, "captured/arg-page-table-2018.json"), continued=False)


def test_the_header_about_too_many_subscriptions_is_seen(shared):
    assert answers.page(recorded(shared, "constructed/arg-page-subscription-limit.json"), continued=False).limit_hit


def test_quota_headers_of_a_recorded_answer_are_understood(shared):
    headers = recorded(shared, "constructed/arg-error-429-with-headers.json").headers
    quota = Quota.from_headers({"Retry-After": headers["retry-after"], **headers})
    assert quota == Quota(0, 3.0, 7.0)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"resultTruncated": "true"}, "resultTruncated"),
        ({"totalRecords": 3}, "2 rows where it counted 2 of 3"),
        ({"count": 3}, "2 rows where it counted 3"),
        ({"data": [{"id": "/a"}, {"name": "b"}]}, "without an id"),
        ({"data": [{"id": "/a"}, {"id": ""}]}, "without an id"),
    ],
)
def test_an_answer_that_shows_that_rows_are_missing_is_no_result(fields, match):
    with pytest.raises(IncompleteError, match=match):
        answers.page(answer(body=result([{"id": "/a"}, {"id": "/b"}]) | fields), continued=False)


def test_a_last_page_holds_fewer_rows_than_the_whole():
    page = answers.page(answer(body=result([{"id": "/a"}]) | {"totalRecords": 3}), continued=True)
    assert (len(page.rows), page.total) == (1, 3)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"ok", b"<html>sign in</html>", b'{"totalRecords": 5, "count": 5, "data": [{"id"', b"[]", b"{}"),
        b'{"totalRecords": -1, "count": 0, "data": []}',
        b'{"totalRecords": 0, "count": -1, "data": []}',
        b'{"totalRecords": true, "count": 1, "data": [{"id": "/a"}]}',
        b'{"totalRecords": 1.0, "count": 1, "data": [{"id": "/a"}]}',
        b'{"totalRecords": 1, "count": 1, "data": [{"id": "\xff"}]}',
        b'{"totalRecords": 1, "count": 1, "data": [{"id": 1}]}',
        b'{"totalRecords": 1, "count": 1, "data": [{"id": ["/b"]}]}',
        b'{"totalRecords": 1, "count": 1, "data": [{"id": "/a", "properties": %b}]}'
        % (b"[" * 200_000 + b"]" * 200_000),
    ],
)
def test_a_200_that_is_no_result_is_malformed(body):
    with pytest.raises(MalformedAnswerError):
        answers.page(answer(body=body), continued=False)


def test_a_count_is_a_number(shared):
    assert answers.number(recorded(shared, "constructed/arg-page-count.json")) == 7712
    with pytest.raises(MalformedAnswerError):
        answers.number(answer(body=result([])))


@pytest.mark.parametrize("count", [True, False, -1, 3.0, 3.5, "3", None])
def test_what_no_number_of_rows_can_be_is_no_count(count):
    with pytest.raises(MalformedAnswerError):
        answers.number(answer(body=result([{"Count": count}])))


PAIR, HIGH, LOW = r"\ud83d\ude00", r"\ud83d", r"\uDE00"


@pytest.mark.parametrize(
    ("read", "row"),
    [
        (answers.whole, {"id": "/a"}),
        (answers.tally, {"part": 3, "n": 7}),
        (answers.number, {"Count": 7}),
        (answers.packed, {"n": 1, "rows": [{"id": "/a"}]}),
    ],
)
def test_rows_that_are_left_for_a_next_answer_are_missed_where_one_has_to_be_whole(read, row):
    assert read(answer(body=result([row])))
    with pytest.raises(IncompleteError):
        read(answer(body=result([row], **{"$skipToken": "more", "totalRecords": 2})))


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (HIGH, "\ufffd"),
        (LOW, "\ufffd"),
        (r"a\u0000b", "a\ufffdb"),
        (r"\\u0000", r"\u0000"),  # an escaped backslash, then plain text
        (f"{LOW}{HIGH}", "\ufffd\ufffd"),
        (f"a{HIGH}{HIGH}{LOW}z", "a\ufffd\U0001f600z"),
        (f"{PAIR} {HIGH}", "\U0001f600 \ufffd"),
        (rf"\\{HIGH}\"\u00e9", '\\\ufffd"\u00e9'),  # an escaped backslash, then half a pair
        (rf"{HIGH} \\ud83d", r"\ufffd \ud83d".replace(r"\ufffd", "\ufffd")),  # an escaped backslash, then plain text
    ],
)
def test_half_a_surrogate_pair_or_a_nul_becomes_a_replacement_character_and_nothing_else_changes(escaped, text):
    rest = r'"n": 1.50, "e": 1E400, "x": "\/"'
    rows = f'{{"id": "/a", "name": "{escaped}", "properties": {{"t": "{escaped}", {rest}}}}}, {{"id": "/b"}}'
    page = answers.page(answer(body=f'{{"totalRecords": 2, "count": 2, "data": [{rows}]}}'.encode()), continued=False)
    assert [row.id for row in page.rows] == ["/a", "/b"]
    row = answers.row(page.rows[0])
    assert row["name"] == text
    properties = bytes(row["properties"])
    assert json.loads(properties)["t"] == text
    assert properties.endswith(rest.encode() + b"}")


@pytest.mark.parametrize("status", [301, 302, 404, 405, 413])
def test_an_unexpected_status_is_named(status):
    error = answers.refusal(answer(status, b"<html>"))
    assert type(error) is MalformedAnswerError
    assert f"HTTP {status}" in str(error)
