"""Keeps a token at hand: signs in when one is needed, outlasts trouble on the way, and never signs in twice at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from tap_mdc_vm.azure.retries import Patience
from tap_mdc_vm.errors import TapError

logger = logging.getLogger(__name__)

SPARE = 60.0  # seconds that a token must still live to be used while a new one can't be had
QUIET = 30.0  # seconds to go on with a good token before a new one is asked for again


class Token(NamedTuple):
    """An access token, and the seconds that it lives."""

    value: str
    lifetime: float


class Tokens:
    """Hands out tokens; may be used by many threads at once.

    Whoever signs in keeps the token until it runs out. After a failure it is opened anew, as msal keeps failures too
    and repeats them without asking.

    Args:
        open_way: Makes a way to sign in, which returns a token that is valid now each time that it is called.
        account: Says who is signed in, where that can be known.

    Attributes:
        waited_seconds: Seconds between the tries of sign-ins that failed at first.
    """

    def __init__(
        self,
        open_way: Callable[[], Callable[[], Token]],
        *,
        account: Callable[[], str] = str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        patience: Callable[[], Patience] = Patience,
    ) -> None:
        self.account = account
        self._open_way, self._clock, self._sleep, self._patience = open_way, clock, sleep, patience
        self._lock = threading.Lock()
        self._way: Callable[[], Token] | None = None
        self._last: Token | None = None
        self._given_up: TapError | None = None
        self._ends = self._quiet_until = 0.0
        self._had_one = False
        self.waited_seconds = 0.0

    def token(self) -> str:
        """Return a token that is valid now; meant to be asked before each request.

        Raises:
            TapError: There is none: it is refused, or whoever is asked can't be reached, fails or is somebody else.
        """
        before = self._given_up
        with self._lock:
            if self._given_up and self._given_up is not before:
                raise self._given_up  # the patience of another thread, for which this one has waited all the while
            if self._last and self._clock() < self._quiet_until and self._is_good:
                return self._last.value
            try:
                return self._patiently()
            except TapError as error:
                self._given_up = error
                raise

    def renew(self, refused: str) -> bool:
        """Forget a token that was refused, so that the next one is new.

        Returns:
            Whether it was the present one; if not, another thread has it renewed already.
        """
        with self._lock:
            is_present = self._last is not None and self._last.value == refused
            if is_present:
                self._way = self._last = None
            return is_present

    def _patiently(self) -> str:
        patience = self._patience()
        while True:
            try:
                return self._sign_in()
            except TapError as error:
                self._way = None
                if self._last and self._is_good:
                    logger.warning("Going on with the present token: %s", error)
                    self._quiet_until = self._clock() + QUIET
                    return self._last.value
                pause = patience.wait(error, first_contact=not self._had_one)
                logger.info("No token yet, asking again in %.1f seconds: %s", pause, error.message)
            self._sleep(pause)
            self.waited_seconds += pause

    def _sign_in(self) -> str:
        if self._way is None:
            self._way = self._open_way()
        self._last = self._way()
        self._ends = self._clock() + self._last.lifetime
        self._had_one = True
        return self._last.value

    @property
    def _is_good(self) -> bool:
        return self._ends - self._clock() > SPARE
