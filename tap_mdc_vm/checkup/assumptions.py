"""What the tap takes for granted about Azure, as ``assumptions.yml`` lists it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class Assumption:
    """An entry of the list, whose head says what each field is."""

    group: str
    key: str
    claim: str
    why: str
    certainty: str
    otherwise: str
    needed: bool = False
    known: Sequence[str] = ()


_LIST = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))

ASSUMPTIONS = [Assumption(group, key, **facts) for group, entries in _LIST.items() for key, facts in entries.items()]
"""All of them, in their order."""

KNOWN = {each.key: frozenset(each.known) for each in ASSUMPTIONS}
"""The words that are meant, by the key of what is taken for granted of them."""
