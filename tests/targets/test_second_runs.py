"""What each target, but for PostgreSQL, holds after a finding was fixed and after a run that failed."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from pairs import BREAKING, BUCKET, SCHEMAS, Meltano, Tenant

from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

Load = Callable[..., str]
Keys = Callable[[], set[str]]


@pytest.fixture
def load(meltano: Meltano, project: Path, bucket: Any) -> Load:
    """Run the tap with a target on a tenant, in a project of its own with a state of its own, and return the log."""
    address = {"S3_BUCKET": BUCKET, "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
    variables = {f"TARGET_S3_JSONL_{name}": each for name, each in address.items()}

    def run(target: str, tenant: Tenant, *, extractor: str = "tap-mdc-vm", status: int = 0, **options: Any) -> str:
        with Sandbox(tenant, quota=None, **options) as sandbox:
            environ = sandbox.environment | variables
            names = [f"--state-id-suffix={project.parent.name}", extractor, target]
            return meltano("run", *names, environ=environ, folder=project, status=status).stderr

    return run


def fix_one(tenant: Tenant) -> str:
    """Fix a finding, so that it disappears, and return its id."""
    fixed = next(key for key, row in tenant.expected()["assessments"].items() if row["vmId"])
    tenant.delete(fixed)
    return fixed


def test_duckdb_keeps_what_is_fixed_until_the_file_is_removed(tenant: Tenant, load: Load, project: Path):
    def keys() -> set[str]:
        with duckdb.connect(str(project / "output" / "sandbox.duckdb"), read_only=True) as connection:
            found = connection.execute(f"select id from {SCHEMAS['duckdb']}.assessments").fetchall()
        return {key for (key,) in found}

    load("target-duckdb", tenant)
    before = keys()
    fix_one(tenant)
    load("target-duckdb", tenant)
    assert keys() == before
    load("target-duckdb", tenant, **BREAKING, status=1)
    assert keys() == before


def test_files_of_lines_are_a_set_for_each_run_and_a_part_of_one_after_a_run_that_failed(
    tenant: Tenant, load: Load, project: Path
):
    def keys() -> list[set[str]]:
        paths = sorted((project / "output" / "sandbox").glob("assessments-*.jsonl"))
        return [{json.loads(line)["id"] for line in path.read_text().splitlines()} for path in paths]

    load("target-jsonl", tenant)
    fixed = fix_one(tenant)
    load("target-jsonl", tenant)
    first, second = keys()
    assert first - second == {fixed}
    load("target-jsonl", tenant, **BREAKING, status=1)
    assert keys()[:2] == [first, second]
    assert keys()[2] < second


def test_objects_of_the_day_are_replaced_also_by_a_run_that_failed(tenant: Tenant, load: Load, bucket: Any):
    def keys() -> set[str]:
        listed = bucket.list_objects_v2(Bucket=BUCKET, Prefix="defender-sandbox/assessments/")["Contents"]
        body = bucket.get_object(Bucket=BUCKET, Key=listed[0]["Key"])["Body"].read()
        return {json.loads(line)["id"] for line in gzip.decompress(body).splitlines()}

    load("target-s3-jsonl", tenant)
    before = keys()
    fixed = fix_one(tenant)
    load("target-s3-jsonl", tenant)
    assert before - keys() == {fixed}
    whole = keys()
    load("target-s3-jsonl", tenant, **BREAKING, status=1)
    assert keys() < whole


def test_files_of_values_are_replaced_also_by_a_run_that_failed(tenant: Tenant, load: Load, project: Path):
    def keys() -> set[str]:
        with (project / "output" / "sandbox" / "csv" / "assessments.csv").open(newline="", encoding="utf-8") as file:
            return {row["id"] for row in csv.DictReader(file)}

    load("target-csv", tenant, extractor="tap-mdc-vm--flat")
    before = keys()
    fixed = fix_one(tenant)
    load("target-csv", tenant, extractor="tap-mdc-vm--flat")
    assert before - keys() == {fixed}
    whole = keys()
    load("target-csv", tenant, extractor="tap-mdc-vm--flat", **BREAKING, status=1)
    assert keys() < whole
