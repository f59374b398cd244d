r"""Regular expressions that find texts in JSON, however it is rendered: for Kusto, which compares no parts of a bag.

JSON can write one text in many ways: with blanks between the parts or without, a letter as it is or as ``\u00e9``, a
slash with a backslash before it or without. What is found here is a text itself, never one that holds it.
The syntax is what RE2, Rust's ``regex`` and Python have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TEXT = r'"(?:[^"\\]|\\.)*"'
_VALUE = rf'(?:{_TEXT}|[^",{{}}\[\]\s]+)'
_SHORT = {'"': r"\"", "\\": r"\\", "/": r"\/", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t"}

_NOTHING = r'(?:""|null|\{\}|\[\])'
"""An entry of an array that no text comes of."""

NO_TEXTS = rf"^(?:|[^\[].*|\[\s*(?:{_NOTHING}\s*(?:,\s*{_NOTHING}\s*)*)?\])$"
"""What is no array, or an array without a text in it."""


def with_entry(name: str, values: Iterable[str]) -> str:
    """Return what finds an object that has a name, in any letter case, with one of some texts: with any, if of none.

    All entries before it are walked over, so that no text within another is taken for one.
    """
    value = any_of(map(_text, values)) or _VALUE
    return rf"^\s*\{{\s*(?:{_TEXT}\s*:\s*{_VALUE}\s*,\s*)*{_text(name, any_case=True)}\s*:\s*{value}\s*[,}}]"


def joined(whole: str) -> str:
    """Return what finds an array whose texts, joined by a comma and a blank, are a whole, in any letter case."""
    between = rf'(?:, |"\s*,\s*(?:{_NOTHING}\s*,\s*)*")'
    parts = between.join(_characters(part, any_case=True) for part in whole.split(", "))
    return rf'^\[\s*(?:{_NOTHING}\s*,\s*)*"{parts}"\s*(?:,\s*{_NOTHING}\s*)*\]$'


def any_of(patterns: Iterable[str]) -> str:
    """Return what finds anything that one of some patterns finds; nothing of no pattern."""
    several = "|".join(patterns)
    return f"(?:{several})" if several else ""


def _text(text: str, *, any_case: bool = False) -> str:
    return f'"{_characters(text, any_case=any_case)}"'


def _characters(text: str, *, any_case: bool) -> str:
    return "".join(_character(each, any_case=any_case) for each in text)


def _character(character: str, *, any_case: bool) -> str:
    """Return what finds a character in each way in which JSON can write it."""
    spellings = {character, *((character.lower(), character.upper()) if any_case else ())}
    if character.isascii() and character.isalnum() and not any_case:
        return character
    return any_of(way for each in sorted(spellings) for way in _ways(each))


def _ways(character: str) -> list[str]:
    code = character.encode("utf-16-be").hex()
    escaped = "".join(rf"\\u(?i:{code[start : start + 4]})" for start in range(0, len(code), 4))
    plain = [] if character in '"\\' or character < " " else [re.escape(character)]
    short = [re.escape(_SHORT[character])] if character in _SHORT else []
    return [*plain, *short, escaped]
