"""How an assumption is written down, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_mdc_vm.checkup.evidence import Evidence

Verdict = tuple[bool | None, str]
"""Whether an assumption holds, None where a tenant can't tell; and what that rests on."""

Judge = Callable[["Evidence"], Verdict]


class Certainty(StrEnum):
    """How the tap knows."""

    DOCUMENTED = "documented"
    RECORDED = "recorded"
    MEASURED = "measured by others"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the tap takes for granted.

    Attributes:
        group: What it is about.
        key: A short name that stays.
        claim: What is taken for granted.
        why: What the tap needs it for.
        certainty: How it is known.
        judge: Says whether it holds, by the answers of a tenant.
        otherwise: What follows for a sync where it doesn't.
        needed: Whether a sync can't be right without.
    """

    group: str
    key: str
    claim: str
    why: str
    certainty: Certainty
    judge: Judge
    otherwise: str
    needed: bool


ASSUMPTIONS: list[Assumption] = []
"""All of them, in the order in which they are written down."""


def about(group: str) -> Callable[..., Callable[[Judge], Judge]]:
    """Return a decorator that makes assumptions about one thing of functions that judge them.

    The first paragraph of a function's docstring is what is taken for granted, the second one why.
    """

    def assumed(key: str, certainty: Certainty, otherwise: str, *, needed: bool = False) -> Callable[[Judge], Judge]:
        def taken(judge: Judge) -> Judge:
            claim, why = (" ".join(part.split()) for part in (judge.__doc__ or "").split("\n\n"))
            ASSUMPTIONS.append(Assumption(group, key, claim, why, certainty, judge, otherwise, needed))
            return judge

        return taken

    return assumed


def all_of(fits: Iterable[bool], noun: str, without: str) -> Verdict:
    """Return whether it holds for each of several things; without any, why this tenant can't tell."""
    each = list(fits)
    return (all(each), f"{share(sum(each), len(each))} {noun}") if each else (None, without)


def share(part: int, whole: int) -> str:
    """Return a part of a whole in numbers and percent."""
    return f"{part:,} of {whole:,}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def counted(numbers: dict[str, int], most: int = 8) -> str:
    """Return words with their numbers, the most frequent first."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    rest = len(ordered) - most
    shown = ", ".join(f"{word} {number:,}" for word, number in ordered[:most])
    return shown + (f" and {rest} more" if rest > 0 else "")
