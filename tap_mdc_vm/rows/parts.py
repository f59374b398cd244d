"""An object in an assessment's properties: decoded at once where it is as Azure documents it, else field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict

from tap_mdc_vm.rows.fields import NOTHING, Json, decoded, flag, instant, text, texts
from tap_mdc_vm.rows.shape import Shape

NULL = msgspec.Raw(b"null")
_TYPES: dict[Callable[[object], Any], Any] = {
    text: str,
    instant: str,
    texts: list[Annotated[str, msgspec.Meta(min_length=1)]],
    flag: bool,
}


def _as_it_came(value: object) -> object:
    return None if value in NOTHING else value


class Part:
    """An object, and the fields of a record that it fills.

    Args:
        name: Under which it stands in the properties.
        shape: What the records look like. Dates are left as they came.
        same: Fields that Azure and the record call the same.
        others: Azure's names of what often comes too, and is no field.
        renamed: By Azure's names, those of the record.
    """

    def __init__(self, name: str, shape: Shape, *same: str, others: tuple[str, ...] = (), **renamed: str) -> None:
        self.name, self._others = name, others
        self._fields = {each: each for each in same} | renamed
        read = {ours: shape.read.get(ours, text) for ours in self._fields.values()}
        self._readers = {ours: _as_it_came if each is instant else each for ours, each in read.items()}
        self._by_lower_name = {theirs.lower(): ours for theirs, ours in self._fields.items()}
        facts: list[Any] = [(ours, _TYPES[each] | None, None) for ours, each in read.items()]
        facts += [(each, Any, UNSET) for each in others]
        rename = {ours: theirs for theirs, ours in self._fields.items()}
        self.documented: Any = msgspec.defstruct(name, facts, rename=rename, forbid_unknown_fields=True, gc=False)
        self._decoder = msgspec.json.Decoder(self.documented | None)

    def read(self, piece: msgspec.Raw) -> tuple[Json, Json]:
        """Return the record's fields, and as properties whatever none of them holds."""
        try:
            return self.said(self._decoder.decode(piece))
        except (ValueError, RecursionError):
            return self._field_by_field(decoded(piece))

    def said(self, part: msgspec.Struct | None) -> tuple[Json, Json]:
        """Return the same of a part that was as documented, or none."""
        if part is None:
            return {}, {}
        said: Json = asdict(part)
        rest: Json = {}
        for name in self._others:
            if (left := said.pop(name)) is not UNSET:
                rest[name] = left
        if "" in said.values():  # Azure's way to write "none"
            said = {name: None if value == "" else value for name, value in said.items()}
        return said, {self.name: rest} if rest else rest

    def _field_by_field(self, given: Any) -> tuple[Json, Json]:  # noqa: ANN401
        """Return the same of what has other types or names. Older rows and samples begin names with a small letter."""
        if type(given) is not dict:
            return {}, {} if given in NOTHING else {self.name: given}
        said, rest = dict.fromkeys(self._readers), Json()
        for name in sorted(given, key=lambda each: each not in self._fields):  # as documented before other spellings
            ours, value = self._by_lower_name.get(name.lower()), given[name]
            if ours is None or said[ours] is not None:
                rest[name] = value
                continue
            said[ours] = self._readers[ours](value)
            if said[ours] is None and value not in NOTHING:
                rest[name] = value
        return said, {self.name: rest} if rest else {}
