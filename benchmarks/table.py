"""The table: what was measured, its goal, the figure, and whether it is reached."""

from __future__ import annotations

import json
import operator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_SIGNS = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        what: What was measured.
        figure: In ``unit``, or a ratio.
        goal: A sign and a number, such as ``>= 1.35``; empty where there is none.
        unit: Such as ``MB``; empty for a ratio.
    """

    what: str
    figure: float
    goal: str = ""
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal is reached, if there is one."""
        if not self.goal:
            return ""
        sign, limit = self.goal.split()
        return "pass" if _SIGNS[sign](self.figure, float(limit)) else "SHORT"


class Table:
    """Rows, printed as they come, and notes, printed at the end: what lies behind the ratios."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._notes: list[str] = []
        self.details: dict[str, Any] = {}

    def head(self) -> None:
        print(f"{'':66} {'goal':>12} {'figure':>9}", flush=True)

    def row(self, what: str, figure: float, goal: str = "", unit: str = "") -> None:
        row = Row(what, figure, goal, unit)
        self._rows.append(row)
        shown = f"{goal} {unit}" if goal and unit else goal
        print(f"{what:66} {shown:>12} {figure:9.2f} {unit:3} {row.verdict}".rstrip(), flush=True)

    def note(self, text: str) -> None:
        self._notes.append(text)

    def foot(self) -> None:
        if self._notes:
            print("\nBehind these figures:", *(f"  {note}" for note in self._notes), sep="\n")

    def write(self, path: Path) -> None:
        """Write everything as JSON, the rows with their verdict, and the details that items left."""
        rows = [asdict(row) | {"verdict": row.verdict} for row in self._rows]
        path.write_text(json.dumps({"rows": rows, "notes": self._notes, **self.details}, indent=2) + "\n")
