"""Resource ids, as they are compared: Azure spells one resource's id in other letter cases from day to day."""

from __future__ import annotations


def lower(resource_id: str) -> str:
    """Return an id in lower case, letter by letter.

    ``str.lower`` alone knows that a Greek sigma at the end of a word is written differently, so that ``ΣΑΣ`` and
    ``σασ``, two spellings of one resource group, would become two.
    """
    return resource_id.lower() if resource_id.isascii() else "".join(letter.lower() for letter in resource_id)
