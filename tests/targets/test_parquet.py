"""tap-mdc-vm, flat, with a target that writes Parquet, on a stand-in for S3 and by ``meltano run``."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from pairs import BUCKET, KEYS, Meltano, Records, Tenant, differences, unflattened

from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


def read(bucket: Any, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each object by its stream."""
    found = {}
    for listed in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]:
        stream = re.fullmatch(r"defender-sandbox/(\w+)/\d{4}/\d\d/\d\d/\w+-part-00001\.parquet", listed["Key"])[1]
        path = folder / "object.parquet"
        path.write_bytes(bucket.get_object(Bucket=BUCKET, Key=listed["Key"])["Body"].read())
        table = duckdb.sql(f"from '{path}'")
        found[stream] = [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]
    return found


def to_seconds(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as this target takes it, which cuts dates off after the second."""
    return {
        name: re.sub(r"(T[\d:]{8})\.\d+Z$", r"\1Z", value) if isinstance(value, str) else value
        for name, value in record.items()
    }


def assert_holds(objects: dict[str, list[dict[str, Any]]], expected: Records) -> None:
    assert objects.keys() == KEYS.keys()
    for stream, records in expected.items():
        rows = objects[stream]
        as_text = [{name: None if value is None else str(value) for name, value in row.items()} for row in rows]
        found = {row[KEYS[stream]]: unflattened(row, records.get(row[KEYS[stream]], {})) for row in as_text}
        assert differences(found, {key: to_seconds(record) for key, record in records.items()}) == []
        assert len(rows) == len(records)


@pytest.fixture
def load(meltano: Meltano, project: Path, bucket: Any) -> Callable[[Tenant], dict[str, list[dict[str, Any]]]]:
    """Run the pair on a tenant, and return what is in the bucket then."""
    place = "TARGET_S3_PARQUET_CLOUD_PROVIDER_AWS_AWS"
    variables = {
        f"{place}_BUCKET": BUCKET,
        f"{place}_REGION": os.environ["AWS_DEFAULT_REGION"],
        f"{place}_ACCESS_KEY_ID": "test",
        f"{place}_SECRET_ACCESS_KEY": "test",
        f"{place}_ENDPOINT_OVERRIDE": os.environ["AWS_ENDPOINT_URL"],
    }

    def run(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
        with Sandbox(tenant, quota=None) as sandbox:
            environ = sandbox.environment | variables
            meltano("run", "tap-mdc-vm--flat", "target-s3-parquet", environ=environ, folder=project)
        return read(bucket, project)

    return run


def test_every_object_holds_the_tenant_row_by_row_and_a_second_run_replaces_it(
    living: Tenant, everything: Records, tenant: Tenant, load: Callable[[Tenant], Any]
):
    assert_holds(load(living), everything)
    tenant.delete(next(iter(tenant.expected()["virtual_machines"])))
    assert_holds(load(tenant), tenant.expected())
