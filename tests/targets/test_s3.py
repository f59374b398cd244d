"""tap-mdc-vm with target-s3-jsonl on a stand-in for S3, by ``meltano run``."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pairs import KEYS, Meltano, Records, Tenant, differences

from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUCKET = "security-lake"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start the stand-in on a free port of loopback, with an empty bucket."""
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("TARGET_S3_JSONL_AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("TARGET_S3_JSONL_S3_BUCKET", BUCKET)
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield client
    client.close()
    server.stop()


@pytest.fixture
def load(meltano: Meltano) -> Callable[[Tenant], None]:
    """Run the pair on a tenant."""

    def run(tenant: Tenant) -> None:
        with Sandbox(tenant, quota=None) as sandbox:
            meltano("run", "tap-mdc-vm", "target-s3-jsonl", environ=sandbox.environment)

    return run


def read(bucket: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the records of each object, by its stream."""
    streams = {}
    for listed in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]:
        stream = re.fullmatch(r"defender-sandbox/(\w+)/\d{4}-\d\d-\d\d\.jsonl\.gz", listed["Key"])[1]
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
