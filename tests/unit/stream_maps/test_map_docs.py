"""docs/transform-map.md is true: its tables, its examples, and cloning a map step by step."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import yaml

from tap_mdc_vm import packaged
from tap_mdc_vm.stream_maps import Mapper, load

PAGE = (Path(__file__).parents[3] / "docs" / "transform-map.md").read_text(encoding="utf-8")
MAP = yaml.safe_load(packaged.map_path("etm").read_text(encoding="utf-8"))
EXTENDED = yaml.safe_load(packaged.map_path("etm_extended").read_text(encoding="utf-8"))
EXAMPLES = [
    yaml.safe_load(re.sub(r"^    ", "", block, flags=re.MULTILINE) if block.startswith("    ") else block)
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
]
SETTINGS = [example for example in EXAMPLES if example.keys() <= {"stream_maps", "stream_map_config"}]


def rows(stream):
    """Return what the page's table says of a stream: its label, required or not, and the fields before it."""
    section = PAGE.split(f"### {stream}\n")[1].split("\n##")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and (label := re.fullmatch(r"(\*\*)?`(\w+)`(\*\*)?", cells[2])):
            yield label[2], bool(label[1]), cells[1]


@pytest.mark.parametrize("stream", ["etm_assets", "etm_findings"])
def test_the_table_has_the_labels_of_the_map_with_their_fields(stream):
    expressions = {label: text for label, text in MAP["stream_maps"][stream].items() if not label.startswith("__")}
    told = list(rows(stream))
    assert {label for label, _, _ in told} == set(expressions)
    for label, required, origin in told:
        assert required == (label in MAP["required"][stream])
        if constant := re.fullmatch(r"always `(.*)`", origin):
            assert expressions[label] == f"'{constant[1]}'"
        elif "by the [table]" in origin:
            assert f"config['{label}']" in expressions[label]
            assert re.match(r"`(\w+)`", origin)[1] in expressions[label]
        else:
            assert expressions[label] == " or ".join(re.findall(r"`(\w+)`", origin))


def test_the_table_of_more_labels_is_what_the_extended_map_adds():
    section = PAGE.split("## More labels: etm_extended\n")[1].split("\n##")[0]
    told = re.findall(r"\| `(\w+)` \| (always )?`(\w+)` \| `(\w+)` \|", section)
    assert {(stream, label): f"'{origin}'" if constant else origin for stream, constant, origin, label in told} == {
        (stream, label): expression
        for stream, labels in EXTENDED["stream_maps"].items()
        for label, expression in labels.items()
        if label not in MAP["stream_maps"][stream]
    }


def test_the_tables_of_words_are_those_of_the_map():
    severities = dict(re.findall(r"\| `(\w+)` \| (\d) \|", PAGE))
    assert {word.lower(): int(number) for word, number in severities.items()} == {
        word: number for word, number in MAP["stream_map_config"]["findingSeverity"].items() if word != "default"
    }
    statuses = dict(re.findall(r"`(\w+)` \| (open|resolved|closed) \|", PAGE))
    assert {word.lower(): status for word, status in statuses.items()} == MAP["stream_map_config"]["findingStatus"]
    section = PAGE.split("### Kind of finding\n")[1].split("\n##")[0]
    kinds = {
        word.lower(): kind
        for words, kind in re.findall(r"^\| (.*) \| (\w+) \|$", section, re.MULTILINE)
        for word in re.findall(r"`(\w+)`", words) or (["default"] if words.startswith("anything else") else [])
    }
    assert kinds == MAP["stream_map_config"]["findingType"]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: str(settings)[:60])
def test_every_example_of_settings_is_accepted(settings):
    load("etm", **settings)


def mapped(settings, alias, stream="assessments", **values):
    mapper = Mapper({}, logging.getLogger("tap-mdc-vm"), load("etm", **settings))
    mapper.register_raw_stream_schema(stream, packaged.schema(stream), ["id"])
    record = dict.fromkeys(packaged.schema(stream)["properties"]) | {"id": "/x"} | values
    return {each.stream_alias: each.transform(record) for each in mapper.stream_maps[stream]}.get(alias)


