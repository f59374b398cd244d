"""Keeps a token at hand: signs in when one is needed, outlasts trouble on the way, and never signs in twice at once."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from tap_mdc_vm.azure.retries import Patience
from tap_mdc_vm.errors import TapError

logger = logging.getLogger(__name__)

EARLY = 300.0  # seconds before a token's end at which a new one is asked for; half of its life if that is shorter
SPARE = 60.0  # seconds that a token must still live to be used while a new one can't be had
QUIET = 30.0  # seconds to go on with a good token before a new one is asked for again


class Token(NamedTuple):
    """An access token, and the seconds that it lives."""

    value: str
    lifetime: float


class Tokens:
    """Hands out tokens, and keeps each until shortly before its end; may be used by many threads at once.

    Args:
        sign_in: Gets a token, each time anew.
        account: Says who is signed in, where that can be known.

    Attributes:
        waited_seconds: Seconds between the tries of sign-ins that failed at first.
    """

    def __init__(
        self,
        sign_in: Callable[[], Token],
        *,
        account: Callable[[], str] = str,
        clock: Callable[[], float] = time.time,  # which goes on while a machine is asleep, as a token's life does
        sleep: Callable[[float], None] = time.sleep,
        patience: Callable[[], Patience] = Patience,
    ) -> None:
        self.account = account
        self._sign_in, self._clock, self._sleep, self._patience = sign_in, clock, sleep, patience
        self._lock = threading.Lock()
        self._value = ""
        self._ends = self._renew_at = -math.inf
        self._given_up: TapError | None = None
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
            if self._clock() >= self._renew_at:
                try:
                    self._renew()
                except TapError as error:
                    self._given_up = error
                    raise
            return self._value

    def renew(self, refused: str) -> bool:
        """Forget a token that was refused, so that the next one is new.

        Returns:
            Whether it was the present one; if not, another thread has it renewed already.
        """
        with self._lock:
            is_present = self._value == refused
            if is_present:
                self._value, self._renew_at = "", -math.inf
            return is_present

    def _renew(self) -> None:
        """Sign in, patiently; go on with the present token for a while if it is good and there is no new one."""
        patience = self._patience()
        while True:
            try:
                self._value, lifetime = self._sign_in()
            except TapError as error:
                good_until = self._ends - SPARE
                if self._value and self._clock() < good_until:
                    logger.warning("Going on with the present token: %s", error)
                    self._renew_at = min(self._clock() + QUIET, good_until)
                    return
                pause = patience.wait(error, first_contact=self._ends == -math.inf)
                logger.info("No token yet, asking again in %.1f seconds: %s", pause, error.message)
            else:
                self._ends = self._clock() + lifetime
                self._renew_at = self._ends - min(EARLY, lifetime / 2)
                return
            self._sleep(pause)
            self.waited_seconds += pause
