"""Azure Resource Graph's one address: checks a request as Azure does, executes its query, answers in Azure's form."""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from . import arm_answers as arm
from . import kql
from .arm_answers import ArmRefusedError
from .entra import TokenProblem, Tokens
from .facets import Facet, FacetError, problems_with
from .server import Request, Response, compress
from .store import LONGEST_LIST, Rows, Store, View

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from .quota import Meter
    from .tenant import Subscription, Tenant

PATH = "/providers/microsoft.resourcegraph/resources"
MAXIMUM_TOP = 1000
_KEPT = 64 * 1024 * 1024  # bytes
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_VERSIONS = (
    "2018-09-01-preview",
    "2019-04-01",
    "2020-04-01-preview",
    "2020-09-01-preview",
    "2021-03-01",
    "2021-06-01-preview",
    "2022-10-01",
    "2024-04-01",
)
_FIRST_WITH_OBJECTS = "2021-03-01"
"""Whose specification says that rows come as objects unless asked otherwise; those before describe a table."""

_FIRST_WITH_TENANT = "2020-04-01-preview"
"""Whose specification no longer requires subscriptions."""

_ADVICE = "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error."
THROTTLED_TEXT = (
    "Client application has been throttled and should not attempt to repeat the request until an amount of time "
    "has elapsed. Please see https://aka.ms/resourcegraph-throttling for help."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Azure's limits; tests make them small.

    Attributes:
        payload: Bytes of an answer, uncompressed.
        listed: Subscriptions that a request may name.
        counted: Subscriptions below a tenant or management group whose rows are given; a header tells of more.
        allowed: Subscriptions below a tenant or management group, unless partial scopes are allowed.
        denial: Status when nothing in scope can be read: 400 and 403 were both recorded.
        list_length: Elements that `make_list()` keeps; the others are left out without a sign.
        lacking: Names of tables and functions, in lower case, that this service refuses.
    """

    payload: int = 16 * 1024 * 1024
    listed: int = 1_000
    counted: int = 10_000
    allowed: int = 18_000
    denial: int = 400
    list_length: int = LONGEST_LIST
    lacking: frozenset[str] = frozenset()


class Refused(Exception):  # noqa: N818  # an answer, not an error of ours
    """An error that Azure would give.

    Attributes:
        status: HTTP status.
        code: Outer code.
        details: Inner codes and messages.
    """

    def __init__(self, status: int, code: str, *details: Mapping[str, object]) -> None:
        """Keep all of it."""
        super().__init__(code)
        self.status, self.code, self.details = status, code, details


@dataclass(frozen=True, slots=True)
class Question:
    """The body of a request, checked."""

    query: str
    subscriptions: tuple[str, ...] | None = None
    management_groups: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    facets: tuple[Facet, ...] = ()
    version: str = _FIRST_WITH_OBJECTS

    @property
    def top(self) -> int:
        """Rows asked for."""
        return int(self.options.get("$top") or self._token.get("MaxRows") or MAXIMUM_TOP)

    @property
    def skip(self) -> int:
        """Rows to leave out: `$skip`, else where the token says."""
        return int(self.options.get("$skip") or self._token.get("RowsToSkip") or 0)

    @property
    def as_table(self) -> bool:
        """Whether rows are to be arrays."""
        usual = "objectArray" if self.version >= _FIRST_WITH_OBJECTS else "table"
        return str(self.options.get("resultFormat") or usual).lower() == "table"

    @property
    def _token(self) -> dict[str, Any]:
        return read_token(self.options["$skipToken"]) if self.options.get("$skipToken") else {}


@dataclass(frozen=True, slots=True)
class Page:
    """An answer before it is put into words, so that a fault can spoil it.

    Attributes:
        rows: What the query found.
        token: Where to go on; None on the last page.
        truncated: Rows are missing that no token leads to.
        headers: Beside the usual ones.
        packed: Name of the column that holds the rows, if they are packed into one.
        facets: JSON text of the facets.
    """

    rows: Rows
    token: str | None
    truncated: bool
    headers: Mapping[str, str]
    packed: str | None = None
    facets: bytes = b"[]"

    @property
    def holds(self) -> int:
        """How many resources it tells of."""
        return self.rows.packed if self.packed else len(self.rows.texts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        response: What to answer.
        question: What was asked, if it could be read.
        page: The answer's rows, if there are any.
    """

    response: Response
    question: Question | None = None
    page: Page | None = None


class Answers:
    """Answers given before, the latest of them; benchmarks ask the same again and again."""

    def __init__(self, size: int = _KEPT) -> None:
        """Keep answers of this many bytes together."""
        self._size = size
        self._known: OrderedDict[Hashable, Response] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Response | None:
        """The answer to the same question."""
        return self._known.get(key)

    def put(self, key: Hashable, response: Response) -> None:
        """Keep an answer; the oldest ones make room for it."""
        with self._lock:
            if key not in self._known:
                self._known[key] = response
                self._size -= len(response.compressed or b"")
            while self._size < 0:
                _, oldest = self._known.popitem(last=False)
                self._size += len(oldest.compressed or b"")


class GraphApi:
    """Answers queries about one tenant for one principal."""

    def __init__(  # noqa: PLR0913  # what it works with, each by name
        self,
        *,
        tenant: Tenant,
        store: Store,
        tokens: Tokens,
        meter: Meter | None,
        limits: Limits,
        readable: Callable[[], set[str]],
        steady: bool,
        drifting: bool,
        clock: Callable[[], float],
    ) -> None:
        """Connect the parts.

        Args:
            tenant: Whose resources.
            store: Its rows.
            tokens: Recognises tokens.
            meter: Counts queries; None doesn't.
            limits: Azure's limits.
            readable: Ids of the subscriptions that the principal may read now.
            steady: Whether the same question always has the same answer, so that it is kept for the next time.
            drifting: Whether rows come and go.
            clock: Seconds since 1970.
        """
        self._tenant = tenant
        self._store = store
        self._tokens = tokens
        self._meter = meter
        self._limits = limits
        self._readable = readable
        self._answers = Answers() if steady else None
        self._drifting = drifting
        self._clock = clock

    def answer(self, request: Request, number: int) -> Outcome:
        """Answer a request; `number` counts them."""
        headers = arm.headers()
        question = None
        try:
            self._tokens.check(request.headers.get("authorization"))
            version = arm.check_version(request, "Microsoft.ResourceGraph/resources", _VERSIONS)
            _check_content_type(request)
            if self._meter:
                allowance = self._meter.spend()
                headers |= allowance.headers
                if not allowance.granted:
                    raise Refused(429, "RateLimiting", {"code": "RateLimiting", "message": THROTTLED_TEXT})
            question = read_question(request.body, version)
            return self._answered(request.body, question, number, headers)
        except TokenProblem as problem:
            return Outcome(arm.unauthorized(problem, self._tenant.tenant_id, headers))
        except ArmRefusedError as refused:
            return Outcome(arm.refusal(refused, headers))
        except Refused as refused:
            return Outcome(self.error_response(refused, headers), question)
        except kql.QueryRefusedError as error:
            refusal = Refused(400, "BadRequest", {"code": "InvalidQuery", "message": _ADVICE}, *error.details)
            return Outcome(self.error_response(refusal, headers), question)

    def _answered(self, body: bytes, question: Question, number: int, headers: Mapping[str, str]) -> Outcome:
        key = (body, question.version, frozenset(self._readable()))
        if self._answers and (known := self._answers.get(key)):
            return Outcome(replace(known, headers={**known.headers, **headers}), question)
        query = kql.understood(question.query)
        kql.require(query.plan, self._limits.lacking)
        page = self.page(question, query, number)
        if question.facets:
            page = replace(
                page, facets=orjson.dumps([self._facet(facet, question, page, number) for facet in question.facets])
            )
        response = self.page_response(page, question, headers)
        if response.status != 200:
            return Outcome(response, question)
        if self._answers and query.plan.repeatable:
            response = replace(response, body=b"", compressed=compress(response.body))
            self._answers.put(key, replace(response, headers=page.headers))
        return Outcome(response, question, page)

    def keep_no_answers(self) -> None:
        """Make each answer anew from now on, so that a fault can spoil it."""
        self._answers = None

    def page(self, question: Question, query: kql.Query, number: int) -> Page:
        """Execute a query within what may be seen."""
        scope, headers = self._scope(question)
        limited = query.plan.limited
        view = View(
            number=number,
            conditions=self._conditions(scope, question, number),
            offset=0 if limited else question.skip,
            top=question.top,
            as_table=question.as_table,
        )
        rows = self._store.answer(query, view)
        reached = view.offset + len(rows.texts)
        more = reached < rows.total
        pageable = not limited and ("id", "string") in rows.columns
        token = make_token(view.top, reached) if more and pageable else None
        pack = query.plan.pack
        return Page(rows, token, more and not pageable, headers, packed=pack.name if pack else None)

    def _facet(self, facet: Facet, question: Question, page: Page, number: int) -> dict[str, Any]:
        """One of the counts beside the rows, or what is wrong with it."""
        columns = {name: kind == "object" for name, kind in page.rows.columns}
        try:
            text = facet.query(question.query, columns)
            options = {"$top": facet.top, "resultFormat": "table" if question.as_table else "objectArray"}
            counted = self.page(replace(question, query=text, options=options), kql.understood(text), number)
        except (FacetError, kql.QueryRefusedError) as error:
            errors = error.errors if isinstance(error, FacetError) else error.details
            return {"expression": facet.expression, "resultType": "FacetError", "errors": errors}
        return {
            "expression": facet.expression,
            "resultType": "FacetResult",
            "totalRecords": counted.rows.total,
            "count": len(counted.rows.texts),
            "data": orjson.Fragment(_data(counted.rows, as_table=question.as_table)),
        }

    def page_response(self, page: Page, question: Question, headers: Mapping[str, str]) -> Response:
        """A page in words."""
        body = worded(page, as_table=question.as_table)
        if len(body) > self._limits.payload:
            return self.too_large(len(body), headers)
        return Response(200, body, {**headers, **page.headers})

    def too_large(self, size: int, headers: Mapping[str, str]) -> Response:
        """The refusal of an answer of that many bytes."""
        message = (
            f"Response payload size is {size}, and has exceeded the limit of {self._limits.payload}. "
            "Please consider querying less data at a time and make paginated call if needed."
        )
        return self.error_response(
            Refused(400, "BadRequest", {"code": "ResponsePayloadTooLarge", "message": message}), headers
        )

    def error_response(self, refused: Refused, headers: Mapping[str, str] | None = None) -> Response:
        """An error of Resource Graph, in Azure's form."""
        headers = headers or arm.headers()
        moment = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        message = (
            f"Please provide below info when asking for support: timestamp = {moment}, "
            f"correlationId = {headers['x-ms-correlation-request-id']}."
        )
        body = {"error": {"code": refused.code, "message": message, "details": refused.details}}
        return Response(refused.status, orjson.dumps(body), headers)

    def expire_tokens(self, outcome: Outcome) -> Response:
        """Let all tokens end now, and answer as after that."""
        self._tokens.expire()
        problem = self._tokens.expired(self._clock())
        return arm.unauthorized(problem, self._tenant.tenant_id, outcome.response.headers)

    def _scope(self, question: Question) -> tuple[list[Subscription], dict[str, str]]:
        """The subscriptions that a request reaches and may read, and what the headers say about them."""
        readable = self._readable()
        if question.subscriptions is not None:
            if len(question.subscriptions) > self._limits.listed:
                raise _bad_body(f"More than {self._limits.listed} subscriptions.")
            asked = {subscription.lower() for subscription in question.subscriptions}
            found = [s for s in self._tenant.subscriptions if s.id in asked and s.id in readable]
            if not found:
                self._deny(question.subscriptions)
            return found, {}
        below = [s for s in self._tenant.subscriptions if self._is_below(s, question.management_groups)]
        if len(below) > self._limits.allowed and not question.options.get("allowPartialScopes"):
            message = (
                "The number of subscriptions under provided tenant or management groups in the request has exceeded "
                f"the allowed limit {self._limits.allowed}. Please select a more granular scope or allow partial "
                "scopes results by passing AllowPartialScopes flag in the query options."
            )
            raise Refused(400, "BadRequest", {"code": "TooManySubscriptionsUnderScope", "message": message})
        found = [s for s in below if s.id in readable]
        if not found:
            self._deny(question.management_groups or ())
        hit = len(found) > self._limits.counted
        return found[: self._limits.counted], {"x-ms-tenant-subscription-limit-hit": "true"} if hit else {}

    def _is_below(self, subscription: Subscription, groups: Sequence[str] | None) -> bool:
        return groups is None or any(group.lower() in subscription.groups for group in groups)

    def _deny(self, ids: Sequence[str]) -> None:
        if self._limits.denial == 403:
            message = "Access is denied to the requested resource. The user might not have enough permission."
            raise Refused(403, "AccessDenied", {"code": "AccessDenied", "message": message})
        message = (
            f"There must be at least one subscription that is eligible to contain resources. Given: '{','.join(ids)}'."
        )
        raise Refused(400, "BadRequest", {"code": "NoValidSubscriptionsInQueryRequest", "message": message})

    def _conditions(self, scope: Sequence[Subscription], question: Question, number: int) -> dict[str, str]:
        """SQL that is true of the rows in scope, by table."""
        everything = len(scope) == len(self._tenant.subscriptions)
        listed = ", ".join(f"'{subscription.id}'" for subscription in scope)
        visible = "\"subscriptionId\" <> ''" if everything else f'"subscriptionId" IN ({listed})'
        groups = ", ".join(f"'{group}'" for group in self._groups_in(question))
        containers = f'{visible} OR "name" IN ({groups})' if groups else visible
        there = f"_born <= {number} AND {number} < _gone AND " if self._drifting else ""
        return {table: f"{there}({containers if table == 'resourcecontainers' else visible})" for table in kql.TABLES}

    def _groups_in(self, question: Question) -> list[str]:
        if question.subscriptions is not None:
            return []
        asked = question.management_groups
        return [
            group
            for group, (_, above) in self._tenant.management_groups.items()
            if asked is None or any(name.lower() in (group, *above) for name in asked)
        ]


def _check_content_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(500, "InternalServerError")


def read_question(body: bytes, version: str = _FIRST_WITH_OBJECTS) -> Question:
    """Check the body of a request in some version of the api.

    Raises:
        Refused: It isn't one.
    """
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _bad_body("The request body is not valid JSON.") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str) or not asked["query"].strip():
        raise _bad_body("The query is missing.")
    subscriptions = _strings(asked, "subscriptions")
    groups = _strings(asked, "managementGroups")
    if subscriptions and groups:
        raise _bad_body("Subscriptions and management groups can't be given together.")
    invalid = [name for name in subscriptions or () if not _GUID.fullmatch(name)]
    if invalid:
        message = f"Subscriptions contain invalid GUIDs: '{','.join(invalid)}'."
        raise Refused(400, "BadRequest", {"code": "SubscriptionsContainInvalidGuids", "message": message})
    if not subscriptions and version < _FIRST_WITH_TENANT:
        raise _bad_body(f"Version {version} needs subscriptions.")
    return Question(asked["query"], subscriptions or None, groups or None, _options(asked), _facets(asked), version)


