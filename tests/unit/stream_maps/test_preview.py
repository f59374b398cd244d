"""A preview shows source, label and value of a few records, and how full each label is over all of them."""

from __future__ import annotations

import json

import pytest

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import TapError
from tap_mdc_vm.stream_maps import load
from tap_mdc_vm.stream_maps.preview import look, preview


def message(stream, record, kind="RECORD"):
    return json.dumps({"type": kind, "stream": stream, "record": record}).encode() + b"\n"


MESSAGES = [
    message("virtual_machines", {"id": "/vm/1", "vmId": "v1", "name": "one", "macAddress": "00-0D"}),
    b"\n",
    message("virtual_machines", {"id": "/vm/2", "vmId": None, "name": "two", "imageOffer": ""}),
    message("virtual_machines", {"id": "/vm/3", "vmId": "v3", "name": "three"}),
    message("etm_assets", {"externalAssetId": "not a source"}),
    message("network_interfaces", {"id": "/nic"}),
    b'{"type": "STATE", "value": {}}\n',
]


def lines(messages, samples=1, **maps):
    return list(preview(load("etm", **maps), messages, samples=samples))


def test_a_sample_shows_source_label_and_value_in_columns():
    text = lines(MESSAGES)
    start = text.index("etm_assets, record 1, from virtual_machines /vm/1")
    assert text[start + 1 : start + 9] == [
        "  source           label                   value",
        '  vmId, id         externalAssetId         "v1"',
        '  name             assetName               "one"',
        "  imageOffer       operatingSystemName     null",
        "  imageVersion     operatingSystemVersion  null",
        '  macAddress       macAddress              "00-0D"',
        "  publicIPAddress  ipAddress               null",
        '  (constant)       source                  "Defender for Cloud"',
    ]
    assert not any("record 2" in line for line in text)


def test_how_full_each_label_is_covers_every_record():
    text = lines(MESSAGES)
    start = text.index("etm_assets: 3 records from virtual_machines")
    assert text[start + 1 : start + 9] == [
        "  label                   filled",
        "  externalAssetId              3  100.0 %",
        "  assetName                    3  100.0 %",
        "  operatingSystemName          0    0.0 %  empty in every record",
        "  operatingSystemVersion       0    0.0 %  empty in every record",
        "  macAddress                   1   33.3 %",
        "  ipAddress                    0    0.0 %  empty in every record",
        "  source                       3  100.0 %",
    ]


def test_a_stream_without_records_says_so():
    assert "etm_findings: 0 records from assessments" in lines(MESSAGES)


def test_nought_is_a_value_and_an_empty_list_is_none():
    maps = {"mine": {"__source__": "virtual_machines", "__else__": None, "id": "id", "a": "0", "b": "[]", "c": "''"}}
    seen = look(load("none", maps), MESSAGES, samples=0)
    assert seen["mine"].filled == {"id": 3, "a": 3, "b": 0, "c": 0}


def test_the_schema_in_the_messages_counts_not_the_one_that_ships():
    schema = {"type": "object", "properties": {"id": {"type": "string"}, "vmId": {"type": ["string", "null"]}}}
    first = {"type": "SCHEMA", "stream": "virtual_machines", "schema": schema, "key_properties": ["id"]}
    maps = {"virtual_machines": {"extra": "vmId"}}
    seen = look(load("none", maps), [json.dumps(first).encode(), *MESSAGES[:1]], samples=1)
    ((_, record),) = seen["virtual_machines"].samples
    assert record["extra"] == "v1"


def test_a_field_that_is_passed_on_is_its_own_source():
    text = lines(MESSAGES, stream_maps={"virtual_machines": {"name": "(self or '').upper()", "x": "1"}})
    assert '  name        name        "ONE"' in text
    assert '  vmId        vmId        "v1"' in text


def test_records_that_a_filter_drops_are_not_counted():
    seen = look(load("etm", {"etm_assets": {"__filter__": "name == 'two'"}}), MESSAGES, samples=5)
    assert seen["etm_assets"].records == 1


def test_long_values_are_cut_and_stay_on_one_line():
    (row,) = [
        line
        for line in lines([message("virtual_machines", {"id": "/x", "name": "long\n" * 100})])
        if line.startswith("  name ")
    ]
    assert row.endswith("…")
    assert len(row) < 150


def test_a_map_that_makes_no_streams_says_so():
    assert list(preview(load("none"), MESSAGES, samples=1)) == ["The map makes no streams."]


@pytest.mark.parametrize("line", [b"no json\n", b"[]\n", b"{}\n", b'{"type": 1}\n', b'"text"\n', b"\xff\n"])
def test_what_is_no_singer_message_is_named_by_its_line(line):
    with pytest.raises(TapError, match=r"Line 2 of the input is no Singer message"):
        lines([MESSAGES[0], line])


def test_every_label_of_the_schema_is_counted_from_the_start():
    seen = look(load("etm"), [], samples=1)
    assert seen.keys() == {"etm_assets", "etm_findings"}
    assert set(packaged.schema("assessments")["properties"]) >= set(seen["etm_findings"].origins["source"].split()) - {
        "(constant)"
    }
    assert len(seen["etm_findings"].filled) == 29
