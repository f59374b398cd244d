"""The job that brings etm_assets and etm_findings as CSV into a bucket, by ``meltano run`` and on a stand-in for S3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml
from pairs import BREAKING, BUCKET, KEYS, ROOT, Meltano, Records, Tenant, differences

from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = ("etm_assets", "etm_findings")
PREFIX = "defender/etm"
Deliver = Callable[..., str]


@pytest.fixture
def deliver(meltano: Meltano, project: Path, bucket: Any) -> Deliver:
    """Run the job on a sandbox, and return the log."""

    def run(sandbox: Sandbox, *, status: int = 0, **environ: str) -> str:
        with sandbox:
            variables = sandbox.environment | {"ETM_DELIVERY_BUCKET": BUCKET} | environ
            options: dict[str, Any] = {"environ": variables, "folder": project, "environment": "prod"}
            return meltano("run", "defender-to-etm", status=status, **options).stderr

    return run


def bodies(bucket: Any) -> dict[str, bytes]:
    """Return the objects in the bucket by key."""
    keys = [listed["Key"] for listed in bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {key: bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def read(body: bytes, folder: Path) -> list[dict[str, str | None]]:
    """Return the rows of an object, as another reader of CSV than Python's understands them."""
    path = folder / "object.csv"
    path.write_bytes(body)
    dialect = "header=true, all_varchar=true, delim=',', quote='\"', escape='\"'"
    table = duckdb.sql(f"from read_csv('{path}', {dialect})")
    return [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]


def as_text(record: dict[str, Any]) -> dict[str, str | None]:
    """Return a record as text: dates to the second in UTC, nothing for null and for an empty text."""
    dates = {name: f"{record[name][:19]}Z" for name in ("findingFirstFoundOn", "updatedOn") if record.get(name)}
    return {name: None if value in (None, "") else str(value) for name, value in (record | dates).items()}


def test_the_bucket_holds_the_two_streams_row_by_row_with_text_of_every_kind_until_the_next_run_that_is_whole(
    tenant: Tenant, everything: Records, deliver: Deliver, bucket: Any, project: Path
):
    readable = [each.id for each in tenant.subscriptions if each.readable]
    named = {"TAP_MDC_VM_SUBSCRIPTION_IDS": json.dumps(readable)}
    impact = "<b>a, \"b\"</b>;\r\nline 2\n\ttab, 'quote', 😀 and a backslash at the end \\"
    extractors = yaml.safe_load((project / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["extractors"]
    maps = next(each["config"]["stream_maps"] for each in extractors if each["name"] == "tap-mdc-vm--etm")
    maps["etm_findings"]["impact"] = repr(impact)
    deliver(Sandbox(tenant, quota=None), **named, TAP_MDC_VM__ETM_STREAM_MAPS=json.dumps(maps))
    first = bodies(bucket)
    assert first.keys() == {f"{PREFIX}/{stream}.csv" for stream in STREAMS}
    for stream in STREAMS:
        rows = read(first[f"{PREFIX}/{stream}.csv"], project)
        expected = {key: as_text(record) for key, record in everything[stream].items()}
        if stream == "etm_findings":
            expected = {key: record | {"impact": impact} for key, record in expected.items()}
        assert differences({row[KEYS[stream]]: row for row in rows}, expected) == []
        assert len(rows) == len(expected)
    labels = yaml.safe_load((ROOT / "tap_mdc_vm" / "maps" / "etm.yml").read_text(encoding="utf-8"))["stream_maps"]
    for stream in STREAMS:
        header = first[f"{PREFIX}/{stream}.csv"].decode().splitlines()[0]
        assert header.split(",") == [label for label in labels[stream] if not label.startswith("__")]

    deliver(Sandbox(tenant, quota=None, **BREAKING), **named, status=1)
    assert bodies(bucket) == first

    log = deliver(
        Sandbox(tenant, quota=None, unreadable=readable[:1]), **named, TAP_MDC_VM_ON_INCOMPLETE="warn", status=1
    )
    assert readable[0] in log
    assert bodies(bucket) == first

    tenant.delete(next(iter(tenant.expected()["virtual_machines"])))
    log = deliver(Sandbox(tenant, quota=None), **named)
    assert "Unknown setting" not in log
    assert "The configuration file's values" not in log
    second = bodies(bucket)
    expected = tenant.expected()["assessments"]
    rows = read(second[f"{PREFIX}/etm_findings.csv"], project)
    assert {row["externalFindingId"] for row in rows} == expected.keys()
    assert {key: body.splitlines()[0] for key, body in second.items()} == {
        key: body.splitlines()[0] for key, body in first.items()
    }
