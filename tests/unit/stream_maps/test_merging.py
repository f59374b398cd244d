"""A user changes one field, one number or one stream without a copy of the map."""

from __future__ import annotations

from tap_mdc_vm.stream_maps.map_file import without_null_words
from tap_mdc_vm.stream_maps.merging import merged_maps, merged_tables

MAP = {"etm_assets": {"__source__": "virtual_machines", "assetName": "name"}, "etm_findings": {"a": "b"}}


def test_a_field_is_put_over_the_map_and_all_else_stays():
    merged = merged_maps(MAP, {"etm_assets": {"assetName": "computerName or name", "new": "vmSize"}})
    assert merged["etm_assets"] == {
        "__source__": "virtual_machines",
        "assetName": "computerName or name",
        "new": "vmSize",
    }
    assert merged["etm_findings"] == {"a": "b"}
    assert MAP["etm_assets"]["assetName"] == "name"


def test_a_stream_of_the_users_own_stands_beside_those_of_the_map():
    assert merged_maps(MAP, {"mine": {"x": "y"}}).keys() == {"etm_assets", "etm_findings", "mine"}


def test_a_stream_of_the_map_can_be_taken_away():
    assert merged_maps(MAP, without_null_words({"etm_findings": "__NULL__"}))["etm_findings"] is None


def test_a_word_of_a_table_is_changed_in_any_letter_case():
    tables = {"severity": {"default": 0, "high": 4}, "Names": {"Ab": 1}}
    merged = merged_tables(tables, {"severity": {"High": 9, "Urgent": 10}, "Names": {"aB": 2}, "limit": 3})
    assert merged == {
        "severity": {"default": 0, "high": 9, "urgent": 10},
        "Names": {"Ab": 1, "aB": 2},
        "limit": 3,
    }


def test_the_word_null_is_null_wherever_it_stands():
    given = {
        "s": "__NULL__",
        "t": {"f": "__NULL__", "__filter__": "__NULL__", "__key_properties__": "__NULL__", "x": "y"},
    }
    assert without_null_words(given) == {
        "s": None,
        "t": {"f": None, "__filter__": None, "__key_properties__": None, "x": "y"},
    }
