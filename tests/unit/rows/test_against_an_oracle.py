"""Every record is computed a second time, by the oracle, and the two are the same."""

from __future__ import annotations

import copy
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import FINDING, ORACLES, at, expected, finding_record
from sent import sent

from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.rows.network_interfaces import network_interface
from tap_mdc_vm.rows.virtual_machines import virtual_machine


@pytest.mark.parametrize("stream", ORACLES)
def test_every_row_becomes_the_record_that_the_oracle_expects(tenant, records, stream):
    assert records[stream] == expected(tenant, stream)


def test_the_captured_tenant_is_as_large_as_its_list_says(captured_records):
    assert {stream: len(found) for stream, found in captured_records.items()} == {
        "virtual_machines": 30,
        "network_interfaces": 42,
        "assessments": 27 + 6,
    }


@pytest.fixture(scope="module")
def findings(tenant):
    """The rows that are assessments of machines."""
    return [row for row in tenant.assessments if finding_record(tenant, row)]


def paths_of(node, path=()):
    """All paths below a node, shallow ones first."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    below = [(*path, key) for key, _ in items]
    return below + [deeper for step in below for deeper in paths_of(node[step[-1]], step)]


def holder(node, path):
    """The object or array that holds the last step of a path; None where the path is gone."""
    for step in path[:-1]:
        node = node[step] if step in node or isinstance(node, list) else None
        if not isinstance(node, (dict, list)):
            return None
    return node


ONE_OF_EACH = {"virtual_machines": 3, "network_interfaces": 3, "public_ips": 3, "assessments": 2}


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_fields_are_missing_the_records_are_what_the_oracle_expects(tenant, data):
    pruned = copy.deepcopy(tenant)
    for table, most in ONE_OF_EACH.items():
        for row in data.draw(st.lists(st.sampled_from(getattr(pruned, table)), max_size=most), label=table):
            fields = [path for path in paths_of(row) if path != ("id",) and isinstance(path[-1], str)]
            for path in data.draw(st.lists(st.sampled_from(fields), min_size=1, max_size=6), label="missing"):
                parent = holder(row, path)
                if parent is not None and path[-1] in parent:
                    del parent[path[-1]]
    records = pruned.records()
    assert records == {stream: expected(pruned, stream) for stream in ORACLES}


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-1e9, 1e9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def without_nul(node):
    """The same, with U+FFFD for each U+0000, which no record has."""
    if isinstance(node, dict):
        return {without_nul(key): without_nul(value) for key, value in node.items()}
    if isinstance(node, list):
        return [without_nul(item) for item in node]
    return node.replace("\0", "\ufffd") if isinstance(node, str) else node


ARRAYS = {"categories", "threats", "tactics", "techniques", "riskFactors", "attackPaths"}


def as_text(value):
    nothing = value is None or value in ("", {}) or value == []
    return None if nothing else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_it_should_be(field, value):
    """What a record says where Azure said something of another type than it ever does."""
    if field in ARRAYS:
        return [as_text(item) for item in value if as_text(item)] if isinstance(value, list) else None
    if field == "riskIsContextual":
        return {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, str | bool) else None
    if field == "additionalData":
        return value if isinstance(value, dict) else None
    return as_text(value)


@given(data=st.data())
@settings(max_examples=75, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_in_place_of_a_findings_fields_each_says_what_came(findings, data):
    row = without_nul(data.draw(st.sampled_from(findings)))
    spots = sorted({tuple(path.split(".")[:depth]) for path in FINDING.values() for depth in (1, 2, 3)})
    for path in data.draw(st.lists(st.sampled_from(spots), min_size=1, max_size=6), label="odd"):
        parent = at(row, ".".join(path[:-1])) if path[:-1] else row
        if isinstance(parent, dict):
            parent[path[-1]] = without_nul(data.draw(anything))
    record = assessment(sent(row), {}, Context())
    assert {field: record[field] for field in FINDING} == {
        field: as_it_should_be(field, at(row, path)) for field, path in FINDING.items()
    }


def shaped(table, row):
    function = {"virtual_machines": virtual_machine, "network_interfaces": network_interface}.get(table, assessment)
    return function(sent(row), {}, Context())


@pytest.mark.parametrize("table", ["virtual_machines", "network_interfaces", "assessments"])
def test_u0000_becomes_ufffd_wherever_azure_sends_it(tenant, findings, table):
    """PostgreSQL stores no U+0000. What only looks like its escape, a backslash and u0000, is a text like any other."""

    def with_nul(node):
        if isinstance(node, dict):
            odd = {"a\0key": "\0", "other": ["\\u0000", "\\\0"]}
            return {key: with_nul(value) for key, value in node.items()} | odd
        return [with_nul(item) for item in node] if isinstance(node, list) else node

    for row in findings if table == "assessments" else getattr(tenant, table):
        odd = row | {
            name: with_nul(row.get(name)) for name in ("properties", "tags", "identity", "plan") if row.get(name)
        }
        odd["location"] = "\0"
        assert shaped(table, odd) == shaped(table, without_nul(odd))
        assert "\0" not in str(shaped(table, odd))


def leaves(node):
    """Every value that is no object and no array."""
    if isinstance(node, dict):
        for value in node.values():
            yield from leaves(value)
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value)
    else:
        yield node


BRANCHES = ("", "status", "resourceDetails", "links", "risk", "metadata", "metadata.publishDates", "additionalData")


@given(data=st.data())
@settings(max_examples=75, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_that_azure_gave_is_lost_whatever_it_is_called_and_whatever_its_type(findings, data):
    row = copy.deepcopy(data.draw(st.sampled_from(findings)))
    tokens = (f"token {number}/" for number in range(9))
    for path in data.draw(st.lists(st.sampled_from(BRANCHES), min_size=1, max_size=5), label="where"):
        parent = at(row["properties"], path) if path else row["properties"]
        if not isinstance(parent, dict):
            continue
        known = st.sampled_from(sorted(parent)) if parent else st.nothing()
        name = data.draw(st.text(max_size=5) | known, label="name")
        token = next(tokens)
        parent[name] = data.draw(st.sampled_from([token, [token], {"unknown": [token]}]), label="value")
    text = json.dumps(assessment(sent(row), {}, Context()), ensure_ascii=False)
    assert [given for given in leaves(row["properties"]) if "token" in str(given) and given not in text] == []


def recased(text, flips):
    """The same id in another letter case: only letters whose two cases lead back to one."""
    return "".join(
        letter.swapcase() if flip and letter.swapcase().lower() == letter.lower() else letter
        for letter, flip in zip(text, flips, strict=False)
    )


def identities(node):
    """Every object that has an ``id``, with the ids of rows, references and configurations alike."""
    if isinstance(node, dict):
        if isinstance(node.get("id"), str):
            yield node
        for value in node.values():
            yield from identities(value)
    elif isinstance(node, list):
        for value in node:
            yield from identities(value)


AS_GIVEN = {
    *("resourceId", "properties", "availabilitySetId", "virtualMachineScaleSetId", "imageId", "identity"),
    *("networkSecurityGroupId", "subnetId", "publicIPAddressId", "resourceName", "additionalData", "otherProperties"),
}


def without_spelling(node):
    if isinstance(node, dict):
        return {key: without_spelling(value) for key, value in node.items() if key not in AS_GIVEN}
    return [without_spelling(item) for item in node] if isinstance(node, list) else node


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_letter_case_of_ids_never_changes_a_key_or_a_join(tenant, records, seed):
    changed, chance = copy.deepcopy(tenant), random.Random(seed)
    for table in ONE_OF_EACH:
        for row in identities(getattr(changed, table)):
            row["id"] = recased(row["id"], [chance.random() < 0.5 for _ in row["id"]])
    assert without_spelling(changed.records()) == without_spelling(records)


def test_ids_are_in_lower_case_and_each_is_given_once(records):
    for stream in records.values():
        ids = [record["id"] for record in stream]
        assert [identity.lower() for identity in ids] == ids
        assert len(set(ids)) == len(ids)


def test_reading_changes_no_row(tenant):
    before = copy.deepcopy(tenant)
    tenant.records()
    assert tenant == before
