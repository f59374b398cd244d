"""tap-mdc-vm with target-s3-jsonl on a stand-in for S3, by ``meltano run``."""

from __future__ import annotations

import gzip
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from pairs import BUCKET, KEYS, Meltano, Records, Tenant, differences

from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def load(meltano: Meltano) -> Callable[[Tenant], None]:
    """Run the pair on a tenant."""

    def run(tenant: Tenant) -> None:
        with Sandbox(tenant, quota=None) as sandbox:
            address = {"S3_BUCKET": BUCKET, "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
            environ = sandbox.environment | {f"TARGET_S3_JSONL_{name}": value for name, value in address.items()}
            meltano("run", "tap-mdc-vm", "target-s3-jsonl", environ=environ, environment="prod")

    return run


def read(bucket: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the records of each object, by its stream."""
    streams = {}
    for listed in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]:
        stream = re.fullmatch(r"defender/(\w+)/\d{4}-\d\d-\d\d\.jsonl\.gz", listed["Key"])[1]
        body = gzip.decompress(bucket.get_object(Bucket=BUCKET, Key=listed["Key"])["Body"].read())
        streams[stream] = [json.loads(line) for line in body.splitlines()]
    return streams


def assert_holds(bucket: Any, expected: Records) -> None:
    found = read(bucket)
    assert found.keys() == KEYS.keys()
    for stream, records in expected.items():
        assert differences({row[KEYS[stream]]: row for row in found[stream]}, records) == []
        assert len(found[stream]) == len(records)


def test_every_object_holds_the_tenant_row_by_row_and_a_second_run_replaces_it(
    living: Tenant, everything: Records, tenant: Tenant, load: Callable[[Tenant], None], bucket: Any
):
    load(living)
    assert_holds(bucket, everything)
    tenant.delete(next(iter(tenant.expected()["virtual_machines"])))
    load(tenant)
    assert_holds(bucket, tenant.expected())
