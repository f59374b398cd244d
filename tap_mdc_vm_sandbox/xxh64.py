"""XXH64, the algorithm of Kusto's `hash()`, written from its specification (Cyan4973/xxHash, doc/xxhash_spec.md).

In Python on purpose: the tap takes it from a package, and a mistake there must not be repeated here.
"""

from __future__ import annotations

import struct

_PRIME_1 = 0x9E3779B185EBCA87
_PRIME_2 = 0xC2B2AE3D27D4EB4F
_PRIME_3 = 0x165667B19E3779F9
_PRIME_4 = 0x85EBCA77C2B2AE63
_PRIME_5 = 0x27D4EB2F165667C5
_64_BITS = 2**64 - 1
_STRIPE = 32  # bytes: four lanes of eight
_ROTATIONS = (1, 7, 12, 18)


def signed_xxh64(text: str) -> int:
    """Hash a text in UTF-8 with seed 0; the result is read as a signed number."""
    data = text.encode()
    size = len(data)
    stripes = size // _STRIPE
    number = (_of_stripes(struct.unpack_from(f"<{stripes * 4}Q", data)) if stripes else _PRIME_5) + size
    at = stripes * _STRIPE
    for (word,) in struct.iter_unpack("<Q", data[at : size - size % 8]):
        number = _rotated((number ^ _round(0, word)) & _64_BITS, 27) * _PRIME_1 + _PRIME_4
    at = size - size % 8
    if size - at >= 4:
        (half,) = struct.unpack_from("<I", data, at)
        number = _rotated((number ^ half * _PRIME_1) & _64_BITS, 23) * _PRIME_2 + _PRIME_3
        at += 4
    for byte in data[at:]:
        number = _rotated((number ^ byte * _PRIME_5) & _64_BITS, 11) * _PRIME_1
    number &= _64_BITS
    number = (number ^ number >> 33) * _PRIME_2 & _64_BITS
    number = (number ^ number >> 29) * _PRIME_3 & _64_BITS
    number ^= number >> 32
    return number - 2**64 if number >> 63 else number


def _of_stripes(words: tuple[int, ...]) -> int:
    lanes = [_PRIME_1 + _PRIME_2, _PRIME_2, 0, -_PRIME_1]
    for lane in range(4):
        value = lanes[lane] & _64_BITS
        for word in words[lane::4]:
            value = value + word * _PRIME_2 & _64_BITS
            value = (value << 31 | value >> 33) * _PRIME_1 & _64_BITS
        lanes[lane] = value
    number = sum(_rotated(value, bits) for value, bits in zip(lanes, _ROTATIONS, strict=True)) & _64_BITS
    for value in lanes:
        number = (number ^ _round(0, value)) * _PRIME_1 + _PRIME_4 & _64_BITS
    return number


def _round(value: int, word: int) -> int:
    return _rotated(value + word * _PRIME_2 & _64_BITS, 31) * _PRIME_1 & _64_BITS


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _64_BITS
