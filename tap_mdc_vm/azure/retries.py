"""How long to ask a service of Azure again, and how long to wait in between. Everything here is bounded in time.

================  ==========================================  ===================  =================================
what happened     examples                                    goes on for          waits
================  ==========================================  ===================  =================================
throttled         429                                         10 minutes           ``Retry-After``, else the quota's
                                                                                   reset, else backoff
service           408, 500, 502, 503, 504                     2 minutes            ``Retry-After``, else backoff
network           reset, time-out, half an answer             2 minutes            backoff
first contact     the same, before any answer ever came       5 seconds            backoff
certificate       not trusted                                 not at all
answer            no JSON, a short page, ``resultTruncated``  6 tries              backoff
================  ==========================================  ===================  =================================

A kind is a row of this table, however many classes of errors it has. The bounds count from the first of several
failures of one kind in a row, however long it took to fail; 10 minutes bound them all together.
Backoff doubles with each failure of any kind, from half a second to 30, with up to half of it taken off at random.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tap_mdc_vm import errors

_LONGEST = 600.0
_BOUNDS: tuple[tuple[type[errors.TapError], float | None], ...] = (
    (errors.UntrustedCertificateError, None),
    (errors.ThrottledError, _LONGEST),
    (errors.UnavailableError, 120.0),
    (errors.NetworkError, 120.0),
)
_FIRST_CONTACT = 5.0
_UNPROVEN = (errors.MalformedAnswerError, errors.IncompleteError)
_TRIES = 6
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_DOUBLINGS = 10  # more than it takes to the longest wait; a thousand would not fit a float


class Patience:
    """What is left of it for one question, by a clock of seconds and a chance from 0 to 1."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock, self._chance = clock, chance
        self._began: float | None = None
        self._kind: object = None
        self._since = 0.0
        self._failures = self._of_this_kind = 0

    def wait(self, error: errors.TapError, asked: float | None = None, *, first_contact: bool = False) -> float:
        """Take in a failure and return the seconds to wait before the next try.

        Args:
            error: What happened.
            asked: Seconds that the service asks to wait, where the error doesn't know them.
            first_contact: Whether no answer ever came from there, so that the address may be wrong.

        Raises:
            TapError: ``error`` itself, when it can't be mended by trying or has lasted for too long.
        """
        now = self._clock()
        kind, bound = _row(error)
        if bound is None:
            raise error
        self._began = now if self._began is None else self._began
        if kind != self._kind:
            self._kind, self._since, self._of_this_kind = kind, now, 0
        self._failures, self._of_this_kind = self._failures + 1, self._of_this_kind + 1
        backoff = min(_FIRST_WAIT * 2 ** min(self._failures - 1, _DOUBLINGS), _LONGEST_WAIT) * (1 - self._chance() / 2)
        wait = asked or error.wait or backoff  # a wait of zero is none: it would be to ask without a breath
        if kind is errors.NetworkError and first_contact:
            bound = _FIRST_CONTACT
        tried_enough = kind is _UNPROVEN and self._of_this_kind >= _TRIES
        if tried_enough or now + wait > min(self._since + bound, self._began + _LONGEST):
            raise error
        return wait


def _row(error: errors.TapError) -> tuple[object, float | None]:
    """Return the row of the table that an error is of, and for how many seconds that goes on; None: not at all."""
    if isinstance(error, _UNPROVEN):
        return _UNPROVEN, _LONGEST
    return next(((kind, bound) for kind, bound in _BOUNDS if isinstance(error, kind)), (type(error), None))
