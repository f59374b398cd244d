"""An expression is refused for what the SDK's evaluator would refuse in every record, and says so in its own words."""

from __future__ import annotations

import pytest
from generated_expressions import FORBIDDEN, SCHEMA
from singer_sdk.mapper import CustomStreamMap

from tap_mdc_vm.stream_maps.expressions import ExpressionError, parse


@pytest.mark.parametrize("text", FORBIDDEN)
def test_what_the_evaluator_forbids_is_refused_by_name(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert FORBIDDEN[text] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", FORBIDDEN)
def test_and_the_evaluator_does_forbid_it(text):
    """So that nothing is refused here which works in the SDK."""
    stream_map = CustomStreamMap("s", {}, {}, SCHEMA, ["id"], {"new": text}, None)
    with pytest.raises(Exception):  # noqa: B017, PT011 - of many kinds
        stream_map.transform({"id": "i", "text": "a", "count": 2, "zones": ["a"], "tags": {}})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("int((text", "does not parse: '(' was never closed in 'int((text'"),
        ("text or", "does not parse: invalid syntax"),
        ("text = 'a'", "must be one expression, not"),
        ("text; word", "must be one expression"),
        ("import os", "must be one expression"),
        ("", "must be one expression"),
        ("Defender for Cloud", "a text stands in two pairs of quotes: \"'Defender for Cloud'\""),
        ("intt(text)", "calls the unknown function intt; did you mean int?"),
    ],
)
def test_what_is_no_expression_is_refused_with_advice(text, reason):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("vmId or id", ("vmId", "id")),
        ("record['a'] or _['b'] or record.c or _.get('d')", ("a", "b", "c", "d")),
        ("int(a) + str(a)", ("a",)),
        ("[z + y for z in zones]", ("zones", "y")),
        ("[record['x'] for record in zones]", ("zones",)),
        ("config['table'].get(a)", ("a",)),
        ("self or __stream_name__", ()),
        ("record.keys()", ()),
        ("json.dumps(tags)", ("tags",)),
    ],
)
def test_the_fields_that_an_expression_reads_are_known(text, fields):
    assert set(parse(text).fields) == set(fields)
