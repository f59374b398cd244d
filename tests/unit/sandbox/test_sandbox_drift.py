"""What comes, goes and changes while somebody reads."""

import json
from collections import defaultdict
from itertools import chain, pairwise

import pytest

from tap_mdc_vm_sandbox import Drift, Fleet

INDIVIDUAL = {"SoftwareUpdate", "SystemUpdate", "ExposedSecrets"}


@pytest.fixture(scope="module")
def drifting():
    """Versions of each row by id, and the ids of those that stay as they are."""
    fleet = Fleet(machines=39, assessments_per_machine=30)
    steadfast, versions = set(), defaultdict(list)
    drift = Drift(seed=3, share=0.2, within=20)
    for line in chain.from_iterable(drift.applied(t, lines, steadfast) for t, lines in fleet.lines().items()):
        row = json.loads(line)
        versions[row["id"].lower()].append(row)
    return versions, steadfast


def category(row):
    return row["properties"].get("metadata", {}).get("recommendationCategory")


def test_a_row_is_there_once_at_any_moment(drifting):
    versions, steadfast = drifting
    for row_id, rows in versions.items():
        spans = sorted((row.get("_born", 0), row.get("_gone", 2**31)) for row in rows)
        assert all(before[1] == after[0] for before, after in pairwise(spans))
        assert (row_id in steadfast) == (spans == [(0, 2**31)])


def test_findings_that_are_fixed_disappear_or_turn_healthy_by_their_kind(drifting):
    gone = [rows for rows in drifting[0].values() if rows[0].get("_born") == 0]
    findings = [rows for rows in gone if rows[0]["properties"].get("status", {}).get("code") == "Unhealthy"]
    assert {len(rows) for rows in findings if category(rows[0]) in INDIVIDUAL} == {1}
    others = [rows for rows in findings if category(rows[0]) not in INDIVIDUAL]
    assert others
    for _, after in others:
        assert after["properties"]["status"]["code"] == "Healthy"


def test_the_rows_of_every_kind_drift_and_plans_do_not(drifting):
    kinds = {row["type"] for rows in drifting[0].values() for row in rows if "_gone" in row}
    assert kinds == {
        "microsoft.compute/virtualmachines",
        "microsoft.network/networkinterfaces",
        "microsoft.network/publicipaddresses",
        "microsoft.security/assessments",
        "microsoft.security/softwareinventories",
    }
