"""The command tap-mdc-vm-map, as a user types it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tap_mdc_vm import packaged

RECORD = json.dumps({"type": "RECORD", "stream": "virtual_machines", "record": {"id": "/vm/1", "name": "one"}})


@pytest.fixture
def messages(tmp_path):
    path = tmp_path / "messages.jsonl"
    path.write_text(f"{RECORD}\n")
    return str(path)


def test_list_names_each_map_and_what_it_makes(run):
    status, out, _ = run("list")
    assert status == 0
    assert out.splitlines() == [
        "  map           makes                                 labels  from",
        "  etm           etm_assets                                 7  virtual_machines",
        "                etm_findings                              29  assessments",
        "  etm_extended  etm_assets                                18  virtual_machines",
        "                etm_findings                              42  assessments",
        "  none          nothing beside the tap's own streams",
    ]


def test_show_prints_the_file_itself_so_that_it_can_be_cloned(run, tmp_path):
    status, out, _ = run("show", "etm")
    assert (status, out) == (0, packaged.map_path("etm").read_text())
    clone = tmp_path / "clone.yml"
    clone.write_text(out)
    assert run("check", str(clone)) == (0, f"{clone}: no problems\n", "")


def test_a_map_that_does_not_ship_is_refused(run):
    assert run("show", "emt") == (1, "", "tap-mdc-vm-map: there is no map 'emt', only etm, etm_extended\n")


def test_check_names_errors_and_warnings_and_fails_for_errors(run, tmp_path):
    path = tmp_path / "mine.yml"
    text = (
        packaged.map_path("etm").read_text().replace("assetName: name\n", "assetName: nme\n    owner: name.upper()\n")
    )
    path.write_text(text)
    line = text.splitlines().index("    assetName: nme") + 1
    status, out, _ = run("check", str(path))
    unknown, label, fragile, verdict = out.splitlines()
    assert status == 1
    assert unknown == (
        f"error    {path}:{line}: etm_assets.assetName names the unknown field nme of virtual_machines; "
        "did you mean name?"
    )
    assert label == f"warning  {path}:{line + 1}: etm_assets.owner is not a label of etm_assets as it ships"
    assert fragile.startswith(f"warning  {path}:{line + 1}: etm_assets.owner can't be computed where name is null (")
    assert verdict == f"{path}: 3 found; the tap refuses this map"


def test_check_says_if_the_tap_would_run_the_map_all_the_same(run, tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text(packaged.map_path("etm").read_text().replace("policyTitle:", "title:"))
    status, out, _ = run("check", str(path))
    assert status == 0
    assert out.splitlines()[-1] == f"{path}: 1 found; the tap runs this map all the same"


def test_check_of_a_file_that_is_no_map_is_one_line(run, tmp_path):
    path = tmp_path / "bad.yml"
    path.write_text("a: b: c")
    status, out, _ = run("check", str(path))
    assert status == 1
    assert out.splitlines()[0] == f"error    {path}:1: bad YAML: mapping values are not allowed here"


def test_preview_reads_a_file(run, messages):
    status, out, _ = run("preview", messages)
    assert status == 0
    assert "etm_assets: 1 record from virtual_machines" in out


def test_preview_reads_a_pipe(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{RECORD}\n".encode())))
    status, out, _ = run("preview", "--records", "0")
    assert status == 0
    assert "record 1" not in out
    assert "etm_assets: 1 record" in out


def test_preview_takes_map_and_stream_maps_from_the_taps_settings(run, messages, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"stream_maps": {"etm_assets": {"assetName": "'changed'"}}}))
    _, out, _ = run("preview", messages, "--config", str(config))
    assert '(constant)       assetName               "changed"' in out
    _, out, _ = run("preview", messages, "--config", str(config), "--map", "none")
    assert "etm" not in out


def test_preview_takes_from_the_environment_what_the_file_leaves_out(run, messages, tmp_path, monkeypatch):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"transform_map": "etm"}))
    monkeypatch.setenv("TAP_MDC_VM_STREAM_MAPS", '{"etm_assets": {"assetName": "\'changed\'"}}')
    _, out, _ = run("preview", messages, "--config", str(config))
    assert 'assetName               "changed"' in out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["preview", "no-such-file"], "'no-such-file' can't be read: No such file or directory"),
        (["preview", "--map", "no-such-map"], "transform_map: 'no-such-map' can't be read: No such file or directory"),
        (["preview", "--config", "no-such-config"], "--config 'no-such-config' can't be read"),
    ],
)
def test_what_can_not_be_read_is_one_line_on_standard_error(run, words, problem):
    status, out, err = run(*words)
    assert (status, out) == (1, "")
    assert err.startswith(f"tap-mdc-vm-map: {problem}")
    assert err.count("\n") == 1


def test_preview_without_input_says_what_to_do(run, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    status, _, err = run("preview")
    assert status == 1
    assert err.startswith("tap-mdc-vm-map: There are no Singer messages to read. Give a file or a pipe")


def test_a_reader_that_has_seen_enough_is_no_error(messages):
    root = Path(__file__).parents[3]
    code = "import sys; from tap_mdc_vm.stream_maps.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "preview", messages]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
