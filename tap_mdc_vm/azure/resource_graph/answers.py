"""What an answer of Resource Graph says: the only module that knows the wire format of answers."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypedDict

import msgspec

from tap_mdc_vm.azure.resource_graph.model import Page, Row
from tap_mdc_vm.errors import (
    ClaimsRequiredError,
    IncompleteError,
    MalformedAnswerError,
    NoAccessError,
    PayloadTooLargeError,
    QueryRefusedError,
    RequestRefusedError,
    ScopeTooLargeError,
    TableMissingError,
    TapError,
    ThrottledError,
    TokenRefusedError,
    UnavailableError,
    see,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_mdc_vm.azure.transport import Answer

_NO_ROLE = (
    "Assign the Reader role to the application on each subscription or on a management group above them, and check "
    "tenant_id, subscription_ids and management_group_ids; a new role can take some minutes to show. "
    f"{see('no-access')}"
)
_BUG = "This is a fault of tap-mdc-vm or a change at Azure: please report it with this line."


class _Facts(TypedDict):
    """What each error says of the answer that it is about."""

    correlation_id: str


_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class _Result(
    msgspec.Struct,
    rename={"rows": "data", "total": "totalRecords", "truncated": "resultTruncated", "skip_token": "$skipToken"},
):
    """The body of a 200."""

    rows: list[Row]
    total: _Count
    count: _Count
    truncated: Any = None
    skip_token: str | None = None


_RESULT = msgspec.json.Decoder(_Result)

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
"""An escape in JSON: a surrogate pair, half of one (which is kept apart), or any other."""

_CORRELATION = re.compile(r"correlationId = ([\w-]+)")
"""How Resource Graph writes the id into the text of its errors."""


def page(answer: Answer, *, continued: bool) -> Page:
    """Read the body of a 200.

    Args:
        answer: Azure's answer.
        continued: Whether a skip token was sent, so that rows came before this page.

    Raises:
        MalformedAnswerError: The body is not what the protocol promises: cut off, a proxy's page.
        IncompleteError: The answer is well-formed and tells, or shows, that rows are missing from it.
    """
    facts = _facts(answer)
    try:
        result = _result(answer.body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(
            f"Resource Graph answered 200 with {len(answer.body)} bytes that are no result ({error}).",
            "If a proxy stands between, check that it lets the answers of Azure pass unchanged.",
            **facts,
        ) from error
    rows, total, count, token = result.rows, result.total, result.count, result.skip_token or None
    if str(result.truncated).lower() == "true":
        raise IncompleteError("Resource Graph says that it left rows out (resultTruncated).", _BUG, **facts)
    if count != len(rows) or (not token and not continued and count != total):
        raise IncompleteError(
            f"Resource Graph sent {len(rows)} rows where it counted {count} of {total}, and no way to get the rest.",
            "Run again; if it stays so, ask Microsoft's support with the correlation id.",
            **facts,
        )
    if not all(row.get("id") for row in rows):
        raise IncompleteError("Resource Graph sent a row without an id, which can't be told apart.", _BUG, **facts)
    limit_hit = answer.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true"
    return Page(rows, total, token, limit_hit=limit_hit)


def number(answer: Answer) -> int:
    """Read the body of a 200 that answers ``… | count``.

    Raises:
        MalformedAnswerError: There is no such number in it.
    """
    match answer.json_object():
        case {"data": [{"Count": int(count)}]} if count >= 0 and not isinstance(count, bool):
            return count
    raise MalformedAnswerError("Resource Graph answered a count without a number.", _BUG, **_facts(answer))


def _result(body: bytes) -> _Result:
    """Decode the body of a page.

    Half a surrogate pair, escaped, in a text that somebody wrote is valid JSON and no text (RFC 8259, section 8.2):
    msgspec refuses it, and the whole page with it. It becomes U+FFFD, and everything else stays as it came.

    Raises:
        ValueError: It is no page.
        RecursionError: It is nested too deep.
    """
    try:
        return _RESULT.decode(body)
    except ValueError:
        return _RESULT.decode(_ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body))


def refusal(answer: Answer) -> TapError:
    """Return what an answer other than 200 means, as the error that ends a run if it stays so."""
    error = _error(answer)
    wanted = _wanted_claims(answer)
    reasons = [*([{"code": _CLAIMS}] if wanted else []), *_details(error), error]
    codes = [str(part["code"]) for part in reasons if part.get("code")]
    said = "; ".join(dict.fromkeys(f"{part.get('code')}: {_short(part.get('message'))}" for part in _details(error)))
    said = wanted or said or _short(error.get("message")) or f"HTTP {answer.status}"
    fits, kind, what, remedy = _meaning(answer.status, codes)
    code = fits if isinstance(fits, str) else next(iter(codes), f"HTTP {answer.status}")
    return kind(f"{what}: {said.removesuffix('.')}.", remedy, code=code, **_facts(answer, error.get("message")))


def _wanted_claims(answer: Answer) -> str:
    """Return what a policy wants of the sign-in, as the challenge of a 401 says it; empty if there is none.

    Source: Microsoft's "Claims challenges, claims requests, and client capabilities".
    """
    header = answer.headers.get("WWW-Authenticate", "")
    if answer.status != 401 or _CLAIMS not in header:
        return ""
    encoded = re.search(r'claims="([\w+/=-]*)"', header)
    try:
        decoded = b64decode(f"{encoded[1] if encoded else ''}==".translate({45: "+", 95: "/"}))
        return ", ".join(_WORDS_OF_CLAIMS.get(name, name) for name in json.loads(decoded)["access_token"])
    except (ValueError, KeyError, TypeError):
        return "it does not say what"


_CLAIMS = "insufficient_claims"
_WORDS_OF_CLAIMS = {
    "acrs": "an authentication context, such as a second factor",
    "nbf": "a sign-in after what has changed about the account",
    "xms_rp_ipaddr": "a sign-in from the network that the requests come from, and that the policy allows",
}

_Meaning: TypeAlias = tuple[str | range | set[int], type[TapError], str, str]


def _meaning(status: int, codes: list[str]) -> _Meaning:
    """Return the first row that fits an answer: a code or some statuses, class, cause and remedy."""
    return next(row for row in _MEANINGS if (row[0] in codes if isinstance(row[0], str) else status in row[0]))


_MEANINGS: tuple[_Meaning, ...] = (
    ("NoValidSubscriptionsInQueryRequest", NoAccessError, "The application may not read anything in scope", _NO_ROLE),
    (
        "TooManySubscriptionsUnderScope",
        ScopeTooLargeError,
        "More subscriptions lie in scope than Azure answers for",
        f"Set subscription_ids or management_group_ids. {see('scope-too-large')}",
    ),
    (
        "ResponsePayloadTooLarge",
        PayloadTooLargeError,
        "An answer would be over 16 MiB",
        f"Set a smaller page_size. {see('payload-too-large')}",
    ),
    (
        "DisallowedLogicalTableName",
        TableMissingError,
        "This cloud has no such table",
        f"Deselect the streams that need it, or set on_incomplete to warn. {see('table-missing')}",
    ),
    *(
        (code, QueryRefusedError, "Resource Graph refused a query", _BUG)
        for code in ("InvalidQuery", "ParserFailure", "InvalidQueryLanguage")
    ),
    (
        {400},
        RequestRefusedError,
        "Resource Graph refused a request",
        f"Azure's own code says why: check the scope that is set. {see('request-refused')}",
    ),
    (
        _CLAIMS,
        ClaimsRequiredError,
        "A policy of the tenant wants more of the sign-in",
        f"Let the application in under Conditional Access, or with azure_cli type `az login`. {see('claims-required')}",
    ),
    (
        {401},
        TokenRefusedError,
        "Azure Resource Manager refused the access token",
        f"Check that tenant_id, client_id and cloud belong together. {see('token-refused')}",
    ),
    ({403}, NoAccessError, "The application may not read anything in scope", _NO_ROLE),
    (
        {429},
        ThrottledError,
        "Azure kept on refusing queries because the quota is used up",
        f"Give this tap an application of its own: others share its quota. {see('throttled')}",
    ),
    (
        {408, *range(500, 600)},
        UnavailableError,
        "Azure Resource Manager kept on failing",
        f"Run again later; status.azure.com tells of outages. {see('unavailable')}",
    ),
    (
        range(1000),
        MalformedAnswerError,
        "Azure Resource Manager gave an unexpected answer",
        f"Check resource_manager_url and the proxy, if any. {see('malformed-answer')}",
    ),
)


def _error(answer: Answer) -> dict[str, Any]:
    """Return the error in a body; empty for gateways, which send HTML or nothing."""
    error = (answer.json_object() or {}).get("error")
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries that hold the reason; the outer code and message of Resource Graph say nothing."""
    details = error.get("details")
    return [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []


def _short(message: object, limit: int = 240) -> str:
    text = " ".join(str(message or "").split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _facts(answer: Answer, message: object = "") -> _Facts:
    """Return the correlation id, which every answer of ARM carries in a header and errors repeat in their text."""
    written = _CORRELATION.search(str(message))
    return {"correlation_id": answer.headers.get("x-ms-correlation-request-id") or (written[1] if written else "")}
