"""How rows become a stream's records: its schema says which fields they have, and of which type each is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tap_mdc_vm import packaged
from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows import fields
from tap_mdc_vm.rows.fields import Columns, Context, Json

_COLUMNS = {
    *("name", "type", "tenantId", "subscriptionId", "resourceGroup"),
    *("location", "managedBy", "zones", "tags", "identity", "plan"),
}
_READERS = {"string": fields.text, "boolean": fields.flag, "integer": fields.whole, "object": fields.document}


class Shape:
    """The records of a stream.

    Args:
        stream: Whose schema says what they look like.
        places: Where a field stands under a row's properties, as ``storageProfile.osDisk.osType``; of several places,
            with blanks between them, the first with a value counts. Without any, a field is a column of its own name,
            or stands under it in the properties.

    Attributes:
        blank: A record with no field filled, in the order of the schema.
        read: For each field the function that makes its value of Azure's; None of what can't be read.
    """

    def __init__(self, stream: str, **places: str) -> None:
        schema = packaged.schema(stream)["properties"]
        self.blank: Json = dict.fromkeys(schema)
        self.read = {name: _reader(facts) for name, facts in schema.items()}
        self._columns = [(name, self.read[name]) for name in schema if name in _COLUMNS]
        self._fields = [
            (f"{stream}.{name}", name, self.read[name], [place.split(".") for place in places.get(name, name).split()])
            for name in schema
            if name not in _COLUMNS
        ]

    def record(self, row: Columns, context: Context) -> Json:
        """Return the record of a row, with every field that stands at one place."""
        properties = fields.properties_of(row)
        record = self.blank.copy()
        for name, read in self._columns:
            record[name] = read(row.get(name))
        for full_name, name, read, places in self._fields:
            for place in places:
                given: Any = properties
                for step in place:
                    given = given.get(step) if type(given) is dict else None
                if given is not None:
                    value = context.instant(given, full_name) if read is fields.instant else read(given)
                    if value is not None:
                        record[name] = value
                        break
        if "properties" in record:
            record["properties"] = properties
        record["id"], record["resourceId"] = lower(row["id"]), row["id"]
        return record


def _reader(facts: Json) -> Callable[[object], Any]:
    """Return the function for a type of the schema, beside null."""
    kind = facts["type"][-1] if isinstance(facts["type"], list) else facts["type"]
    if kind == "array":
        return fields.texts if facts["items"]["type"] == "string" else fields.objects
    return fields.instant if facts.get("format") == "date-time" else _READERS.get(kind, fields.document)
