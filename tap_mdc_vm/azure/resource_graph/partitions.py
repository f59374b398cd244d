"""How many partitions a result is read in."""

from __future__ import annotations

import math

_DEVIATIONS = 3.3
"""Standard deviations of headroom: one partition in two thousand then holds more rows than a page."""

DEEPEST = 12
"""How often a partition may be halved: 4,096 times smaller, one row where it held a thousand."""


def modulus_for(total: int, page_size: int) -> int:
    """Return into how many partitions to cut ``total`` rows: each fits one page, with very few exceptions.

    Rows fall into partitions by their hash, so that the rows of one vary as chance does: around a mean of m by the
    square root of m. Microsoft's own example takes m equal to the page, and half the partitions overflow.

    Args:
        total: Rows that the query matches.
        page_size: Rows that a page holds.
    """
    root = (-_DEVIATIONS + math.sqrt(_DEVIATIONS**2 + 4 * page_size)) / 2
    return max(math.ceil(total / max(root**2, 1.0)), 2)
