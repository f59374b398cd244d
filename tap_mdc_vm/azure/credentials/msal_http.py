"""What msal sends its requests through: our transport, which has time-outs, trust and proxies as configured.

Only answers that msal can use reach it. Of the others it would lose Entra ID's code (at discovery), hide it
behind an error of its own, repeat it for a minute without asking, or log it whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from tap_mdc_vm.azure.transport import Answer, Transport

_SECRETS = {"client_secret", "client_assertion"}
"""Fields of a form that no answer may repeat."""

_USED = {"access_token", "token_type", "expires_in", "ext_expires_in", "expires_on", "refresh_in", "resource"}
"""Fields that a token comes with. Whatever else there is, msal would log it at DEBUG or stumble over it."""

_SECRET_HEADERS = {"authorization", "secret", "x-identity-header"}
"""Headers that none may repeat either: those of managed identities."""

_DURATION = re.compile(r'("(?:expires_in|ext_expires_in|refresh_in)")\s*:\s*"(\d+)"')
"""Seconds written as text, as some endpoints do: msal adds ``refresh_in`` to a number."""


class MsalAnswer:
    """An answer in the form that msal expects."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.text = _DURATION.sub(r"\1: \2", answer.body.decode("utf-8", errors="replace"))
        self.headers = answer.headers

    def raise_for_status(self) -> None:
        """Do nothing: the check has let this answer pass."""


class MsalHttp:
    """msal's ``http_client``. ``check`` raises for an answer, given with its host, that msal must not see."""

    def __init__(self, transport: Transport, check: Callable[[Answer, str], None]) -> None:
        self._transport, self._check = transport, check

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> MsalAnswer:
        """Send a GET."""
        # Of an Authorization, what follows the scheme
        given = {name.lower(): value for name, value in (headers or {}).items()}
        secrets = [given[name].rpartition(" ")[2] for name in _SECRET_HEADERS & given.keys()]
        return self._passed(url, self._transport.get(_with(url, params), headers=headers or {}), secrets)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> MsalAnswer:
        """Send a form."""
        given = data or {}
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        answer = self._transport.post(_with(url, params), body=urlencode(given).encode("ascii"), headers=form)
        secrets = [given[name] for name in _SECRETS & given.keys()]
        return self._passed(url, answer, [each.decode() if isinstance(each, bytes) else each for each in secrets])

    def close(self) -> None:
        """Do nothing: the transport outlives msal's client."""

    def _passed(self, url: str, answer: Answer, secrets: Iterable[str]) -> MsalAnswer:
        granted = answer.json_object() if answer.status == 200 else None
        if granted and granted.get("access_token"):
            used = {name: value for name, value in granted.items() if name in _USED}
            answer = replace(answer, body=json.dumps(used).encode())
        else:
            for secret in secrets:
                answer = answer.without(secret)
        self._check(answer, urlsplit(url).netloc)
        return MsalAnswer(answer)


def _with(url: str, params: Mapping[str, str] | None) -> str:
    return f"{url}?{urlencode(params)}" if params else url
