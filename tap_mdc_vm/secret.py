"""A string that never prints itself."""

from __future__ import annotations


class Secret:
    """Holds a secret, and shows ``***`` wherever it is printed, formatted or logged.

    The one way to the value is :meth:`reveal`, so that every use can be found by searching for that word.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, to be handed to the library that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a pickle would be a copy in clear text."""
        raise TypeError("a Secret can't be pickled")
