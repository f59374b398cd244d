"""A broken map is refused before any call: by name, one line for each problem, all of them at once."""

from __future__ import annotations

import pytest

from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.stream_maps import load
from tap_mdc_vm.stream_maps.checking import MapCheck
from tap_mdc_vm.stream_maps.map_file import read

BROKEN = """\
stream_maps:
  etm_assets:
    __source__: virtual_machine
  etm_findings:
    __source__: assessments
    __key_properties__: [externalFindingID]
    __filtre__: severity
    externalFindingId: id
    findingName: nmae
    findingSeverity: int(config['findingSeverty'].get(severity))
    findingStatus: 3
    findingType: Defender for Cloud
    assetName: vmName.__class__
    ipAddress: int((
    impact: Manual
    recommendation: [a]
    macAddress: maxx(macAddress)
stream_map_config:
  findingSeverity: {high: 4}
"""

PROBLEMS = """\
3: etm_assets.__source__ names the unknown stream 'virtual_machine'; did you mean virtual_machines?
6: etm_findings.__key_properties__ names 'externalFindingID', which is no label; did you mean externalFindingId?
7: etm_findings.__filtre__ is an unknown option; did you mean __filter__?
9: etm_findings.findingName names the unknown field nmae of assessments; did you mean name?
10: etm_findings.findingSeverity names the unknown findingSeverty of stream_map_config; did you mean findingSeverity?
11: etm_findings.findingStatus must be an expression in quotes, not the number '3'
12: etm_findings.findingType does not parse: invalid syntax in 'Defender for Cloud'; a text stands in two pairs of \
quotes: "'Defender for Cloud'"
13: etm_findings.assetName uses .__class__, which is not allowed in an expression
14: etm_findings.ipAddress does not parse: '(' was never closed in 'int(('
15: etm_findings.impact names the unknown field Manual of assessments; a text stands in two pairs of quotes
16: etm_findings.recommendation must be an expression in quotes, not the list "['a']"
17: etm_findings.macAddress calls the unknown function maxx
"""


def refused(*arguments):
    with pytest.raises(TransformMapError) as caught:
        load(*arguments)
    return caught.value.problems


def test_everything_that_is_wrong_is_named_at_once_with_its_line(tmp_path):
    path = tmp_path / "broken.yml"
    path.write_text(BROKEN)
    assert refused(str(path)) == [f"{path}:{line}" for line in PROBLEMS.splitlines()]


@pytest.mark.parametrize(
    ("stream_maps", "problem"),
    [
        ({"etm_finding": "__NULL__"}, "stream_maps: etm_finding is an unknown stream; did you mean etm_findings?"),
        ({"etm_finding": {"a": "id"}}, "stream_maps: etm_finding is an unknown stream; did you mean etm_findings?"),
        (
            {"mine": {"a": "id"}},
            "stream_maps: mine is an unknown stream; a stream of your own says with __source__ what it is made from",
        ),
        (
            {"etm_findings": {"assetName": "vmNam"}},
            "stream_maps: etm_findings.assetName names the unknown field vmNam of assessments; did you mean vmName?",
        ),
        (
            {"etm_findings": {"impcat": "__NULL__"}},
            "stream_maps: etm_findings.impcat is taken away and was not there; did you mean impact?",
        ),
        (
            {"virtual_machines": {"nmae": "__NULL__"}},
            "stream_maps: virtual_machines.nmae is taken away and was not there; did you mean name?",
        ),
        (
            {"assessments": "etm"},
            "stream_maps: assessments must hold labels and expressions, or be __NULL__, not 'etm'",
        ),
        ({"__else__": "yes"}, "stream_maps: __else__ can only be null or __NULL__"),
        ({"etm_findings": {"__else__": "yes"}}, "stream_maps: etm_findings.__else__ can only be null or __NULL__"),
        (
            {"etm_findings": {"externalFindingId": "__NULL__"}},
            "stream_maps: etm_findings.externalFindingId is a key of the stream and can't be taken away",
        ),
        (
            {"virtual_machines": {"id": "__NULL__"}},
            "stream_maps: virtual_machines.id is a key of the stream and can't be taken away",
        ),
        (
            {"mine": {"__source__": "assessments", "__else__": "__NULL__", "new": "id"}},
            "stream_maps: mine lacks id, its key: keep it, or name another in __key_properties__",
        ),
        (
            {"etm_findings": {"__key_properties__": "id"}},
            "stream_maps: etm_findings.__key_properties__ must be a list of labels, or __NULL__",
        ),
        (
            {"virtual_machines": {"__alias__": "a b"}},
            "stream_maps: virtual_machines.__alias__ must be a name or an expression, not 'a b'",
        ),
        (
            {"etm_assets": {"__alias__": "other"}},
            "stream_maps: etm_assets.__alias__ can't stand beside __source__: there the name of the map is ",
        ),
        (
            {"etm_assets": {"mine": "self"}},
            "stream_maps: etm_assets.mine names self, and there is no field mine",
        ),
        (
            {"virtual_machines": {"mine": True}},
            "stream_maps: virtual_machines.mine must be an expression in quotes, not ",
        ),
    ],
)
def test_a_users_own_maps_are_checked_with_the_map_below_them(stream_maps, problem):
    (found,) = refused("etm", stream_maps)
    assert problem in found


