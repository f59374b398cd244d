"""What msal sends its requests through: our transport, which has time-outs, trust and proxies as configured.

Only answers that msal can use reach it. Of the others it would lose Entra ID's code (at discovery), hide it
behind an error of its own, repeat it for a minute without asking, or log it whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_mdc_vm.transport import Answer, Transport


class MsalAnswer:
    """An answer in the form that msal expects."""

    def __init__(self, answer: Answer) -> None:
        """Take over what msal reads."""
        self.status_code = answer.status
        self.text = answer.body.decode("utf-8", errors="replace")
        self.headers = answer.headers

    def raise_for_status(self) -> None:
        """Do nothing: the check has let this answer pass."""


class MsalHttp:
    """msal's ``http_client``.

    Args:
        transport: What sends.
        check: Raises for an answer, given with the host that it is from, that msal must not see.
    """

    def __init__(self, transport: Transport, check: Callable[[Answer, str], None]) -> None:
        """Keep both."""
        self._transport, self._check = transport, check

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> MsalAnswer:
        """Send a GET."""
        return self._passed(url, self._transport.get(_with(url, params), headers=headers or {}))

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> MsalAnswer:
        """Send a form."""
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        body = urlencode(data or {}).encode("ascii")
        return self._passed(url, self._transport.post(_with(url, params), body=body, headers=form))

    def close(self) -> None:
        """Do nothing: the transport outlives msal's client."""

    def _passed(self, url: str, answer: Answer) -> MsalAnswer:
        self._check(answer, urlsplit(url).netloc)
        return MsalAnswer(answer)


def _with(url: str, params: Mapping[str, str] | None) -> str:
    return f"{url}?{urlencode(params)}" if params else url
