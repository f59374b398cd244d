"""What a server answered, and what all of Azure's services mean by parts of it."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus

_PERCENT = re.compile(r"%[0-9A-F]{2}")
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whatever its status: headers by names in any letter case, the whole body unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def without(self, secret: str) -> Answer:
        """Return the answer with ``***`` wherever it repeats a secret that was sent, as an error's text may.

        JSON is written anew, as each letter in it may be escaped or not.
        """
        payload = self.json_object()
        body = self.body if payload is None else json.dumps(payload).encode()
        for spelling in _spellings(secret):
            for written in (spelling, json.dumps(spelling)[1:-1]):
                body = body.replace(written.encode(), b"***")
        return replace(self, body=body)

    def json_object(self) -> dict[str, Any] | None:
        """Return the JSON object of the body; None for any other: gateways send HTML, or nothing."""
        try:
            payload = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return payload if isinstance(payload, dict) else None


def _spellings(secret: str) -> set[str]:
    """Return how a text may spell a secret: as it is, or as addresses, HTML, JSON and headers do; none of no secret."""
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    in_base64 = {encode(secret.encode()).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode)}
    in_html = {html.escape(secret), html.escape(secret).replace("&#x27;", "&#39;"), html.escape(secret, quote=False)}
    in_lower = {_PERCENT.sub(lambda found: found[0].lower(), each) for each in quoted}  # as .NET writes
    return {secret, json.dumps(secret)[1:-1], *quoted, *in_lower, *in_base64, *in_html} - {""}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait: it names them or, as HTTP allows, a date.

    A date is compared with the answer's own ``Date``, because this machine's clock may be off.
    """
    text = headers.get("Retry-After", "")
    until = _instant(text)
    if until is None:
        return seconds(text)
    return max((until - (_instant(headers.get("Date", "")) or datetime.now(UTC))).total_seconds(), 0.0)


def seconds(text: str) -> float | None:
    """Return a duration in seconds, from a number of seconds or .NET's ``[days.]hh:mm:ss[.fraction]``, else None.

    It is infinite for a number of hundreds of digits.
    """
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if match := _TIMESPAN.fullmatch(text):
        days, hours, minutes, rest = match.groups()
        return float(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(rest)
    return None


def _instant(text: str) -> datetime | None:
    """Return the instant that a date of HTTP names; None for anything else."""
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
