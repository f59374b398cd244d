"""Turns of phrase that several messages share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a question that names the known word closest to ``word``, or nothing."""
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""


def shown(value: object) -> str:
    """Return a value that is no secret in quotes, on one line, cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= 100 else f"{text[:99]}…")
