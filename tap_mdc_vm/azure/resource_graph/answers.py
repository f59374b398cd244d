"""What an answer of Resource Graph says: the only module that knows the wire format of answers."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec

from tap_mdc_vm import errors
from tap_mdc_vm.azure.resource_graph.model import Page, RawRow, Row
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import see
from tap_mdc_vm.records import decoded

_NO_ROLE = (
    "Assign the Reader role to the application on each subscription or on a management group above them, and check "
    "tenant_id, subscription_ids and management_group_ids; a new role can take some minutes to show. "
    f"{see('no-access')}"
)
_BUG = "This is a fault of tap-mdc-vm or a change at Azure: please report it with this line."

T = TypeVar("T")
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class _Identified(msgspec.Struct):
    """Of a row, what tells it from others."""

    id: str = ""


class _Counted(msgspec.Struct):
    """The one row of ``… | count``."""

    Count: _Count


class _Tallied(msgspec.Struct):
    """How many rows a partition has."""

    n: _Count
    part: int


class _Packed(msgspec.Struct):
    """The one row of a packed answer; Kusto gives null for a list that is too large for it."""

    n: _Count
    rows: list[msgspec.Raw] | None = None


class _Result(
    msgspec.Struct,
    Generic[T],
    rename={"rows": "data", "total": "totalRecords", "truncated": "resultTruncated", "skip_token": "$skipToken"},
):
    """The body of a 200."""

    rows: list[T]
    total: _Count
    count: _Count
    truncated: Any = None
    skip_token: str | None = None


_ROW = msgspec.json.Decoder(Row)
_IDENTIFIED = msgspec.json.Decoder(_Identified)
_PAGE = msgspec.json.Decoder(_Result[msgspec.Raw])
_PACKED = msgspec.json.Decoder(_Result[_Packed])
_TALLY = msgspec.json.Decoder(_Result[_Tallied])
_COUNT = msgspec.json.Decoder(_Result[_Counted])

_CORRELATION = re.compile(rb"correlationId = ([\w-]+)")
"""How Resource Graph writes the id into the text of its errors."""


def page(answer: Answer, *, continued: bool = False) -> Page:
    """Read the body of a 200 that holds rows.

    Args:
        answer: Azure's answer.
        continued: Whether a skip token was sent, so that rows came before this page.

    Raises:
        MalformedAnswerError: Here and below: the body is not what the protocol promises: cut off, a proxy's page.
        IncompleteError: Here and below: the answer is well-formed and tells, or shows, that rows are missing from it.
    """
    result = _result(answer, _PAGE, continued=continued)
    return _page(answer, result.rows, result.total, result.skip_token or None)


def whole(answer: Answer) -> Page:
    """Read the body of a 200 that holds all rows of its result."""
    rows = _whole(answer, _PAGE)
    return _page(answer, rows, len(rows))


def packed(answer: Answer) -> Page:
    """Read the body of a 200 whose one row holds others; ``total`` is how many it says that it holds."""
    row = _only(answer, _PACKED)
    return _page(answer, row.rows or [], row.n)


def tally(answer: Answer) -> dict[int, int]:
    """Read the body of a 200 that counts rows by partition. A partition without rows is not in it."""
    return {row.part: row.n for row in _whole(answer, _TALLY)}


def number(answer: Answer) -> int:
    """Read the body of a 200 that answers ``… | count``."""
    return _only(answer, _COUNT).Count


def row(raw: RawRow) -> Row:
    """Return what a row says.

    Raises:
        MalformedAnswerError: It has the form of JSON, which was checked when it came, and in it text that is not UTF-8.
    """
    try:
        return _ROW.decode(raw.json)
    except (ValueError, RecursionError) as error:
        what = f"A row of Resource Graph can't be read: {error} in {raw.id}."
        raise errors.MalformedAnswerError(what, _BUG) from error


def _page(answer: Answer, pieces: list[msgspec.Raw], total: int, skip_token: str | None = None) -> Page:
    try:
        rows = [RawRow(_IDENTIFIED.decode(piece).id, piece) for piece in pieces]
    except ValueError as error:
        what = f"Resource Graph sent a row that is none ({error})."
        raise _fault(errors.MalformedAnswerError, what, answer) from error
    if not all(row.id for row in rows):
        raise _fault(
            errors.IncompleteError, "Resource Graph sent a row without an id, which can't be told apart.", answer
        )
    limit_hit = answer.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true"
    return Page(rows, total, skip_token, size=len(answer.body), limit_hit=limit_hit)


def _only(answer: Answer, decoder: msgspec.json.Decoder[_Result[T]]) -> T:
    rows = _whole(answer, decoder)
    if len(rows) != 1:
        raise _fault(errors.MalformedAnswerError, "Resource Graph sent another number of rows than one.", answer)
    return rows[0]


def _whole(answer: Answer, decoder: msgspec.json.Decoder[_Result[T]]) -> list[T]:
    """Return the rows of a result that fits one answer, and see that no row was left for a next one."""
    result = _result(answer, decoder)
    if len(result.rows) != result.total:
        what = f"Resource Graph sent {len(result.rows)} rows of {result.total}, and promised the others for later."
        raise _fault(errors.IncompleteError, what, answer)
    return result.rows


def _result(answer: Answer, decoder: msgspec.json.Decoder[_Result[T]], *, continued: bool = False) -> _Result[T]:
    """Decode a body, and hold its own numbers against each other."""
    try:
        result = decoded(answer.body, decoder)
    except (ValueError, RecursionError) as error:
        what = f"Resource Graph answered 200 with {len(answer.body)} bytes that are no result ({error})."
        remedy = "If a proxy stands between, check that it lets the answers of Azure pass unchanged."
        raise _fault(errors.MalformedAnswerError, what, answer, remedy) from error
    if str(result.truncated).lower() == "true":
        raise _fault(errors.IncompleteError, "Resource Graph says that it left rows out (resultTruncated).", answer)
    rows, count, total = len(result.rows), result.count, result.total
    if count != rows or (not result.skip_token and not continued and count != total):
        what = f"Resource Graph sent {rows} rows where it counted {count} of {total}, and no way to get the rest."
        remedy = "Run again; if it stays so, ask Microsoft's support with the correlation id."
        raise _fault(errors.IncompleteError, what, answer, remedy)
    return result


def _fault(
    kind: type[errors.TapError], what: str, answer: Answer, remedy: str = _BUG, code: str = ""
) -> errors.TapError:
    """Return an error with the correlation id, which is in each header of ARM, and in the text of each refusal."""
    written = _CORRELATION.search(answer.body) if answer.status != 200 else None
    correlation_id = answer.headers.get("x-ms-correlation-request-id") or (written[1].decode() if written else "")
    return kind(what, remedy, code=code, correlation_id=correlation_id)


def refusal(answer: Answer) -> errors.TapError:
    """Return what an answer other than 200 means, as the error that ends a run if it stays so."""
    error = _error(answer)
    wanted = _wanted_claims(answer)
    reasons = [*([{"code": _CLAIMS}] if wanted else []), *_details(error), error]
    codes = [str(part["code"]) for part in reasons if part.get("code")]
    said = "; ".join(dict.fromkeys(f"{part.get('code')}: {_short(part.get('message'))}" for part in _details(error)))
    said = wanted or said or _short(error.get("message")) or f"HTTP {answer.status}"
    fits, kind, what, remedy = next(
        row for row in _MEANINGS if (row[0] in codes if isinstance(row[0], str) else answer.status in row[0])
    )
    code = fits if isinstance(fits, str) else next(iter(codes), f"HTTP {answer.status}")
    return _fault(kind, f"{what}: {said.removesuffix('.')}.", answer, remedy, code)


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

_MEANINGS: tuple[tuple[str | range | set[int], type[errors.TapError], str, str], ...] = (
    (
        "NoValidSubscriptionsInQueryRequest",
        errors.NoAccessError,
        "The application may not read anything in scope",
        _NO_ROLE,
    ),
    (
        "TooManySubscriptionsUnderScope",
        errors.ScopeTooLargeError,
        "More subscriptions lie in scope than Azure answers for",
        f"Set subscription_ids or management_group_ids. {see('scope-too-large')}",
    ),
    (
        "ResponsePayloadTooLarge",
        errors.PayloadTooLargeError,
        "An answer would be over 16 MiB",
        f"One row alone is that large: leave it out by a filter, or deselect its stream. {see('payload-too-large')}",
    ),
    (
        "DisallowedLogicalTableName",
        errors.TableMissingError,
        "This cloud has no such table",
        f"Deselect the streams that need it, or set on_incomplete to warn. {see('table-missing')}",
    ),
    *(
        (code, errors.QueryRefusedError, "Resource Graph refused a query", _BUG)
        for code in ("InvalidQuery", "ParserFailure", "InvalidQueryLanguage")
    ),
    (
        {400},
        errors.RequestRefusedError,
        "Resource Graph refused a request",
        f"Azure's own code says why: check the scope that is set. {see('request-refused')}",
    ),
    (
        _CLAIMS,
        errors.ClaimsRequiredError,
        "A policy of the tenant wants more of the sign-in",
        f"Let the application in under Conditional Access, or with azure_cli type `az login`. {see('claims-required')}",
    ),
    (
        {401},
        errors.TokenRefusedError,
        "Azure Resource Manager refused the access token",
        f"Check that tenant_id, client_id and cloud belong together. {see('token-refused')}",
    ),
    ({403}, errors.NoAccessError, "The application may not read anything in scope", _NO_ROLE),
    (
        {429},
        errors.ThrottledError,
        "Azure kept on refusing queries because the quota is used up",
        f"Give this tap an application of its own: others share its quota. {see('throttled')}",
    ),
    (
        {408, *range(500, 600)},
        errors.UnansweredError,
        "Azure Resource Manager kept on failing",
        f"Run again later; status.azure.com tells of outages. {see('unavailable')}",
    ),
    (
        range(1000),
        errors.MalformedAnswerError,
        "Azure Resource Manager gave an unexpected answer",
        f"Check resource_manager_url and the proxy, if any. {see('malformed-answer')}",
    ),
)
"""What a refusal means: a code or some statuses, class, cause and remedy. The first row that fits counts."""


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
