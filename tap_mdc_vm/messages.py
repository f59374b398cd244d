"""From records to Singer's RECORD lines, by the page.

The SDK treats each record by itself: it walks it to drop what the catalog deselects, walks it again to make its types
fit the schema, puts it into a message object, encodes that with simplejson and flushes. Our records are built to the
schema by our own code, so the second walk can change nothing; what the first drops is known beforehand; encoding is
orjson's, and a page is written at once. Where a user edits the schema in the catalog, or deselects a part of a field,
the SDK's own path runs, record by record. Stream maps run in both.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import orjson
from singer_sdk import Stream
from singer_sdk.mapper import SameRecordTransform, StreamMap
from singer_sdk.singerlib import RecordMessage, Schema

from tap_mdc_vm.records import Record, encoded


def left_out(stream: Stream) -> tuple[str, ...] | None:
    """Return the fields that the catalog deselects of records that otherwise go out as they are built.

    Returns:
        None where the catalog has a schema of its own, or deselects a part of a field.
    """
    own = Schema.from_dict(stream.schema).to_dict()
    deselected = [path for path, selected in stream.mask.items() if not selected]
    if stream.effective_schema not in (stream.schema, own) or any(len(path) != 2 for path in deselected):
        return None
    return tuple(name for _, name in deselected)


class RecordLines:
    """Turns records of one stream into lines of JSON.

    Args:
        stream: Whose stream maps apply.
        by_the_sdk: Yields the messages of one record as the SDK makes them.
        version: Of the table, for targets that remove what is gone; None where that is not asked for.
    """

    def __init__(
        self, stream: Stream, by_the_sdk: Callable[[Record], Iterable[RecordMessage]], version: int | None
    ) -> None:
        """Choose the path."""
        self._left_out = left_out(stream)
        self._by_the_sdk = by_the_sdk
        self._transforms = [(_transform(each), _head(each.stream_alias)) for each in stream.stream_maps]
        self._version = b"" if version is None else b',"version":%d' % version

    def of(self, records: Iterable[Record]) -> bytes:
        """Return the lines of a batch: a record's own, then those that stream maps make of it."""
        if self._left_out is None:
            # A copy, as the SDK drops parts of what records share with others
            found = (message for record in records for message in self._by_the_sdk(copy.deepcopy(record)))
            return b"".join(encoded(message.to_dict()) + b"\n" for message in found)
        tail = b'%s,"time_extracted":"%s"}\n' % (self._version, datetime.now(UTC).isoformat().encode())
        lines: list[bytes] = []
        for record in records:
            for name in self._left_out:
                record.pop(name, None)
            for transform, head in self._transforms:
                mapped = transform(record) if transform else record
                if mapped is not None:
                    lines += head, encoded(mapped), tail
        return b"".join(lines)


def write(lines: bytes) -> None:
    """Write lines to standard output, behind what the SDK has written there."""
    if lines:
        if (binary := getattr(sys.stdout, "buffer", None)) is not None:
            binary.write(lines)
        else:  # a test that captures text
            sys.stdout.write(lines.decode())
        sys.stdout.flush()


def _transform(stream_map: StreamMap) -> Callable[[Record], Record | None] | None:
    """Return what makes a stream's record of a record; None if it is the record itself, as of most streams."""
    same = isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled
    return None if same else stream_map.transform


def _head(stream: str) -> bytes:
    return b'{"type":"RECORD","stream":%s,"record":' % orjson.dumps(stream)
