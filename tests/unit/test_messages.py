"""The short path of a record gives what the SDK's path gives, and is taken only where it may."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.json import serialize_json

from tap_mdc_vm import packaged
from tap_mdc_vm.messages import RecordLines, left_out
from tap_mdc_vm.tap import TapMdcVm

CONFIG = {
    "tenant_id": "00000000-0000-0000-0000-0000000000ff",
    "client_id": "00000000-0000-0000-0000-0000000000fe",
    "client_secret": "not-used",
}
STREAMS = ("virtual_machines", "network_interfaces", "assessments")
CATALOG = TapMdcVm(validate_config=False, setup_mapper=False).catalog_dict

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def value(schema):
    """Values that fit a property's schema."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if schema.get("format") == "date-time":
        text = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
    else:
        text = st.text(max_size=8)
    choices = {
        "null": st.none(),
        "string": text,
        "boolean": st.booleans(),
        "integer": st.integers(-(2**53), 2**53),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "array": st.lists(value(schema["items"]), max_size=2) if "items" in schema else st.just([]),
        "object": st.fixed_dictionaries({name: value(inner) for name, inner in schema["properties"].items()})
        if "properties" in schema
        else st.dictionaries(st.text(max_size=5), anything, max_size=3),
    }
    return st.one_of([choices[kind] for kind in kinds])


RECORDS = {name: value({"type": "object", "properties": packaged.schema(name)["properties"]}) for name in STREAMS}


def stream_of(name, catalog=None, **config):
    return TapMdcVm(config=CONFIG | config, catalog=catalog).streams[name]


def by_the_sdk(stream, record):
    return [json.loads(serialize_json(message.to_dict())) for message in stream._generate_record_messages(record)]


def lines_of(stream, record, version=None):
    lines = RecordLines(stream, stream._generate_record_messages, version).of([record]).splitlines()
    return [json.loads(line) for line in lines]


def without_time(messages):
    return [{key: value for key, value in message.items() if key != "time_extracted"} for message in messages]


WHOLE = {
    (name, transform_map): stream_of(name, transform_map=transform_map)
    for name in STREAMS
    for transform_map in ("etm", "none")
}


@pytest.mark.parametrize("transform_map", ["etm", "none"])
@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
def test_the_short_path_writes_what_the_sdk_writes(name, transform_map, data):
    stream = WHOLE[name, transform_map]
    record = data.draw(RECORDS[name])
    assert left_out(stream) == ()
    assert without_time(lines_of(stream, copy.deepcopy(record))) == without_time(
        by_the_sdk(stream, copy.deepcopy(record))
    )


def deselecting(name, breadcrumbs):
    """A catalog in which some properties of a stream, or parts of them, are deselected."""
    catalog = copy.deepcopy(CATALOG)
    (entry,) = [entry for entry in catalog["streams"] if entry["stream"] == name]
    entry["metadata"] = [each for each in entry["metadata"] if tuple(each["breadcrumb"]) not in breadcrumbs]
    entry["metadata"] += [{"breadcrumb": list(path), "metadata": {"selected": False}} for path in breadcrumbs]
    return catalog


@pytest.mark.parametrize("transform_map", ["etm", "none"])
@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=30)
@given(data=st.data())
def test_without_deselected_properties_the_short_path_writes_what_the_sdk_writes(name, transform_map, data):
    names = sorted(packaged.schema(name)["properties"].keys() - {"id"})
    deselected = data.draw(st.sets(st.sampled_from(names), min_size=1))
    catalog = deselecting(name, {("properties", each) for each in deselected})
    stream = stream_of(name, catalog, transform_map=transform_map)
    record = data.draw(RECORDS[name])
    assert set(left_out(stream)) == deselected
    raw, *mapped = lines_of(stream, copy.deepcopy(record))
    assert raw["record"].keys() == record.keys() - deselected
    assert without_time([raw, *mapped]) == without_time(by_the_sdk(stream, copy.deepcopy(record)))


def test_a_part_of_a_field_that_is_deselected_is_left_out_by_the_sdk():
    stream = stream_of("virtual_machines", deselecting("virtual_machines", {("properties", "tags", "properties", "x")}))
    record = dict.fromkeys(packaged.schema("virtual_machines")["properties"]) | {
        "id": "/a",
        "tags": {"x": "y", "z": "w"},
    }
    assert left_out(stream) is None
    assert lines_of(stream, record)[0]["record"]["tags"] == {"z": "w"}


def test_what_the_sdk_leaves_out_of_one_record_others_that_share_it_keep():
    """Findings that say the same share what was decoded once; their vulnerabilities are made of it, too."""
    details = ("properties", "additionalData", "properties", "CvesDetails")
    stream = stream_of("assessments", deselecting("assessments", {details}))
    said = {"SoftwareName": "curl", "CvesDetails": [{"CveId": "CVE-2024-1"}]}
    blank = dict.fromkeys(packaged.schema("assessments")["properties"])
    for number in range(2):
        record = blank | {"id": f"/{number}", "additionalData": said}
        assert lines_of(stream, record)[0]["record"]["additionalData"] == {"SoftwareName": "curl"}
    assert said["CvesDetails"] == [{"CveId": "CVE-2024-1"}]


@pytest.mark.parametrize("name", STREAMS)
def test_a_catalog_that_selects_everything_keeps_the_short_path(name):
    assert left_out(stream_of(name, Catalog.from_dict(CATALOG))) == ()


def test_an_edited_schema_leaves_the_work_to_the_sdk():
    catalog = copy.deepcopy(CATALOG)
    for entry in catalog["streams"]:
        entry["schema"]["properties"].pop("tags", None)
    assert left_out(stream_of("virtual_machines", catalog)) is None


def test_flattening_is_done_on_the_short_path_too():
    stream = stream_of("virtual_machines", flattening_enabled=True, flattening_max_depth=1, transform_map="none")
    record = dict.fromkeys(packaged.schema("virtual_machines")["properties"]) | {"id": "/a", "tags": {"x": "y"}}
    assert without_time(lines_of(stream, copy.deepcopy(record))) == without_time(
        by_the_sdk(stream, copy.deepcopy(record))
    )


def test_a_version_stands_in_every_line():
    record = dict.fromkeys(packaged.schema("virtual_machines")["properties"]) | {"id": "/a"}
    assert [line["version"] for line in lines_of(WHOLE["virtual_machines", "etm"], record, 7)] == [7, 7]


def test_what_the_fast_encoder_refuses_is_written_all_the_same():
    record = dict.fromkeys(packaged.schema("virtual_machines")["properties"])
    record |= {"id": "/a", "tags": {"big": 2**70, "half": "\ud800"}}
    (line,) = lines_of(WHOLE["virtual_machines", "none"], record)
    assert line["record"]["tags"] == {"big": 2**70, "half": "\ud800"}
