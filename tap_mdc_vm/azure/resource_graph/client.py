"""One question to Resource Graph, asked until it is answered; alone knows the wire format of requests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

import orjson

from tap_mdc_vm.azure.credentials import Tokens
from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.model import MAX_PAGE, Page, Quota, Scope
from tap_mdc_vm.azure.resource_graph.pacing import Governor, asked_wait
from tap_mdc_vm.azure.retries import Patience
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import ClaimsRequiredError, NetworkError, TapError, ThrottledError, TokenRefusedError

T = TypeVar("T")

API_VERSION = "2021-03-01"
"""Newer versions only add a filter for policy and role tables; the Azure CLI sends this one too."""

_JSON = {"Content-Type": "application/json"}
"""Azure answers 500 to any other."""


class Poster(Protocol):
    """Whatever sends a POST over HTTPS."""

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send ``body`` and return the answer, or raise a NetworkError."""
        ...


class Client:
    """Asks Resource Graph, from any number of threads.

    Args:
        resource_manager_url: Such as ``https://management.azure.com``.
        poster: Sends the request.
        tokens: Signs it.
        governor: Says when it may go out.

    Attributes:
        requests: How many requests went out, by the name of what was asked for.
    """

    def __init__(self, resource_manager_url: str, poster: Poster, tokens: Tokens, governor: Governor) -> None:
        """Keep what a request takes; nothing is sent yet."""
        path = f"/providers/Microsoft.ResourceGraph/resources?api-version={API_VERSION}"
        self._url = resource_manager_url.rstrip("/") + path
        self._poster, self._tokens, self._governor = poster, tokens, governor
        self._counting = threading.Lock()
        self._heard = False
        self.requests: Counter[str] = Counter()

    def ask(  # noqa: PLR0913  # what a request says, each by name
        self,
        name: str,
        text: str,
        scope: Scope,
        *,
        top: int = MAX_PAGE,
        skip_token: str | None = None,
        urgent: bool = False,
    ) -> Page:
        """Ask for one page of a query's rows.

        Args:
            name: What the rows are, for the count of requests.
            text: Kusto's language.
            scope: Where to look.
            top: Rows at most, 1 to 1000.
            skip_token: The previous page's, with the same text and scope.
            urgent: Whether to go before questions that are not, where all wait for the quota.

        Raises:
            TapError: The question can't be answered, or not within the bounds of :mod:`tap_mdc_vm.azure.retries`.
        """
        read = partial(answers.page, continued=skip_token is not None)
        return self.send(name, text, scope, read, top=top, skip_token=skip_token, urgent=urgent)

    def send(  # noqa: PLR0913  # what a request says, each by name
        self,
        name: str,
        text: str,
        scope: Scope,
        read: Callable[[Answer], T],
        *,
        top: int = MAX_PAGE,
        skip_token: str | None = None,
        urgent: bool = False,
    ) -> T:
        """Ask as :meth:`ask` does, and return what ``read`` makes of the answer.

        Raises:
            TapError: As :meth:`ask`; ``read`` may raise one too.
        """
        # Azure ignores an option without its dollar sign, and would send 1,000 rows.
        options = {"$top": top, "resultFormat": "objectArray"} | ({"$skipToken": skip_token} if skip_token else {})
        body = orjson.dumps({"query": text, "options": options, **scope.body()})
        place, patience, renewals = self._governor.place(urgent=urgent), Patience(), 0
        while True:
            token, quota = self._tokens.token(), Quota()
            ticket = self._governor.admit(place)
            with self._counting:
                self.requests[name] += 1
            try:
                answer = self._poster.post(self._url, body=body, headers={"Authorization": f"Bearer {token}", **_JSON})
                self._heard, quota = True, Quota.from_headers(answer.headers)
                if answer.status != 429:
                    self._governor.answered(ticket, quota)
                if answer.status == 200:
                    return read(answer)
                raise answers.refusal(answer.without(token))
            except TokenRefusedError as error:
                if renewals >= _renewals(error):
                    raise
                renewals += self._tokens.renew(token)
            except TapError as error:
                if isinstance(error, NetworkError):
                    self._governor.lost()
                throttled = isinstance(error, ThrottledError)
                asked = asked_wait(quota) if throttled else quota.retry_after
                wait = patience.wait(error, asked, first_contact=not self._heard)
                if throttled:
                    self._governor.throttled(ticket, wait)
                else:
                    self._governor.sleep(wait)


def _renewals(refusal: TokenRefusedError) -> int:
    """Return how many new tokens a question may have, until a refusal of them ends the run.

    A token can run out on the way, and a new one come out of a cache that is slow to notice. A policy may have changed
    since this one was made.
    """
    if refusal.code == "ExpiredAuthenticationToken":
        return 3
    return 1 if isinstance(refusal, ClaimsRequiredError) else 0
