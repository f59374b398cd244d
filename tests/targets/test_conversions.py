"""What targets that can't be reached from here make of the schemas: names, types and keys, by their own code.

Each target lives in an environment of its own. Where the schemas change, ``CONVERSIONS=write`` writes the files anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from pairs import ROOT, Tenant

from tap_mdc_vm_sandbox import Sandbox

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parent / "conversions"


@pytest.fixture(scope="module")
def messages() -> str:
    """The messages of a run with every stream."""
    with Sandbox(Tenant(machines=5), quota=None) as sandbox:
        command = [sys.executable, "-m", "tap_mdc_vm"]
        streams = json.dumps(["vulnerabilities", "software", "defender_plans"])
        all_of_them = {"TAP_MDC_VM_EXTRA_STREAMS": streams, "TAP_MDC_VM_TRANSFORM_MAP": "etm_extended"}
        environ = os.environ | sandbox.environment | all_of_them
        return subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


@pytest.mark.parametrize("target", ["snowflake", "bigquery"])
def test_every_field_has_a_column_of_its_type(target: str, messages: str, tmp_path: Path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--requirement", FOLDER / f"{target}-requirements.txt"]
    subprocess.run(install, check=True)
    script = [python, "-W", "ignore", FOLDER / f"in_{target}.py"]
    made = subprocess.run(script, input=messages, check=True, stdout=subprocess.PIPE, text=True).stdout
    file = FOLDER / f"{target}.txt"
    if os.environ.get("CONVERSIONS") == "write":
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8")
