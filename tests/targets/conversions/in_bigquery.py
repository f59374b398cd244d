"""Prints what z3-target-bigquery makes of the SCHEMA messages on standard input, by its own code."""

import json
import sys

from target_bigquery.core import SchemaTranslator


def show(fields, indent: str) -> None:
    """Print fields, and those within them further to the right."""
    for field in fields:
        print(f"{indent}{field.name} {field.field_type} {field.mode}")
        show(field.fields, f"{indent}  ")


for message in map(json.loads, sys.stdin):
    if message["type"] == "SCHEMA":
        print(message["stream"], "key", *message["key_properties"])
        show(SchemaTranslator(message["schema"], {}).translated_schema, "  ")
