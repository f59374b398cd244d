"""A straight line through points, and how far each is off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Line:
    """``start + slope * x``."""

    start: float
    slope: float

    @classmethod
    def through(cls, points: Mapping[int, float]) -> Line:
        """Return the line of least squares.

        The squares are of deviations as shares of each value: otherwise the largest point alone would decide, and what
        is off by all of its own height would not show among the small ones.
        """
        # Least squares of 1 = start * (1 / y) + slope * (x / y).
        ones = [1 / y for y in points.values()]
        xs = [x / y for x, y in points.items()]
        aa, ab, bb = _dot(ones, ones), _dot(ones, xs), _dot(xs, xs)
        a, b = sum(ones), sum(xs)
        determinant = aa * bb - ab * ab
        return cls((a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant)

    def at(self, x: float) -> float:
        """Return the line's height."""
        return self.start + self.slope * x

    def off(self, points: Mapping[int, float]) -> dict[int, float]:
        """Return, by x, how far each point is above the line, as a share of the line."""
        return {x: y / self.at(x) - 1 for x, y in points.items()}


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