def test_an_unknown_source_hides_no_other_error():
    fields = {"__source__": "virtual_machine", "a": "nmae", "b": "int((", "c": 3, "__fliter__": "a", "id": "vmid"}
    assert refused("none", {"mine": fields}) == [
        f"stream_maps: mine.{problem}"
        for problem in (
            "__source__ names the unknown stream 'virtual_machine'; did you mean virtual_machines?",
            "b does not parse: '(' was never closed in 'int(('",
            "c must be an expression in quotes, not the number '3'",
            "__fliter__ is an unknown option; did you mean __filter__?",
        )
    ]


def test_a_file_that_is_no_map_is_named_with_its_setting(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("just some words")
    assert refused(str(path)) == [
        f"transform_map: {path}: is no map: a map holds stream_maps and stream_map_config",
    ]


@pytest.mark.parametrize(
    "stream_maps",
    [
        {"virtual_machines": "__NULL__", "network_interfaces": None, "assessments": "__NULL__"},
        {"etm_findings": "__NULL__"},
        {"__else__": "__NULL__"},
        {"*": {"loaded_by": "'me'"}},
        {
            "virtual_machines": {
                "__alias__": "machines",
                "properties": "__NULL__",
                "__filter__": "powerState == 'running'",
            }
        },
        {"network_*": {"__alias__": "__stream_name__ + '_raw'"}},
        {"mine": {"__source__": "virtual_*", "__key_properties__": "__NULL__", "new": "record['vmSize']"}},
        {"etm_findings": {"impact": "__NULL__", "recommendation": "remediationDescription"}},
        {"virtual_machines": {"name": "(self or '').upper()"}},
    ],
)
def test_what_works_is_not_refused(stream_maps):
    load("etm", stream_maps)


def remarks(stream_maps, config=None, base="etm"):
    return list(MapCheck(load(base, stream_maps, config)).remarks())


def test_labels_that_the_map_that_ships_lacks_or_requires_are_named_and_the_map_still_runs():
    assert remarks({"etm_findings": {"findingSeverty": "int(1)", "findingName": "__NULL__"}}) == [
        (
            "stream_maps: etm_findings.findingSeverty is not a label of etm_findings as it ships; "
            "did you mean findingSeverity?"
        ),
        "stream_maps: etm_findings lacks findingName, which the map's destination requires",
    ]


def test_a_label_with_another_type_than_the_map_that_ships_gives_it_is_named():
    assert remarks({"etm_findings": {"findingSeverity": "severity"}}, {"findingSeverity": {}}) == [
        "stream_maps: etm_findings.findingSeverity gives string, and as it ships integer",
        "stream_map_config: stream_map_config.findingSeverity is read by no expression; did you mean findingType?",
    ]


def test_a_table_that_nothing_reads_is_named():
    assert remarks({}, {"findingseverity": {"high": 5}}) == [
        "stream_map_config: stream_map_config.findingseverity is read by no expression; did you mean findingSeverity?"
    ]


def test_streams_of_other_names_may_have_any_labels():
    assert remarks({"mine": {"__source__": "assessments", "anything": "name"}}) == []


def test_an_expression_that_null_would_stop_is_named():
    (problem,) = MapCheck(load("etm", {"etm_assets": {"assetName": "name.upper()"}})).fragile()
    assert problem.startswith(
        "stream_maps: etm_assets.assetName can't be computed where name is null (AttributeDoesNot"
    )


def test_the_map_that_ships_has_nothing_to_be_named():
    check = MapCheck(read("etm"))
    assert [*check.problems(), *check.fragile(), *check.remarks()] == []
