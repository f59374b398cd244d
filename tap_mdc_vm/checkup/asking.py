"""Asks the questions of a check-up, one after the other, and keeps of each answer what can be judged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tap_mdc_vm.errors import NetworkError, SignInError, TapError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_mdc_vm.azure.resource_graph.client import Client, Poster
    from tap_mdc_vm.azure.resource_graph.model import Scope
    from tap_mdc_vm.azure.transport import Answer


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question's answer.

    Attributes:
        status: HTTP status.
        headers: By name in lower case.
        size: Bytes of the body, unpacked.
        seconds: From sending to the last byte, of the last try.
        body: The decoded body; empty if it is no JSON object.
        refusal: What the tap makes of an answer other than 200.
        at: This machine's clock when the answer was there, in seconds since 1970.
    """

    status: int
    headers: Mapping[str, str]
    size: int
    seconds: float
    body: dict[str, Any]
    refusal: TapError | None
    at: float

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, where the answer holds objects."""
        data = self.body.get("data")
        return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []

    @property
    def total(self) -> int:
        """``totalRecords``; 0 without it."""
        total = self.body.get("totalRecords")
        return total if type(total) is int else 0

    @property
    def token(self) -> str | None:
        """The skip token, if there is one."""
        token = self.body.get("$skipToken")
        return token if isinstance(token, str) and token else None


@dataclass
class Recorder:
    """Sends what it is given on, and keeps the last answer with its time.

    Attributes:
        poster: Sends.
        seconds: How long each answer took.
        last: The last answer.
        at: This machine's clock when it was there.
    """

    poster: Poster
    seconds: list[float] = field(default_factory=list)
    last: Answer | None = None
    at: float = 0.0

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send, and return the answer.

        Raises:
            NetworkError: There is none.
        """
        began = time.monotonic()
        self.last = self.poster.post(url, body=body, headers=headers)
        self.seconds.append(time.monotonic() - began)
        self.at = time.time()
        return self.last


class Asker:
    """Asks one question at a time, at the pace of the quota.

    Args:
        client: Asks, and asks again where that helps.
        recorder: Stands between the client and the network.
        scope: Where to look.
    """

    def __init__(self, client: Client, recorder: Recorder, scope: Scope) -> None:
        """Nothing is sent yet."""
        self._client, self.recorder, self._scope = client, recorder, scope

    def ask(self, text: str, *, top: int = 1000, skip_token: str | None = None) -> Exchange:
        """Return what Azure answers to a query, whether it is rows or a refusal.

        Raises:
            NetworkError: There is no answer.
            SignInError: There is no token.
        """
        refusal = None
        try:
            self._client.send("checkup", text, self._scope, lambda answer: answer, top=top, skip_token=skip_token)
        except (NetworkError, SignInError):
            raise
        except TapError as error:
            refusal = error
        answer = self.recorder.last
        assert answer is not None  # noqa: S101 - the client raised or got one
        headers = {name.lower(): value for name, value in answer.headers.items()}
        seconds = self.recorder.seconds[-1]
        return Exchange(
            answer.status, headers, len(answer.body), seconds, _object(answer.body), refusal, self.recorder.at
        )


def _object(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