def _facets(asked: Mapping[str, Any]) -> tuple[Facet, ...]:
    facets = [] if asked.get("facets") is None else asked["facets"]
    if not isinstance(facets, list):
        raise _bad_body("facets must be an array.")
    for facet in facets:
        if problem := problems_with(facet):
            raise _bad_body(problem)
    return tuple(Facet(facet["expression"], facet.get("options") or {}) for facet in facets)


def _strings(asked: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = asked.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _bad_body(f"{name} must be an array of strings.")
    return tuple(value)


def _options(asked: Mapping[str, Any]) -> dict[str, Any]:
    options = {} if asked.get("options") is None else asked["options"]
    if not isinstance(options, dict):
        raise _bad_body("options must be an object.")
    top, skip = options.get("$top"), options.get("$skip")
    if top is not None and not (type(top) is int and 1 <= top <= MAXIMUM_TOP):
        raise _bad_body(f"$top must be between 1 and {MAXIMUM_TOP}.")
    if skip is not None and not (type(skip) is int and skip >= 0):
        raise _bad_body("$skip must not be negative.")
    if str(options.get("resultFormat") or "table").lower() not in {"table", "objectarray"}:
        raise _bad_body("resultFormat must be table or objectArray.")
    if not isinstance(options.get("allowPartialScopes", False), bool | None):
        raise _bad_body("allowPartialScopes must be true or false.")
    if not isinstance(options.get("$skipToken", ""), str | None):
        raise _bad_body("$skipToken must be a string.")
    if options.get("$skipToken"):
        read_token(options["$skipToken"])
    return options


def _bad_body(message: str) -> Refused:
    # The outer form is Azure's; no recording shows the codes for these, so the inner code is a guess.
    return Refused(400, "BadRequest", {"code": "InvalidRequestContent", "message": message})


def worded(page: Page, *, as_table: bool) -> bytes:
    """The body of a page, put together from the texts of its rows."""
    data = _data(page.rows, as_table=as_table)
    truncated = b"true" if page.truncated else b"false"
    token = b',"$skipToken":"%s"' % page.token.encode() if page.token is not None else b""
    form = b'{"totalRecords":%d,"count":%d,"data":%s,"facets":%s,"resultTruncated":"%s"%s}'
    return form % (page.rows.total, len(page.rows.texts), data, page.facets, truncated, token)


def _data(rows: Rows, *, as_table: bool) -> bytes:
    data = b"[" + b",".join(rows.texts) + b"]"
    if not as_table:
        return data
    columns = orjson.dumps([{"name": name, "type": kind} for name, kind in rows.columns])
    return b'{"columns":%s,"rows":%s}' % (columns, data)


def make_token(top: int, offset: int) -> str:
    """A skip token: an offset in base64, as recorded in 2021 and 2022."""
    token = {"$id": "1", "MaxRows": top, "RowsToSkip": offset, "KustoClusterUrl": "https://sandbox.invalid"}
    return base64.b64encode(json.dumps(token, indent=2).encode()).decode()


def read_token(token: str) -> dict[str, Any]:
    """What a skip token says.

    Raises:
        Refused: It isn't one.
    """
    try:
        read = json.loads(base64.b64decode(token, validate=True))
        return {"MaxRows": int(read["MaxRows"]), "RowsToSkip": int(read["RowsToSkip"])}
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise _bad_body("The skip token is not valid.") from error
