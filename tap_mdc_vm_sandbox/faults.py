"""Misbehaviour as data: what may go wrong, how often, and from when on.

A fault takes the place of a good answer, or spoils it. Each happens a bounded number of times unless it is said
to last, so that a client can survive the passing ones and must notice the lasting ones.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .graph_api import Outcome, Page, Question


class Kind(StrEnum):
    """All that can go wrong."""

    THROTTLED = "throttled"
    THROTTLED_RETRY_AFTER = "throttled-retry-after"
    THROTTLED_TWO_BYTES = "throttled-two-bytes"
    THROTTLED_NO_HINT = "throttled-no-hint"
    ERROR_500_JSON = "error-500-json"
    ERROR_502_EMPTY = "error-502-empty"
    ERROR_503_HTML = "error-503-html"
    ERROR_504_HTML = "error-504-html"
    RESET_BEFORE = "reset-before"
    RESET_MIDWAY = "reset-midway"
    HALF_JSON = "half-json"
    STALL = "stall"
    EXPIRED_TOKEN = "expired-token"  # noqa: S105  # a name
    EMPTY_PAGE = "empty-page"
    REPEATED_TOKEN = "repeated-token"  # noqa: S105  # a name
    TRUNCATED = "truncated"
    SHORT = "short"
    DOUBLED_ROW = "doubled-row"
    ROW_WITHOUT_ID = "row-without-id"
    PAYLOAD_TOO_LARGE = "payload-too-large"
    SUBSCRIPTION_LIMIT = "subscription-limit"
    TOKEN_THROTTLED = "token-throttled"  # noqa: S105  # a name
    TOKEN_503_HTML = "token-503-html"  # noqa: S105  # a name
    TOKEN_NOT_JSON = "token-not-json"  # noqa: S105  # a name
    TOKEN_RESET = "token-reset"  # noqa: S105  # a name
    DISCOVERY_503_HTML = "discovery-503-html"


TRANSPORT = frozenset(
    {
        Kind.THROTTLED,
        Kind.THROTTLED_RETRY_AFTER,
        Kind.THROTTLED_TWO_BYTES,
        Kind.THROTTLED_NO_HINT,
        Kind.ERROR_500_JSON,
        Kind.ERROR_502_EMPTY,
        Kind.ERROR_503_HTML,
        Kind.ERROR_504_HTML,
        Kind.RESET_BEFORE,
        Kind.RESET_MIDWAY,
        Kind.HALF_JSON,
        Kind.STALL,
        Kind.EXPIRED_TOKEN,
    }
)
"""A query was not answered; asking again is all that it takes."""

SPOILED = frozenset(
    {
        Kind.EMPTY_PAGE,
        Kind.REPEATED_TOKEN,
        Kind.TRUNCATED,
        Kind.SHORT,
        Kind.DOUBLED_ROW,
        Kind.ROW_WITHOUT_ID,
        Kind.PAYLOAD_TOO_LARGE,
        Kind.SUBSCRIPTION_LIMIT,
    }
)
"""A query was answered, but not with what is there: believing it loses rows."""

SIGN_IN = frozenset({Kind.TOKEN_THROTTLED, Kind.TOKEN_503_HTML, Kind.TOKEN_NOT_JSON, Kind.TOKEN_RESET})
"""No token was given."""

_PATIENCE = 1_000_000  # stands for "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: What.
        times: How many requests it hits; None hits all.
        after: How many requests that it could hit pass unharmed before.
        containing: Hits only queries that contain this text.
        seconds: What `Retry-After` says, and how long a stall lasts.
    """

    kind: Kind
    times: int | None = 1
    after: int = 0
    containing: str = ""
    seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """Faults by chance, the same for the same seed and order of requests.

    Attributes:
        seed: Decides which and when.
        share: Of the requests that are hit.
        kinds: What may happen.
        most: Faults in all; afterwards everything works.
        in_a_row: Faults that follow one another at most, so that a client's retries can win.
        seconds: As for `Fault`.
    """

    seed: int
    share: float = 0.2
    kinds: frozenset[Kind] = TRANSPORT | SPOILED | SIGN_IN
    most: int = 25
    in_a_row: int = 3
    seconds: float = 1.0


class Faults:
    """Decides which request is hit by what; keeps count."""

    def __init__(self, plan: Sequence[Fault] = (), chaos: Chaos | None = None) -> None:
        """Follow a plan, then chance."""
        self._plan = tuple(plan)
        self._chaos = chaos
        self._met: Counter[int] = Counter()
        self._by_chance = 0
        self._in_a_row = 0
        self._lock = threading.Lock()

    def for_query(self, outcome: Outcome, number: int) -> Fault | None:
        """What hits the request of this number, whose good answer is known."""

        def could(fault: Fault) -> bool:
            question = outcome.question
            if question is None or outcome.page is None or fault.containing not in question.query:
                return False
            return fault.kind in TRANSPORT or (fault.kind in SPOILED and _can_spoil(fault.kind, outcome.page, question))

        return self._chosen(could, number)

    def for_sign_in(self, number: int) -> Fault | None:
        """What hits the request of this number to the token endpoint."""
        return self._chosen(lambda fault: fault.kind in SIGN_IN, number)

    def for_discovery(self, number: int) -> Fault | None:
        """What hits the request of this number to the discovery endpoint."""
        return self._chosen(lambda fault: fault.kind is Kind.DISCOVERY_503_HTML, number)

    def _chosen(self, could: Callable[[Fault], bool], number: int) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._plan):
                if not could(fault):
                    continue
                self._met[index] += 1
                last = fault.after + (_PATIENCE if fault.times is None else fault.times)
                if fault.after < self._met[index] <= last:
                    return fault
            return self._drawn(could, number)

    def _drawn(self, could: Callable[[Fault], bool], number: int) -> Fault | None:
        chaos = self._chaos
        if chaos is None or self._by_chance >= chaos.most:
            return None
        chance = random.Random(f"{chaos.seed}/{number}")  # noqa: S311  # not for secrets
        candidates = [Fault(kind=kind, seconds=chaos.seconds) for kind in sorted(chaos.kinds)]
        candidates = [fault for fault in candidates if could(fault)]
        if not candidates or chance.random() >= chaos.share or self._in_a_row >= chaos.in_a_row:
            self._in_a_row = 0
            return None
        self._by_chance += 1
        self._in_a_row += 1
        return chance.choice(candidates)


def _can_spoil(kind: Kind, page: Page, question: Question) -> bool:
    """Whether a page is such that this would do harm to it."""
    match kind:
        case Kind.REPEATED_TOKEN:
            return page.token is not None and bool(question.options.get("$skipToken"))
        case Kind.ROW_WITHOUT_ID | Kind.DOUBLED_ROW:
            return not question.as_table and page.holds > 0 and b'"id":' in page.rows.texts[0]
        case Kind.SUBSCRIPTION_LIMIT:
            return question.subscriptions is None
        case Kind.SHORT | Kind.PAYLOAD_TOO_LARGE:
            return page.holds > 1 and not (page.packed and question.as_table)
        case Kind.EMPTY_PAGE | Kind.TRUNCATED:
            return len(page.rows.texts) > 1
        case _:
            return False
