"""A tenant, what should arrive of it, and Meltano as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pairs import KEYS, ROOT, Meltano, Records, Tenant

from tap_mdc_vm_sandbox.sandbox import Sandbox


@pytest.fixture
def tenant() -> Tenant:
    """The tenant with all its oddities."""
    return Tenant()


@pytest.fixture(scope="session")
def etm_of_the_tap() -> Records:
    """What the transform map makes of that tenant, as the tap sends it: tests of the map say whether it is right."""
    with Sandbox(Tenant(), quota=None) as sandbox:
        command = [sys.executable, "-m", "tap_mdc_vm"]
        environ = os.environ | sandbox.environment
        lines = subprocess.run(command, env=environ, check=True, capture_output=True, cwd=ROOT).stdout.splitlines()
    records: Records = {"etm_assets": {}, "etm_findings": {}}
    for message in map(json.loads, lines):
        if message["type"] == "RECORD" and message["stream"] in records:
            records[message["stream"]][message["record"][KEYS[message["stream"]]]] = message["record"]
    return records


@pytest.fixture(scope="session")
def meltano_home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables that keep Meltano's own records of these runs out of the project."""
    folder = tmp_path_factory.mktemp("meltano")
    return {
        "MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "NO_COLOR": "1",
    }


@pytest.fixture
def meltano(meltano_home: dict[str, str]) -> Meltano:
    """Run Meltano in this project, in its environment ``sandbox``, with variables of your own."""
    executable = Path(sys.executable).parent / "meltano"

    def run(*words: str, environ: dict[str, str], status: int = 0) -> subprocess.CompletedProcess[str]:
        command = [executable, "--env-file", os.devnull, "--log-format", "plain", "--environment", "sandbox", *words]
        variables = os.environ | meltano_home | environ
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done

    return run
