"""The SDK gets maps that work whatever a user deselects, with exact types, and that say what they could not map."""

from __future__ import annotations

import logging

import pytest
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.singerlib import Catalog

from tap_mdc_vm import packaged
from tap_mdc_vm.stream_maps import Mapper, load


def catalog(**deselected):
    """Return a catalog of all streams, with these streams (True) or fields (names) deselected."""
    return Catalog.from_dict({"streams": [entry(stream, deselected.get(stream, ())) for stream in packaged.STREAMS]})


def entry(stream, deselected):
    metadata = [
        {"breadcrumb": [], "metadata": {"selected": deselected is not True}},
        {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}},
    ]
    for field in () if deselected is True else deselected:
        metadata += [{"breadcrumb": ["properties", field], "metadata": {"selected": False}}]
    schema = packaged.schema(stream)
    return {"tap_stream_id": stream, "schema": schema, "key_properties": ["id"], "metadata": metadata}


def registered(stream_maps=None, config=None, base="etm", chosen=None, **settings):
    mapper = Mapper(settings, logging.getLogger("tap-mdc-vm"), load(base, stream_maps, config))
    mapper.register_raw_streams_from_catalog(chosen or catalog())
    return mapper.stream_maps


def made(stream_maps, stream, alias):
    return next(each for each in stream_maps[stream] if each.stream_alias == alias)


def properties(stream_maps, stream, alias):
    return made(stream_maps, stream, alias).transformed_schema["properties"]


def types(schemas):
    return {label: (schema["type"], schema.get("format")) for label, schema in schemas.items()}


def record(stream, **values):
    return dict.fromkeys(packaged.schema(stream)["properties"]) | {"id": "/x"} | values


def test_the_etm_streams_stand_behind_the_taps_own():
    maps = registered()
    assert [each.stream_alias for each in maps["virtual_machines"]] == ["virtual_machines", "etm_assets"]
    assert [each.stream_alias for each in maps["assessments"]] == ["assessments", "etm_findings"]
    assert isinstance(maps["assessments"][0], SameRecordTransform)
    assert [each.stream_alias for each in maps["network_interfaces"]] == ["network_interfaces"]


def test_types_are_exact_and_keys_are_not_null():
    text, date = (["null", "string"], None), (["null", "string"], "date-time")
    maps = registered()
    findings = types(properties(maps, "assessments", "etm_findings"))
    assert findings.pop("externalFindingId") == ("string", None)
    assert findings.pop("findingSeverity") == (["null", "integer"], None)
    assert findings.pop("findingFirstFoundOn") == findings.pop("updatedOn") == date
    assert len(findings) == 25
    assert set(map(str, findings.values())) == {str(text)}
    assets = types(properties(maps, "virtual_machines", "etm_assets"))
    assert assets.pop("externalAssetId") == ("string", None)
    assert set(map(str, assets.values())) == {str(text)}
    assert made(maps, "assessments", "etm_findings").transformed_key_properties == ["externalFindingId"]
    assert made(maps, "virtual_machines", "etm_assets").transformed_key_properties == ["externalAssetId"]


def test_a_schema_is_one_that_old_and_strict_targets_read():
    """Draft 4 at most, null first, and a key that is a plain string: some targets look at positions."""
    maps = registered({"virtual_machines": {"name": "(self or '').upper()", "new": "int(1)"}})
    for stream, alias in (
        ("virtual_machines", "virtual_machines"),
        ("virtual_machines", "etm_assets"),
        ("assessments", "etm_findings"),
    ):
        schema = made(maps, stream, alias).transformed_schema
        assert "$schema" not in schema
        for label, each in schema["properties"].items():
            key = label in made(maps, stream, alias).transformed_key_properties
            assert each["type"] == "string" if key else each["type"][0] == "null"


def test_a_plain_field_has_its_sources_type_and_all_else_the_sdks_guess():
    fields = {
        "a": "zones",
        "b": "record['tags']",
        "c": "timeCreated",
        "d": "osName + osType",
        "e": "int(osVersion)",
        "f": "bool(tags)",
        "g": "datetime.date.today()",
        "h": "record",
    }
    mine = properties(registered({"mine": {"__source__": "virtual_machines", **fields}}), "virtual_machines", "mine")
    assert {label: mine[label]["type"] for label in fields} == {
        "a": ["null", "array"],
        "b": ["null", "object"],
        "c": ["null", "string"],
        "d": ["null", "string"],
        "e": ["null", "integer"],
        "f": ["null", "boolean"],
        "g": ["null", "string"],
        "h": ["null", "object"],
    }
    assert (mine["a"]["items"], mine["c"]["format"], mine["g"]["format"]) == ({"type": "string"}, "date-time", "date")


def test_a_field_that_is_deselected_is_null_and_keeps_its_type():
    chosen = catalog(assessments=["severity", "firstEvaluationDate", "vmId"])
    maps = registered(chosen=chosen)
    source = record("assessments", severity="High", virtualMachineId="/vm")
    for field in ("severity", "firstEvaluationDate", "vmId"):
        del source[field]
    mapped = made(maps, "assessments", "etm_findings").transform(source)
    assert mapped["findingSeverity"] == 0
    assert mapped["findingFirstFoundOn"] is None
    assert mapped["externalAssetId"] == "/vm"
    assert types(properties(maps, "assessments", "etm_findings")) == types(
        properties(registered(), "assessments", "etm_findings")
    )
    assert "severity" not in properties(maps, "assessments", "assessments")


