"""Writes docs/azure-facts.md from the list of assumptions that the check-up holds a tenant against.

python scripts/write_azure_facts.py            writes the page
python scripts/write_azure_facts.py --check    fails if the page is not what would be written
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from tap_mdc_vm.checkup.assumptions import ASSUMPTIONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "azure-facts.md"

_HEAD = """# What the tap takes for granted about Azure

Azure's documents don't say all that a tap must know, and some of it nobody has published. This page lists what the tap
relies on, how sure one can be of each, and what happens where it does not hold. `tap-mdc-vm-checkup` holds your tenant
against the same list: see [Check-up](checkup.md).

| how sure | means |
| --- | --- |
| documented | Microsoft says so |
| recorded | somebody kept an answer of Azure's that shows it |
| measured by others | somebody tried it, and published what came |
| inferred | it follows from the rest, or is generally believed |

A sync that can't go on without an assumption ends with an error; it never ends short. Those are marked **needed**.
"""


def page() -> str:
    """Return the page."""
    parts = [_HEAD]
    for group, assumptions in groupby(ASSUMPTIONS, lambda each: each.group):
        parts += [f"\n## {group}\n", "| what | why | how sure | otherwise |", "| --- | --- | --- | --- |"]
        parts += [
            f"| {each.claim}{' **needed**' if each.needed else ''} | {each.why} | {each.certainty} | {each.otherwise} |"
            for each in assumptions
        ]
    return "\n".join(parts) + "\n"


def main() -> int:
    """Write or check the page; return the exit status."""
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
