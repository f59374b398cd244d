"""Every query that can go out, whole, in part, counted and filtered, passes Microsoft's own checker of KQL."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tap_mdc_vm import queries
from tap_mdc_vm.azure.resource_graph.partitions import WHOLE, Partition
from tap_mdc_vm.checkup.asking import Exchange
from tap_mdc_vm.checkup.evidence import NO_QUERY, gather
from tap_mdc_vm.sources import ADDRESSES, FINDINGS, INTERFACES, MACHINES

NAMES = sorted(path.stem for path in Path(queries.__file__).parent.glob("*.kql"))
ROWS = {MACHINES: "virtual-machines", INTERFACES: "network-interfaces", ADDRESSES: "public-ips"}

ONE_PAGE = "ARG-PAGING"
"""A warning that `summarize` answers the first page only: that is all that is asked for."""

NONE = dict.fromkeys(
    ("assessment_statuses", "assessment_severities", "recommendation_categories", "resource_groups"), ()
) | {"machine_tags": {}}


def chosen(**filters):
    return SimpleNamespace(**(NONE | filters))


def variants():
    for name in NAMES:
        query = queries.unfiltered(name)
        yield f"{name}-whole", query.rows()
        yield f"{name}-part", query.rows(Partition(8, 3))
        yield f"{name}-packed", query.packed(WHOLE)
        yield f"{name}-packed-part", query.packed(Partition(8, 3))
        yield f"{name}-count", query.count()
        yield f"{name}-count-part", query.count(Partition(8, 3))
        yield f"{name}-count-negative", query.count(Partition(8, -5))
        yield f"{name}-tally", query.tally(WHOLE, 8)
        yield f"{name}-tally-part", query.tally(Partition(2, 1), 8)
        yield f"{name}-by-id", query.existing(["/subscriptions/a", "/subscriptions/it's"])
    filters = chosen(
        assessment_statuses=("Unhealthy", "it's"),
        assessment_severities=("High",),
        recommendation_categories=("SoftwareUpdate", "None", "it's, \\"),
        resource_groups=("rg-(blue).x", "it's"),
        machine_tags={"it's": (), "a/b": ("C:\\temp\\", 'say "hi"'), "Straße": ("😀",)},
    )
    for name in NAMES:
        yield f"{name}-filtered", queries.query(name, filters).text
    yield "unknown-category", queries.query(FINDINGS, chosen(recommendation_categories=("Unknown",))).text


def asked_by_the_checkup():
    """Return the texts of all questions of a check-up, which it asks in a tenant that has something of everything."""
    texts = []

    def ask(text, *, top=1000, skip_token=None):
        texts.append(text)
        row = {"id": "/subscriptions/a/providers/microsoft.security/assessments/b", "Count": 1_000_000}
        body = {"data": [row], "totalRecords": 1_000_000, "$skipToken": "more"}
        return Exchange(status=200, headers={}, size=2_000, body=body, refusal=None, at=0.0)

    gather(ask)
    return [text for text in texts if text != NO_QUERY]


@pytest.fixture(scope="session")
def checker(shared, tmp_path_factory):
    """The checker, installed with npm into a folder of its own."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Microsoft's checker of KQL needs Node.js, which is not on this machine")
    folder = tmp_path_factory.mktemp("checker") / "kqlcheck"
    shutil.copytree(shared / "tools/kqlcheck", folder, copy_function=shutil.copyfile)
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True, timeout=300)
    return folder / "kqlcheck.mjs"


def test_every_query_all_that_is_made_of_it_and_every_question_of_the_check_up_passes(checker, tmp_path):
    made = dict(variants())
    texts = made | {str(number): text for number, text in enumerate(asked_by_the_checkup())}
    assert len(texts) > len(made) + 20
    for name, text in texts.items():
        (tmp_path / f"{name}.kql").write_text(text, encoding="utf-8")
    command = ["node", checker, "--json", *tmp_path.iterdir()]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    results = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(results) == len(texts)
    problems = {(Path(result["file"]).stem, problem["code"]) for result in results for problem in result["problems"]}
    assert {(name, code) for name, code in problems if code != ONE_PAGE} == set()
    assert {name for name, _ in problems} & made.keys() == {name for name, text in made.items() if "summarize" in text}


@pytest.mark.parametrize("name", ROWS)
def test_every_path_of_a_query_occurs_in_captured_rows(checker, shared, tmp_path, name):
    (tmp_path / "query.kql").write_text(queries.text(name), encoding="utf-8")
    rows = shared / f"azure/rows/constructed/{ROWS[name]}.json"
    command = ["node", checker, "--strict", "--rows", rows, tmp_path / "query.kql"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout
