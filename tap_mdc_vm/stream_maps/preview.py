"""Shows what a map makes of records: for a few of them every label, and for all of them how full each label is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import TapError
from tap_mdc_vm.records import Record
from tap_mdc_vm.stream_maps.map_file import TransformMap
from tap_mdc_vm.stream_maps.mapper import FieldMap, Mapper
from tap_mdc_vm.wording import shown

_WIDEST_VALUE = 100
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_NOTHING = "empty in every record"


class _Message(msgspec.Struct):
    """What is of use here of a Singer message."""

    type: str
    stream: str = ""
    record: dict[str, Any] = {}
    schema: dict[str, Any] = {}
    key_properties: list[str] = []


@dataclass(slots=True)
class Seen:
    """What was seen of one stream of a map.

    Attributes:
        source: The stream that it is made from.
        origins: For each label, the fields that it is made from, as text.
        filled: For each label, in how many records it holds something.
        records: How many records there were.
        samples: The first few: the source's id and the mapped record.
    """

    source: str
    origins: dict[str, str]
    filled: dict[str, int]
    records: int = 0
    samples: list[tuple[str, Record]] = field(default_factory=list)

    def count(self, record: Record, mapped: Record, samples: int) -> None:
        """Count what one record became, and keep it if it is one of the first."""
        self.records += 1
        for label, value in mapped.items():
            self.filled[label] = self.filled.get(label, 0) + (value not in _EMPTY)
        if len(self.samples) < samples:
            self.samples.append((str(record.get("id", "")), mapped))


def preview(transform_map: TransformMap, lines: Iterable[bytes], *, samples: int) -> Iterator[str]:
    """Map the records of the tap's streams in Singer messages, and yield lines of text about the result.

    The first ``samples`` records of each stream are shown label by label.

    Raises:
        TapError: If a line is no Singer message.
    """
    seen = look(transform_map, lines, samples=samples)
    if not seen:
        yield "The map makes no streams."
    for name, stream in seen.items():
        for number, (record_id, record) in enumerate(stream.samples, start=1):
            values = [(stream.origins.get(label, label), label, _cut(value)) for label, value in record.items()]
            yield f"{name}, record {number}, from {stream.source} {record_id}"
            yield from aligned([("source", "label", "value"), *values])
            yield ""
    for name, stream in seen.items():
        yield f"{name}: {stream.records:,} record{'s' * (stream.records != 1)} from {stream.source}"
        if stream.records:
            shares = [
                (label, f"{filled:,}", f"{100 * filled / stream.records:.1f} %", "" if filled else _NOTHING)
                for label, filled in stream.filled.items()
            ]
            yield from aligned([("label", "filled", "", ""), *shares], right=(1, 2))
        yield ""


def look(transform_map: TransformMap, lines: Iterable[bytes], *, samples: int) -> dict[str, Seen]:
    """Return what was seen of each stream that the map makes, by its name. Arguments as of :func:`preview`."""
    mapper = Mapper({}, logging.getLogger("tap-mdc-vm-map"), transform_map)
    seen: dict[str, Seen] = {}

    def register(stream: str, schema: dict[str, Any], key: list[str]) -> None:
        mapper.register_raw_stream_schema(stream, schema, key)
        for each in _made(mapper, stream):
            labels = each.transformed_schema["properties"]
            origins = {label: _origin(each, label) for label in labels}
            seen.setdefault(each.stream_alias, Seen(stream, origins, dict.fromkeys(labels, 0)))

    for stream in packaged.schemas():
        register(stream, packaged.schema(stream), ["id"])  # one of its own: the SDK writes into it
    for message in _messages(lines):
        if message.type == "SCHEMA":
            register(message.stream, message.schema, message.key_properties)
        elif message.type == "RECORD":
            for stream_map in _made(mapper, message.stream):
                if mapped := stream_map.transform(message.record):
                    seen[stream_map.stream_alias].count(message.record, mapped, samples)
    return seen


def _messages(lines: Iterable[bytes]) -> Iterator[_Message]:
    decoder = msgspec.json.Decoder(_Message)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                message = decoder.decode(line)
            except msgspec.DecodeError as error:
                remedy = "Give the messages of tap-mdc-vm, one in each line."
                text = shown(line.decode(errors="replace").strip())
                raise TapError(f"Line {number} of the input is no Singer message: {text}.", remedy) from error
            if message.stream in packaged.schemas():
                yield message


def _made(mapper: Mapper, stream: str) -> list[FieldMap]:
    """Return the maps that make something of a stream's records, other than to pass them on or to drop them."""
    return [each for each in mapper.stream_maps[stream] if isinstance(each, FieldMap)]


def _origin(stream_map: FieldMap, label: str) -> str:
    expression = stream_map.labels.get(label)
    if not expression:
        return label  # passed on as it is
    fields = (*expression.fields, label) if expression.reads_self else expression.fields
    return ", ".join(fields) or "(constant)"


def _cut(value: object) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _WIDEST_VALUE else text[: _WIDEST_VALUE - 1] + "…"


def aligned(rows: Sequence[tuple[str, ...]], right: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield rows as lines with their columns one under the other, those of some numbers flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            text.rjust(width) if number in right else text.ljust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()
