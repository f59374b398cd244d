"""Asks the questions of a check-up, one after the other, and keeps of each answer what can be judged."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.model import Scope
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import NetworkError, SignInError, TapError
from tap_mdc_vm.run import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question's answer.

    Attributes:
        status: HTTP status.
        headers: By name in any letter case.
        size: Bytes of the body, unpacked.
        body: The decoded body; empty if it is no JSON object.
        refusal: What the tap makes of an answer other than 200.
        at: This machine's clock when the answer was there, in seconds since 1970.
    """

    status: int
    headers: Mapping[str, str]
    size: int
    body: dict[str, Any]
    refusal: TapError | None
    at: float

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, where the answer holds objects."""
        return [row for row in at(list, self.body, "data") if isinstance(row, dict)]

    @property
    def total(self) -> int:
        """``totalRecords``; 0 without it."""
        return at(int, self.body, "totalRecords")

    @property
    def token(self) -> str:
        """The skip token, if there is one."""
        return at(str, self.body, "$skipToken")


def at(kind: type[T], row: object, *path: str) -> T:
    """Return what stands at a place in a row; where nothing of the kind does, an empty one, such as ``""``."""
    for name in path:
        row = row.get(name) if isinstance(row, dict) else None
    return row if isinstance(row, kind) else kind()


class Asker:
    """Asks one question at a time, at the pace of the quota, and stands between client and network to see each answer.

    Attributes:
        seconds: How long each answer took.
    """

    def __init__(self, run: Run, scope: Scope) -> None:
        self._client = Client(run.settings.cloud.resource_manager_url, self, run.tokens, run.governor)
        self._transport, self._scope = run.transport, scope
        self._last: Answer | None = None
        self.seconds: list[float] = []

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send what the client gives, and return the answer.

        Raises:
            NetworkError: There is none.
        """
        began = time.monotonic()
        self._last = self._transport.post(url, body=body, headers=headers)
        self.seconds.append(time.monotonic() - began)
        if sys.stderr.isatty():
            click.echo(f"\r{len(self.seconds)} answers", nl=False, err=True)
        return self._last

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
        answer = self._last
        assert answer is not None  # noqa: S101 - the client raised or got one
        body = answer.json_object() or {}
        return Exchange(answer.status, answer.headers, len(answer.body), body, refusal, time.time())