def test_a_stream_that_is_deselected_has_no_maps():
    maps = registered({"virtual_machines": {"new": "vmId"}}, chosen=catalog(virtual_machines=True))
    assert [each.stream_alias for each in maps["virtual_machines"]] == ["virtual_machines"]
    assert [each.stream_alias for each in maps["assessments"]] == ["assessments", "etm_findings"]


@pytest.mark.parametrize("null", ["__NULL__", None])
def test_the_etm_streams_can_go_out_alone(null):
    maps = registered(dict.fromkeys(packaged.STREAMS, null))
    for stream in packaged.STREAMS:
        assert isinstance(maps[stream][0], RemoveRecordTransform)
        assert maps[stream][0].transform(record(stream)) is None
    assert made(maps, "assessments", "etm_findings").transform(record("assessments"))["externalFindingId"] == "/x"


def test_all_streams_without_a_map_can_be_dropped_at_once():
    maps = registered({"__else__": "__NULL__"})
    assert isinstance(maps["network_interfaces"][0], RemoveRecordTransform)
    assert made(maps, "assessments", "etm_findings").transform(record("assessments"))


def test_a_number_of_a_table_is_changed_without_touching_an_expression():
    maps = registered(config={"findingSeverity": {"High": 99, "default": -1}, "findingStatus": {"default": "unknown"}})
    findings = made(maps, "assessments", "etm_findings")
    assert findings.transform(record("assessments", severity="HIGH"))["findingSeverity"] == 99
    assert findings.transform(record("assessments"))["findingSeverity"] == -1
    assert findings.transform(record("assessments"))["findingStatus"] == "unknown"


def test_numbers_that_meltano_keeps_as_text_are_numbers_all_the_same():
    maps = registered(config={"findingSeverity": {"high": "7"}})
    assert (
        made(maps, "assessments", "etm_findings").transform(record("assessments", severity="High"))["findingSeverity"]
        == 7
    )


def test_an_alias_and_a_pattern_work_as_in_the_sdk():
    maps = registered({"*": {"loaded_by": "'me'"}, "network_interfaces": {"__alias__": "interfaces"}})
    assert maps["virtual_machines"][0].stream_alias == "virtual_machines"
    assert maps["virtual_machines"][0].transform(record("virtual_machines"))["loaded_by"] == "me"
    assert maps["network_interfaces"][0].stream_alias == "interfaces"


def test_a_filter_drops_records():
    maps = registered({"etm_findings": {"__filter__": "statusCode == 'Unhealthy'"}})
    findings = made(maps, "assessments", "etm_findings")
    assert findings.transform(record("assessments", statusCode="Healthy")) is None
    assert findings.get_filter_result(record("assessments", statusCode="Healthy")) is False
    assert findings.transform(record("assessments", statusCode="Unhealthy"))["findingStatus"] == "open"
    assert findings.get_filter_result(record("assessments", statusCode="Unhealthy")) is True


def test_flattening_comes_after_the_map_as_in_the_sdk():
    stream_maps = {"mine": {"__source__": "virtual_machines", "__else__": None, "id": "id", "t": "tags"}}
    maps = registered(stream_maps, flattening_enabled=True, flattening_max_depth=1)
    mine = made(maps, "virtual_machines", "mine")
    assert mine.transform(record("virtual_machines", tags={"a": {"b": 1}})) == {"id": "/x", "t": '{"a":{"b":1}}'}
    asset = made(maps, "virtual_machines", "etm_assets").transform(record("virtual_machines", vmId="v"))
    assert asset["externalAssetId"] == "v"


def warnings(caplog):
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_value_outside_the_tables_is_logged_once_by_name(caplog, compiled):
    findings = made(registered(), "assessments", "etm_findings")
    if not compiled:
        findings.transform = findings._interpreted
    for severity in ("Extreme", "EXTREME", "High", None, "Strange"):
        findings.transform(record("assessments", severity=severity, statusCode="Healthy"))
    findings.transform(record("assessments", statusCode="Pending"))
    assert warnings(caplog) == [
        "The table findingSeverity of the transform map has no entry for 'extreme': 0 is taken",
        "The table findingSeverity of the transform map has no entry for 'strange': 0 is taken",
        "The table findingStatus of the transform map has no entry for 'pending': null is taken",
    ]


def test_a_table_that_is_asked_for_everything_does_not_fill_the_log(caplog):
    maps = registered({"mine": {"__source__": "virtual_machines", "new": "config['few'].get(name)"}}, {"few": {"a": 1}})
    for number in range(100):
        made(maps, "virtual_machines", "mine").transform(record("virtual_machines", name=f"vm-{number}"))
    assert len(warnings(caplog)) == 20
    assert warnings(caplog)[-1].endswith("more such words are not named")


def test_remarks_are_logged_when_a_run_begins(caplog):
    registered({"etm_findings": {"portalLink": "azurePortalLink"}})
    assert warnings(caplog) == ["stream_maps: etm_findings.portalLink is not a label of etm_findings as it ships"]


def test_a_stream_that_is_registered_anew_takes_its_new_schema():
    mapper = Mapper({}, logging.getLogger("tap-mdc-vm"), load("etm"))
    for schema in (packaged.schema("assessments"), {"properties": {"id": {"type": "string"}}}):
        mapper.register_raw_stream_schema("assessments", schema, ["id"])
    raw, findings = mapper.stream_maps["assessments"]
    assert raw.transformed_schema == {"properties": {"id": {"type": "string"}}}
    assert findings.transform({"id": "/x"})["findingName"] is None
