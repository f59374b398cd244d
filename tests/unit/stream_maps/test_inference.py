"""The type that SCHEMA messages give a label is a type that its values have."""

from __future__ import annotations

import json
import logging

import pytest
from generated_expressions import CONFIG, RECORDS, SCHEMA, expressions
from hypothesis import assume, given, settings
from singer_sdk.mapper import PluginMapper

from tap_mdc_vm.stream_maps.expressions import evaluate, evaluator, parse
from tap_mdc_vm.stream_maps.inference import schema_of, types_of

PROPERTIES = SCHEMA["properties"]


def json_types(value):
    """Return the types of JSON Schema that a value has."""
    encoded = json.dumps(value)
    if encoded in ("null", "true", "false"):
        return {"null"} if encoded == "null" else {"boolean"}
    if encoded[0] in '"[{':
        return {{'"': "string", "[": "array", "{": "object"}[encoded[0]]}
    return {"number", "integer"} if isinstance(value, int) else {"number"}


@settings(max_examples=200)
@given(expressions(whole=True), RECORDS)
def test_every_value_has_a_type_that_was_told(text, record):
    try:
        expression = parse(text)
        schema = schema_of(expression.statement, PROPERTIES, CONFIG)
        names = {"config": CONFIG, "__stream_name__": "s", "__original_stream_name__": "s", "self": record["label"]}
        value = evaluate(expression, record, names, evaluator())
        json.dumps(value)  # what is no JSON has no type there
    except Exception:  # noqa: BLE001 - a refusal, of whatever kind
        assume(False)
    if schema is not None:
        assert json_types(value) & types_of(schema), (text, value, schema)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("text", {"type": ["string", "null"]}),
        ("when", {"type": ["string", "null"], "format": "date-time"}),
        ("when or when", {"type": ["string", "null"], "format": "date-time"}),
        ("when or text", {"type": ["string", "null"]}),
        ("text or id", {"type": ["string"]}),
        ("zones", {"type": ["array", "null"], "items": {"type": "string"}}),
        ("zones[0]", {"type": "string"}),
        ("zones[:2]", {"type": ["array"], "items": {"type": "string"}}),
        ("record['when']", {"type": ["string", "null"], "format": "date-time"}),
        ("int(count)", {"type": ["integer"]}),
        ("count * 2 + 1", {"type": ["integer"]}),
        ("count / 2", {"type": ["number"]}),
        ("share - count", {"type": ["integer", "number"]}),
        ("text.lower() == 'a'", {"type": ["boolean"]}),
        ("(text or '').upper()", {"type": ["string"]}),
        ("'a' if flag else 1", {"type": ["integer", "string"]}),
        ("config['table'].get(text)", {"type": ["integer", "null"]}),
        ("config['table'].get(text, 'none')", {"type": ["integer", "string"]}),
        ("config['table'][text]", {"type": ["integer"]}),
        ("config['number']", {"type": ["integer"]}),
        ("f'{text}'", {"type": ["string"]}),
        ("[text]", {"type": ["array"]}),
    ],
)
def test_a_type_shows_where_the_expression_hides_it(text, schema):
    assert schema_of(parse(text).statement, PROPERTIES, CONFIG) == schema


@pytest.mark.parametrize("text", ["tags.get('a')", "tags['a']", "tags.a", "nothing", "count ** 2", "json.loads(text)"])
def test_what_can_be_anything_is_told_to_be_nothing(text):
    assert schema_of(parse(text).statement, PROPERTIES, CONFIG) is None


def test_where_nothing_is_told_the_sdks_guess_stands(mapper_of):
    fields = {
        "a": "tags['a']",
        "b": "bool(tags['a'])",
        "c": "datetime.date.today()",
        "text": "tags['t']",
        "d": "record",
    }
    mapper = mapper_of({"source": fields}, schemas={"source": SCHEMA})
    properties = mapper.stream_maps["source"][0].transformed_schema["properties"]
    assert properties["a"]["type"] == ["string", "null"]
    assert properties["b"]["type"] == ["boolean", "null"]
    assert properties["c"] == {"type": ["string", "null"], "format": "date"}
    assert properties["text"]["type"] == ["string", "null"]
    assert properties["d"]["type"] == ["object", "null"]


def test_the_sdk_alone_would_say_string():
    """The reason for all this: fails once the SDK infers types."""
    mapper = PluginMapper({"stream_maps": {"source": {"new": "count + 1"}}}, logging.getLogger("sdk"))
    mapper.register_raw_stream_schema("source", SCHEMA, ["id"])
    assert mapper.stream_maps["source"][0].transformed_schema["properties"]["new"]["type"] == ["string", "null"]
