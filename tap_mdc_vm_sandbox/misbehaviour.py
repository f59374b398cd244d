"""What a client gets to see of each fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from .faults import SPOILED, Fault, Kind
from .graph_api import THROTTLED_TEXT, GraphApi, Outcome, Page, Question, Refused, make_token
from .server import Response

if TYPE_CHECKING:
    from .store import Rows

_RECORDED_SIZE = 94_330_584  # of an answer that was too large
_HTML_PAGE = b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>"


def hit_query(fault: Fault, outcome: Outcome, api: GraphApi) -> Response:
    """Answer a query, whose good answer is known, as the fault has it."""
    if fault.kind not in SPOILED:
        return _INSTEAD[fault.kind](fault, outcome, api)
    if fault.kind is Kind.PAYLOAD_TOO_LARGE:
        return api.too_large(_RECORDED_SIZE, outcome.response.headers)
    assert outcome.page is not None  # noqa: S101  # `Faults` chose an answered query
    assert outcome.question is not None  # noqa: S101
    page = _SPOILT[fault.kind](outcome.page, outcome.question)
    return api.page_response(page, outcome.question, outcome.response.headers)


def hit_entra(fault: Fault, good: Response) -> Response:
    """Answer a request to Entra ID as the fault has it."""
    return _SIGN_IN[fault.kind](fault, good)


# Resource Graph does not answer -----------------------------------------------------------------------------------


def _throttled(_: Fault, outcome: Outcome, api: GraphApi, *, hints: Mapping[str, str] | None = None) -> Response:
    refused = Refused(429, "RateLimiting", {"code": "RateLimiting", "message": THROTTLED_TEXT})
    kept = {name: text for name, text in outcome.response.headers.items() if "quota" not in name}
    kept.pop("x-ms-ratelimit-remaining-tenant-resource-requests", None)
    return api.error_response(refused, {**kept, **(hints or {})})


def _quota_hints(fault: Fault) -> dict[str, str]:
    return {
        "x-ms-user-quota-remaining": "0",
        "x-ms-user-quota-resets-after": f"00:00:{round(fault.seconds):02d}",
    }


def _retry_after(fault: Fault) -> dict[str, str]:
    return {"Retry-After": str(round(fault.seconds))}


def _broken(_: Fault, __: Outcome, api: GraphApi) -> Response:
    message = "An unexpected error occurred while the query was executed."
    return api.error_response(Refused(500, "InternalServerError", {"code": "Unexpected", "message": message}))


_Instead = Callable[[Fault, Outcome, GraphApi], Response]

_INSTEAD: dict[Kind, _Instead] = {
    Kind.THROTTLED: lambda fault, *rest: _throttled(fault, *rest, hints=_quota_hints(fault)),
    Kind.THROTTLED_RETRY_AFTER: lambda fault, *rest: _throttled(fault, *rest, hints=_retry_after(fault)),
    Kind.THROTTLED_TWO_BYTES: lambda fault, *_: Response(429, b"\r\n", _quota_hints(fault)),
    Kind.THROTTLED_NO_HINT: _throttled,
    Kind.ERROR_500_JSON: _broken,
    Kind.ERROR_502_EMPTY: lambda *_: Response(502),
    Kind.ERROR_503_HTML: lambda fault, *_: _html(503, b"Service Unavailable", _retry_after(fault)),
    Kind.ERROR_504_HTML: lambda *_: _html(504, b"Gateway Timeout"),
    Kind.RESET_BEFORE: lambda _, outcome, __: replace(outcome.response, cut=0.0),
    Kind.RESET_MIDWAY: lambda _, outcome, __: replace(outcome.response, cut=0.5),
    Kind.HALF_JSON: lambda _, outcome, __: replace(outcome.response, body=_half(outcome.response.body)),
    Kind.STALL: lambda fault, outcome, _: replace(outcome.response, delay=fault.seconds),
    Kind.EXPIRED_TOKEN: lambda _, outcome, api: api.expire_tokens(outcome),
}


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


# Resource Graph answers, but not with what is there ---------------------------------------------------------------


def _with_rows(page: Page, texts: list[bytes]) -> Page:
    rows: Rows = replace(page.rows, texts=texts)
    return replace(page, rows=rows)


def _empty(page: Page, question: Question) -> Page:
    """No row, and a token that leads to the place where the rows are."""
    return replace(_with_rows(page, []), token=make_token(question.top, question.skip))


def _truncated(page: Page, _: Question) -> Page:
    half = page.rows.texts[: len(page.rows.texts) // 2]
    return replace(_with_rows(page, half), token=None, truncated=True)


def _short(page: Page, _: Question) -> Page:
    return replace(_changed(page, lambda texts: texts[:-1]), token=None)


def _doubled(page: Page, _: Question) -> Page:
    return _changed(page, lambda texts: [*texts, texts[-1]])


def _without_id(page: Page, _: Question) -> Page:
    def changed(texts: list[bytes]) -> list[bytes]:
        row = orjson.loads(texts[0])
        del row["id"]
        return [orjson.dumps(row), *texts[1:]]

    return _changed(page, changed)


def _changed(page: Page, change: Callable[[list[bytes]], list[bytes]]) -> Page:
    """Change the rows of a page, or those that its only row packs."""
    if page.packed is None:
        return _with_rows(page, change(page.rows.texts))
    row = orjson.loads(page.rows.texts[0])
    texts = change([orjson.dumps(element) for element in row[page.packed]])
    return _with_rows(page, [orjson.dumps({**row, page.packed: [orjson.Fragment(text) for text in texts]})])


_SPOILT: dict[Kind, Callable[[Page, Question], Page]] = {
    Kind.EMPTY_PAGE: _empty,
    Kind.REPEATED_TOKEN: lambda page, question: replace(page, token=question.options["$skipToken"]),
    Kind.TRUNCATED: _truncated,
    Kind.SHORT: _short,
    Kind.DOUBLED_ROW: _doubled,
    Kind.ROW_WITHOUT_ID: _without_id,
    Kind.SUBSCRIPTION_LIMIT: lambda page, _: replace(page, headers={"x-ms-tenant-subscription-limit-hit": "true"}),
}


# Entra ID gives no token ------------------------------------------------------------------------------------------


def _entra_throttled(fault: Fault, _: Response) -> Response:
    text = "AADSTS90055: The service is throttled."
    body = {"error": "temporarily_unavailable", "error_description": text, "error_codes": [90055]}
    return Response(429, orjson.dumps(body), {"Content-Type": "application/json", **_retry_after(fault)})


_SIGN_IN: dict[Kind, Callable[[Fault, Response], Response]] = {
    Kind.TOKEN_THROTTLED: _entra_throttled,
    Kind.TOKEN_503_HTML: lambda *_: _html(503, b"Service Unavailable"),
    Kind.TOKEN_NOT_JSON: lambda *_: _html(200, b"Please accept the terms of this network"),
    Kind.TOKEN_RESET: lambda _, good: replace(good, cut=0.0),
    Kind.DISCOVERY_503_HTML: lambda *_: _html(503, b"Service Unavailable"),
}


def _html(status: int, title: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, _HTML_PAGE % (title, title), {"Content-Type": "text/html", **(headers or {})})
