"""What an assessment's additional data says of the software that it is about.

Azure writes the names in PascalCase or camelCase, and the values as JSON or as JSON in a text, from finding to finding.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import msgspec

from tap_mdc_vm.rows.fields import Json, storable, text, texts

_ANYTHING = msgspec.json.Decoder()


class _Cve(msgspec.Struct, rename="pascal", gc=False):
    """What is taken of a CVE's details, as Azure mostly spells it; the rest, nine tenths, is passed over."""

    cve_id: Any = None


_NAMES = frozenset(
    (
        *("softwarename", "softwarevendor", "detectedsoftwareversions"),
        *("fixedversion", "fixstatus", "maxcvssscore", "cvesdetails"),
    )
)
_CVES = msgspec.json.Decoder(list[_Cve])


def software_of(additional: Json) -> Json:
    """Return the fields of a record that describe a software, its fix and its CVEs; null is what can't be read."""
    given = lowered(additional)
    if _NAMES.isdisjoint(given):
        return {}
    return {
        "softwareName": _text(given.get("softwarename")),
        "softwareVendor": _text(given.get("softwarevendor")),
        "softwareVersions": texts(unpacked(given.get("detectedsoftwareversions"))),
        "fixedVersion": _text(given.get("fixedversion")),
        "fixStatus": _text(given.get("fixstatus")),
        "maxCvssScore": number(given.get("maxcvssscore")),
        "cves": _cve_ids(given.get("cvesdetails")),
    }


def lowered(given: Json) -> Json:
    """Return an object with its names in lower case. Of two that become one, the first with a value counts."""
    return {name.lower(): value for name, value in reversed(given.items()) if value not in (None, "")}


def unpacked(value: object) -> object:
    """Return a value of JSON, also of JSON in a text; None for a text that is no JSON."""
    if type(value) is not str:
        return value
    try:
        return storable(_ANYTHING.decode(value)) if "\\u0000" in value else _ANYTHING.decode(value)
    except (ValueError, RecursionError):
        return None


def number(value: object) -> float | None:
    """Return a number, also one in a text; None for anything else."""
    given = unpacked(value)
    if not isinstance(given, int | float) or isinstance(given, bool):
        return None
    try:
        found = float(given)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _text(value: object) -> str | None:
    """Return a text; one within quotes is JSON in a text. A version such as 1.10 is a text, though it reads as JSON."""
    return text(unpacked(value) if type(value) is str and value.startswith('"') else value)


def _cve_ids(details: object) -> list[str] | None:
    """Return the ids of a software's CVEs, in upper case, each once; None where there is no array of CVEs."""
    ids: list[Any] = [None]
    if type(details) is str:
        with contextlib.suppress(ValueError, RecursionError):
            ids = [cve.cve_id for cve in _CVES.decode(details)]
    if not all(type(each) is str for each in ids):
        entries = unpacked(details)
        if type(entries) is not list:
            return None
        ids = [lowered(each).get("cveid") for each in entries if type(each) is dict]
    return list(dict.fromkeys(each.upper() for each in texts([each for each in ids if type(each) is str]) or ()))
