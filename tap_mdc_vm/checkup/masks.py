"""The form of a value without the value: what a report may hold of a tenant."""

from __future__ import annotations

import re

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z]{1,39}")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_DATE = re.compile(r"[\d:.TZtz+ -]{8,40}")


def date_form(value: object) -> str:
    """Return a date with ``#`` for each digit, such as ``####-##-##T##:##:##Z``; for anything else only its type."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        return re.sub(r"\d", "#", value)
    return "no date" if isinstance(value, str) else type(value).__name__


def id_form(resource_id: str) -> str:
    """Return a resource id with its names left out.

    Azure Resource Manager's ids are pairs: a word and a name, or ``providers`` and a namespace. A word stays where it
    is Microsoft's: before any namespace ``subscriptions`` and ``resourceGroups``, behind a namespace ``Microsoft.…``
    the types.
    """
    empty, *segments = resource_id.split("/")
    if empty or not segments:
        return "{no id}"
    rest, form, microsofts = iter(segments), [""], False
    for word in rest:
        name = next(rest, "")
        if word.lower() == "providers":
            microsofts = name.lower().startswith("microsoft.")
            form += word, name if microsofts else "{namespace}"
        else:
            stays = word.lower() in {"subscriptions", "resourcegroups"} or (microsofts and _WORD.fullmatch(word))
            form += word if stays else "{type}", "{guid}" if GUID.fullmatch(name) else "{name}" if name else ""
    return "/".join(form)


def word(value: object) -> str:
    """Return a word such as Microsoft's enumerations have; of anything else only its length or type."""
    if value is None or value == "":
        return "none"
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else f"text of {len(value)} characters"
    return type(value).__name__


def key(name: str) -> str:
    """Return the name of a key such as Microsoft gives them; of what a user may have chosen, its length."""
    return name if _KEY.fullmatch(name) and not any(map(str.isdigit, name)) else f"key of {len(name)} characters"


def type_name(resource_type: str) -> str:
    """Return a type of resource of Microsoft's, such as ``microsoft.security/assessments``; of others nothing."""
    known = resource_type.lower().startswith("microsoft.") and re.fullmatch(r"[A-Za-z./]{1,90}", resource_type)
    return resource_type if known else "another type"
