"""What the SDK and Meltano get wrong. A test that fails: that is mended, and the workaround named there can go."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
import yaml
from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.mapper import PluginMapper
from singer_sdk.singerlib import Catalog

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "vmId": {"type": ["string", "null"]},
        "created": {"type": ["string", "null"], "format": "date-time"},
    },
}


def sdk_mapper(stream_maps, deselected=None):
    """Return the SDK's own mapper for one stream, ``machines``, with it (True) or one field of it deselected."""
    metadata = [{"breadcrumb": [], "metadata": {"selected": deselected is not True}}]
    if isinstance(deselected, str):
        metadata.append({"breadcrumb": ["properties", deselected], "metadata": {"selected": False}})
    entry = {"tap_stream_id": "machines", "schema": SCHEMA, "key_properties": ["id"], "metadata": metadata}
    mapper = PluginMapper({"stream_maps": stream_maps}, logging.getLogger("sdk"))
    mapper.register_raw_streams_from_catalog(Catalog.from_dict({"streams": [entry]}))
    return mapper.stream_maps["machines"]


def test_a_map_for_a_deselected_stream_aborts_the_tap():
    """Workaround: ``Mapper.register_raw_stream_schema`` maps no stream without fields."""
    sdk_mapper({"machines": {"new": "vmId"}})
    with pytest.raises(StreamMapConfigError, match="Property 'id' was not detected in schema"):
        sdk_mapper({"machines": {"new": "vmId"}}, deselected=True)


@pytest.mark.parametrize("expression", ["vmId", "vmId or id", "_['vmId']", "record['vmId']", "record.vmId"])
def test_an_expression_that_names_a_deselected_field_aborts_the_tap(expression):
    """Workaround: ``expressions.evaluate``."""
    (stream_map,) = sdk_mapper({"machines": {"new": expression}}, deselected="vmId")
    with pytest.raises((MapExpressionError, KeyError)):
        stream_map.transform({"id": "i"})


def test_deselecting_a_field_changes_the_type_of_the_label_made_from_it():
    """Workaround: ``FieldMap._eval_type`` looks into the whole schema."""
    (whole,) = sdk_mapper({"machines": {"new": "created"}})
    (cut,) = sdk_mapper({"machines": {"new": "created"}}, deselected="created")
    assert whole.transformed_schema["properties"]["new"] == {"type": ["string", "null"], "format": "date-time"}
    assert cut.transformed_schema["properties"]["new"] == {"type": ["string", "null"]}


def test_a_key_made_by_an_expression_may_be_null():
    """Workaround: ``FieldMap.__init__`` takes null away."""
    (stream_map,) = sdk_mapper({"machines": {"__key_properties__": ["key"], "key": "vmId or id"}})
    assert stream_map.transformed_schema["properties"]["key"] == {"type": ["string", "null"]}


@pytest.mark.parametrize(
    ("option", "error"), [("__key_properties__", StreamMapConfigError), ("__filter__", MapExpressionError)]
)
def test_the_word_null_is_understood_for_a_field_but_not_for_an_option(option, error):
    """Workaround: ``map_file.without_null_words``."""
    (stream_map,) = sdk_mapper({"machines": {"vmId": "__NULL__"}})
    assert stream_map.transform({"id": "i", "vmId": "v"}) == {"id": "i"}
    with pytest.raises(error):
        sdk_mapper({"machines": {option: "__NULL__"}})[0].transform({"id": "i"})


def test_a_second_statement_of_an_expression_is_dropped_in_silence():
    """Instead: ``expressions.parse`` refuses it."""
    (stream_map,) = sdk_mapper({"machines": {"new": "vmId; id"}})
    assert stream_map.transform({"id": "i", "vmId": "v"})["new"] == "v"


def test_meltano_drops_the_nulls_of_a_map(tmp_path):
    """Workaround: users write ``__NULL__``, and ``map_file.without_null_words`` understands it everywhere."""
    stream_maps = {"etm_findings": {"impact": None, "recommendation": "__NULL__"}}
    extractor = {
        "name": "tap-any",
        "namespace": "tap_any",
        "executable": "true",
        "settings": [{"name": "stream_maps", "kind": "object"}],
        "config": {"stream_maps": stream_maps},
    }
    project = {"send_anonymous_usage_stats": False, "plugins": {"extractors": [extractor]}}
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(project))
    command = [sys.executable, "-m", "meltano.cli", "invoke", "--dump=config", "tap-any"]
    dumped = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(dumped) == {"stream_maps": {"etm_findings": {"recommendation": "__NULL__"}}}
