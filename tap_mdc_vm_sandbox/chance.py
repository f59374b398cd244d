"""Numbers by chance that cost next to nothing, and need no generator whose draws must stay in one order."""

from __future__ import annotations

_64_BITS = 2**64 - 1


def mixed(*parts: int) -> int:
    """A number below 2**64 that looks drawn by chance, always the same for the same parts."""
    value = 0x9E3779B97F4A7C15
    for part in parts:
        value = (value ^ part) * 0xBF58476D1CE4E5B9 & _64_BITS
        value ^= value >> 29
    return value


def share(*parts: int) -> float:
    """A number from 0 to below 1, always the same for the same parts."""
    return mixed(*parts) / 2**64


def spread(index: int, size: int, turn: int) -> int:
    """Number `index` of a walk through all numbers below `size`, each of them once in `size` steps."""
    step = next(prime for prime in (31, 37, 41, 43) if size % prime or size == 1)
    return (index * step + turn) % size


def renewed(now: int, period: int, phase: int) -> tuple[int, int]:
    """Which renewal of something is in force that is renewed once in a period, and since when.

    Args:
        now: Seconds since 1970.
        period: Seconds.
        phase: Seconds by which its renewals are late.

    Returns:
        The renewal's number and its moment in seconds since 1970.
    """
    number = (now - phase) // period
    return number, number * period + phase
