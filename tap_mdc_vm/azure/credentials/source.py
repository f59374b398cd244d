"""Keeps a token at hand: asks msal each time, outlasts trouble at the token endpoint, and never asks twice at once."""

from __future__ import annotations

import logging
import random
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_mdc_vm.errors import (
    MalformedAnswerError,
    ServiceError,
    SignInError,
    TapError,
    UntrustedCertificateError,
    see,
)

from .answers import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PATIENCE = 120.0  # seconds in which trouble at the token endpoint may pass
FIRST_PATIENCE = 10.0  # the same while nothing was ever reached: then it is rather a wrong address
LONGEST_PAUSE = 30.0  # seconds between two attempts, unless the endpoint asks for more
SPARE = 60.0  # seconds that a token must still live to be used while the endpoint is in trouble
QUIET = 30.0  # seconds to go on with a good token before a troubled endpoint is asked again


class _Token(NamedTuple):
    value: str
    expires: float


class PatientSource:
    """A :class:`~tap_mdc_vm.azure.credentials.TokenSource` around one of msal's clients.

    msal keeps a token until 300 seconds before its end, or renews it earlier where Entra ID says so. It keeps
    failures too and repeats them without asking, so each attempt after a failure has a new client.

    Args:
        open_client: Makes a client of msal's and returns its method that acquires a token.
        refuse: Turns an answer without a token into an error.
        clock: Returns seconds from any fixed point.
        sleep: Waits for seconds.
        jitter: Returns a number from 0 to 1.
    """

    def __init__(
        self,
        open_client: Callable[[], Callable[[], dict[str, Any]]],
        refuse: Callable[[dict[str, Any]], TapError],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; nothing is read or asked before the first token is."""
        self._open_client, self._refuse = open_client, refuse
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._lock = threading.Lock()
        self._acquire: Callable[[], dict[str, Any]] | None = None
        self._last: _Token | None = None
        self._had_one = False
        self._quiet_until = 0.0

    def token(self) -> str:
        """Return a token that is valid now."""
        with self._lock:
            if self._last and self._clock() < self._quiet_until and self._is_good(self._last):
                return self._last.value
            return self._patiently()

    def renew(self) -> None:
        """Forget the token, as it was refused; the next one is new."""
        with self._lock:
            self._acquire = self._last = None

    def _patiently(self) -> str:
        start = self._clock()
        for attempt in count():
            try:
                return self._ask()
            except (Trouble, TapError) as failure:
                self._acquire = None
                error = failure.error if isinstance(failure, Trouble) else failure
                if self._last and self._is_good(self._last):
                    logger.warning("Going on with the present token: %s", error)
                    self._quiet_until = self._clock() + QUIET
                    return self._last.value
                asked_for = failure.wait if isinstance(failure, Trouble) else None
                pause = asked_for or self._backoff(attempt)  # 0 would be to ask without end and without a breath
                if self._clock() + pause - start > self._patience(error):
                    raise error from failure.__cause__
            logger.info("No token yet, asking again in %.1f seconds: %s", pause, error.message)
            self._sleep(pause)
        raise AssertionError("count() never ends")

    def _ask(self) -> str:
        try:
            if self._acquire is None:
                self._acquire = self._open_client()
            answer = self._acquire()
        # How msal says that an answer is of no use to it.
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise MalformedAnswerError(
                "The sign-in library can't use what the token endpoint answered.",
                f"Check authority_host. {see('malformed-answer')}",
            ) from error
        if not answer.get("access_token"):
            raise self._refuse(answer)
        self._last = _Token(answer["access_token"], self._clock() + float(answer.get("expires_in", 0)))
        self._had_one = True
        return self._last.value

    def _is_good(self, token: _Token) -> bool:
        return token.expires - self._clock() > SPARE

    def _backoff(self, attempt: int) -> float:
        return min(LONGEST_PAUSE, 2.0 ** min(attempt, 10)) * (0.5 + self._jitter() / 2)

    def _patience(self, error: TapError) -> float:
        """Return for how many seconds such an error may pass."""
        if isinstance(error, SignInError | UntrustedCertificateError):
            return 0.0
        return PATIENCE if self._had_one or isinstance(error, ServiceError) else FIRST_PATIENCE
