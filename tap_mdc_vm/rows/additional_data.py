"""What an assessment's additional data says of the software that it is about, and of its CVEs.

Azure writes the names in PascalCase or camelCase, and the values as JSON or as JSON in a text, from finding to finding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec

from tap_mdc_vm.records import decoded
from tap_mdc_vm.rows.fields import Json, text, texts

_ANYTHING = msgspec.json.Decoder()

_NO_CVSS = msgspec.Raw(b"null")

_LATELY = 32
"""Details of CVEs that are remembered, of 80 kB each where there are many: those of the assessments of one batch, whose
vulnerabilities are made after them."""


class Cve(msgspec.Struct, rename="pascal", gc=False):
    """A CVE's details, as Azure mostly spells them. Only the id is promised."""

    cve_id: Any = None
    severity: Any = None
    fix_status: Any = None
    fixed_version: Any = None
    published_date: Any = None
    cvss: msgspec.Raw = _NO_CVSS  # decoded where it is asked for; already so in what is no JSON text


_CVES = msgspec.json.Decoder(list[Cve])
_NAMES = [f'"{name}"'.encode() for name in Cve.__struct_encode_fields__]


def software_of(additional: Json) -> Json:
    """Return the fields of a record that describe a software, its fix and its CVEs; null is what can't be read."""
    said: Json = {}
    for name, value in additional.items():
        field, read = _SOFTWARE.get(name.lower(), (None, text))
        if field and field not in said and value is not None and value != "":
            said[field] = read(value)
    return said


def cves_of(additional: Json) -> dict[str, Cve]:
    """Return a software's CVEs by their ids in upper case, in Azure's order."""
    return _cves(_lowered(additional).get("cvesdetails")) or {}


def score_of(cve: Cve) -> tuple[float | None, str | None]:
    """Return the score and the vector of the newest version of CVSS that has a score."""
    cvss = _unpacked(_decoded(bytes(cve.cvss)) if isinstance(cve.cvss, msgspec.Raw) else cve.cvss)
    versions: Iterable[tuple[object, object]] = ()
    if isinstance(cvss, dict):
        versions = cvss.items()
    elif isinstance(cvss, list):
        entries = [_lowered(each) for each in cvss if isinstance(each, dict)]
        versions = [(each.get("key"), each.get("value")) for each in entries]
    for _, value in sorted(versions, key=_version, reverse=True):
        facts = _unpacked(value)
        said = _lowered(facts) if isinstance(facts, dict) else {}
        if (score := _number(said.get("base"))) is not None:
            return score, text(said.get("cvssvectorstring"))
    return None, None


def _version(entry: tuple[object, object]) -> list[float]:
    """Return the parts of a version, as floats: ``int`` refuses a text of too many digits."""
    return [float(part) for part in re.findall("[0-9]+", str(entry[0]))]


def _lowered(given: Json) -> Json:
    """Return an object with its names in lower case. Of two that become one, the first with a value counts."""
    return {name.lower(): value for name, value in reversed(given.items()) if value is not None and value != ""}


def _unpacked(value: object) -> object:
    """Return a value of JSON, also of JSON in a text; None for a text that is no JSON, or a number without end."""
    return _decoded(value.encode("utf-8", "surrogatepass")) if type(value) is str else value


def _decoded(piece: bytes) -> object:
    try:
        return decoded(piece, _ANYTHING)
    except (ValueError, RecursionError):
        return None


def _number(value: object) -> float | None:
    """Return a number, also one in a text; None for anything else."""
    given = _unpacked(value)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    try:
        found = float(given)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _text(value: object) -> str | None:
    """Return a text; one within quotes is JSON in a text. A version such as 1.10 is a text, though it reads as JSON."""
    quoted = _unpacked(value) if type(value) is str and value.startswith('"') else None
    return text(value if quoted is None else quoted)


def _cves(details: object) -> dict[str, Cve] | None:
    """Return CVEs by id, each once; None where there is no array of them."""
    if type(details) is str:
        return _cves_in_text(details)
    if type(details) is not list:
        return None
    return _by_id(_cve(_lowered(each)) for each in details if type(each) is dict)


def _cve(given: Json) -> Cve:
    fields: Json = {field: given.get(field.replace("_", "")) for field in Cve.__struct_fields__}
    return Cve(**fields)


@lru_cache(_LATELY)
def _cves_in_text(details: str) -> dict[str, Cve] | None:
    """Return CVEs that are written as JSON in a text, which is decoded straight into what is taken of them."""
    with suppress(ValueError, RecursionError):
        body = details.encode()
        cves = decoded(body, _CVES)
        found = _by_id(cves)
        # Else some ids are missing or come twice, or a name that seems to be missing is spelled in another way
        if len(found) == len(cves) and (all(map(_is_full, cves)) or _is_as_documented(body)):
            return found
    entries = _unpacked(details)
    return None if type(entries) is str else _cves(entries)


def _is_full(cve: Cve) -> bool:
    return cve.cvss is not _NO_CVSS and None not in (
        cve.severity,
        cve.fix_status,
        cve.fixed_version,
        cve.published_date,
    )


def _is_as_documented(details: bytes) -> bool:
    """Tell whether the names of what is taken of CVEs are all in Azure's usual letter case."""
    lowered = details.lower()
    return all(lowered.count(name.lower()) == details.count(name) for name in _NAMES)


def _by_id(cves: Iterable[Cve]) -> dict[str, Cve]:
    found: dict[str, Cve] = {}
    for cve in cves:
        if type(cve.cve_id) is str and cve.cve_id:
            found.setdefault(cve.cve_id.upper(), cve)
    return found


_SOFTWARE: dict[str, tuple[str, Callable[[object], Any]]] = {
    "softwarename": ("softwareName", _text),
    "softwarevendor": ("softwareVendor", _text),
    "detectedsoftwareversions": ("softwareVersions", lambda value: texts(_unpacked(value))),
    "fixedversion": ("fixedVersion", _text),
    "fixstatus": ("fixStatus", _text),
    "maxcvssscore": ("maxCvssScore", _number),
    "cvesdetails": ("cves", lambda value: None if (cves := _cves(value)) is None else list(cves)),
}