def test_the_examples_do_what_the_page_says_of_them():
    zero_based, passing, active, status, secrets, fields, filtered, only, public = SETTINGS
    severities = [
        mapped(zero_based, "etm_findings", severity=word)["findingSeverity"]
        for word in ("Informational", "Low", "Medium", "High")
    ]
    assert severities == [0, 1, 2, 3]
    codes = ("Unhealthy", "Healthy", "NotApplicable", None, "Pending")
    passed = [mapped(passing, "etm_findings", statusCode=code)["findingStatus"] for code in codes]
    assert passed == ["FAIL", "PASS", "PASS", "PASS", "PASS"]
    secret = mapped(secrets, "etm_findings", recommendationCategory="ExposedSecrets")
    assert secret["findingType"] == "Vulnerability"
    assert mapped(active, "etm_findings", statusCode="Unhealthy")["findingStatus"] == "active"
    assert mapped(active, "etm_findings", statusCode="Healthy")["findingStatus"] == "resolved"
    assert mapped(status, "etm_findings")["findingStatus"] == "open"
    changed = mapped(fields, "etm_findings", implementationEffort="Low", remediationDescription="do it")
    assert (changed["assetName"], changed["implementationEffort"]) == ("UNKNOWN", "Low")
    assert "remediationStrategy" not in changed
    assert mapped(filtered, "etm_findings", statusCode="Healthy") is None
    assert mapped(filtered, "etm_assets", "virtual_machines") is None
    assert mapped(only, "assessments") is None
    assert mapped(only, "etm_findings")["externalFindingId"] == "/x"
    machine = {"name": "one", "publicIPAddress": "203.0.113.7", "tags": {"owner": "web"}}
    assert mapped(public, "public_machines", "virtual_machines", **machine) == {
        "id": "/x",
        "name": "one",
        "address": "203.0.113.7",
        "owner": "web",
    }
    assert mapped(public, "public_machines", "virtual_machines", name="two") is None


def test_cloning_the_map_goes_as_the_page_says(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    status, clone, _ = run("show", "etm")
    assert status == 0
    title, impact, number = re.search(
        r"`policyTitle` by\s+`(.*?)`, the line of `impact` by `(.*?)`, and `critical: 5` by `(.*?)`", PAGE
    ).groups()
    for old, new in ((r"policyTitle: .*", title), (r"impact: .*", impact), (r"critical: 5", number)):
        clone, replaced = re.subn(rf"(?m)^( +){old}$", rf"\g<1>{new}", clone)
        assert replaced == 1
    Path("my-map.yml").write_text(clone, encoding="utf-8")
    shown = re.search(r"```text\n    (warning.*?)    ```", PAGE, re.DOTALL)[1]
    assert run("check", "my-map.yml") == (0, shown.replace("\n    ", "\n"), "")
    transform_map = load("my-map.yml")
    mapper = Mapper({}, logging.getLogger("tap-mdc-vm"), transform_map)
    mapper.register_raw_stream_schema("assessments", packaged.schema("assessments"), ["id"])
    record = dict.fromkeys(packaged.schema("assessments")["properties"])
    finding = mapper.stream_maps["assessments"][1].transform(
        record | {"id": "/x", "displayName": "Title", "severity": "Critical"}
    )
    assert (finding["findingTitle"], finding["impact"], finding["findingSeverity"]) == ("Title", "unknown", 10)
    assert "policyTitle" not in finding


def test_every_example_of_an_expression_parses_and_knows_its_fields():
    table = PAGE.split("| to get | write |")[1].split("\n\n")[0]
    expressions = [match for cell in table.splitlines()[2:] for match in re.findall(r"`([^`]+)`", cell.split("|")[2])]
    expressions = [text.strip('"') for text in expressions if text not in ("regions", "stream_map_config", "self")]
    assert len(expressions) >= 8
    for text in expressions:
        stream = "assessments" if "vmName" in text else "virtual_machines"
        load("none", {"mine": {"__source__": stream, "new": text}}, {"regions": {"a": "b"}})
