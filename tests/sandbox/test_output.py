"""The command with an output that fails it: the target is gone, the disk is full."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox import Fleet, Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment")

FULL = Path("/dev/full")
on_a_full_disk = pytest.mark.skipif(not FULL.exists(), reason="this system has no device that plays a full disk")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Fleet(machines=80, assessments_per_machine=15), quota=None) as sandbox:
        yield sandbox


@pytest.fixture
def start(sandbox, tmp_path):
    """Start the command with the sandbox's settings and the given standard output."""

    def command(*words, stdout):
        return subprocess.Popen(
            [sys.executable, "-m", "tap_mdc_vm", *words],
            env={"PATH": "/usr/bin:/bin", **sandbox.environment},
            cwd=tmp_path,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    return command


def ended(process):
    """Wait for the end, and return the status, the lines of errors, and all that was said."""
    with process:
        _, log = process.communicate(timeout=60)
    return process.returncode, [line for line in log.splitlines() if "ERROR" in line], log


def check_target_gone(process):
    status, errors, log = ended(process)
    assert status == 1
    assert len(errors) == 1
    assert errors[0].endswith("The target stopped reading; see its own log.")
    assert "Traceback" not in log
    assert "Exception ignored" not in log


def test_a_target_that_stops_after_a_line_is_told_of_in_one(start):
    process = start(stdout=subprocess.PIPE)
    assert process.stdout.readline().startswith('{"type":"SCHEMA"')
    process.stdout.close()
    process.stdout = None
    check_target_gone(process)


def test_a_target_that_never_read_is_told_of_in_one_line(start):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        check_target_gone(start(stdout=gone))


@on_a_full_disk
@pytest.mark.parametrize("words", [(), ("--discover",), ("--about",), ("--help",), ("--version",)], ids=str)
def test_a_full_disk_is_named_in_one_line(start, words):
    with FULL.open("wb") as full:
        status, errors, log = ended(start(*words, stdout=full))
    assert status == 1
    assert len(errors) == 1
    assert "No space left on device" in errors[0]
    assert "Traceback" not in log
    assert "Exception ignored" not in log


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--help",), 0, "Usage: "),
        (("--version",), 0, "tap-mdc-vm"),
        (("--discover",), 0, '"virtual_machines"'),
        (("--nonsense",), 2, "No such option"),
        (("--catalog", "not-there.json"), 2, "No such file"),
    ],
)
def test_clicks_own_ends_are_its_own(start, words, status, says):
    process = start(*words, stdout=subprocess.PIPE)
    with process:
        out, log = process.communicate(timeout=60)
    assert process.returncode == status
    assert says in out + log
    assert "ERROR" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("variable", ["TAP_MDC_VM_LOGLEVEL", "LOGLEVEL"])
def test_an_unknown_level_of_the_log_is_named_in_one_line(tmp_path, variable):
    command = [sys.executable, "-m", "tap_mdc_vm", "--discover"]
    environ = {"PATH": "/usr/bin:/bin", variable: "noisy"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"{variable} must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL\n"


@pytest.mark.parametrize("option", ["--state", "--catalog"])
@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is not JSON"), (b"{", "is not JSON"), (b"\xff", "is not JSON"), (b"[]", "must hold an object")],
    ids=["empty", "cut", "no text", "an array"],
)
def test_a_file_that_holds_something_else_is_named_in_one_line(start, tmp_path, option, content, says):
    (tmp_path / "odd.json").write_bytes(content)
    status, errors, log = ended(start(option, "odd.json", stdout=subprocess.DEVNULL))
    assert status == 1
    assert len(errors) == 1
    assert f"{option} 'odd.json' {says}" in errors[0]
    assert "Traceback" not in log


@pytest.mark.parametrize(
    "content",
    [
        '{"streams": null}',
        '{"streams": [null]}',
        '{"streams": [{}]}',
        '{"streams": [{"tap_stream_id": "virtual_machines", "metadata": {}}]}',
    ],
)
def test_a_catalog_in_another_form_is_refused_in_one_line_with_the_way_out(start, tmp_path, content):
    (tmp_path / "catalog.json").write_text(content)
    status, errors, log = ended(start("--catalog", "catalog.json", stdout=subprocess.DEVNULL))
    assert status == 1
    assert len(errors) == 1
    assert "--catalog 'catalog.json' is no catalog" in errors[0]
    assert errors[0].endswith("make a new one with --discover")
    assert "Traceback" not in log


def test_an_entry_of_a_catalog_that_leaves_its_schema_out_has_the_taps_own(start, tmp_path):
    chosen = {"network_interfaces": True, "assessments": False}
    entries = [
        {"tap_stream_id": name, "metadata": [{"breadcrumb": [], "metadata": {"selected": selected}}]}
        for name, selected in chosen.items()
    ]
    (tmp_path / "catalog.json").write_text(json.dumps({"streams": entries}))
    with start("--catalog", "catalog.json", stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(timeout=60)
    messages = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0
    assert {each["stream"] for each in messages if each["type"] == "RECORD"} == {"network_interfaces"}
    [schema] = [each["schema"] for each in messages if each["type"] == "SCHEMA"]
    assert schema["properties"].keys() == packaged.schema("network_interfaces")["properties"].keys()


def test_a_test_without_settings_leaves_no_file_open(tmp_path):
    (tmp_path / "catalog.json").write_text('{"streams": []}')
    command = [sys.executable, "-W", "default", "-m", "tap_mdc_vm", "--catalog", "catalog.json", "--test"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "tenant_id is missing" in done.stderr
    assert "ResourceWarning" not in done.stderr


STOPPED = """
import os, signal, sys

class Stopper:
    def find_spec(self, name, *_):
        if name == "tap_mdc_vm.tap":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Stopper())
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the suite in the background ignores it
from tap_mdc_vm.__main__ import main
main()
"""


def test_a_run_that_is_stopped_while_it_loads_leaves_no_traceback():
    ran = subprocess.run([sys.executable, "-c", STOPPED], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (-signal.SIGINT, "")
