"""The command as a user types it."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tap_mdc_vm_sandbox import Fault, Kind, Quota, Window, cli

PROGRAM = [sys.executable, "-m", "tap_mdc_vm_sandbox"]
SMALL = ["--machines", "3", "--subscriptions", "1"]
VARIABLES = {
    "TAP_MDC_VM_TENANT_ID",
    "TAP_MDC_VM_CLIENT_ID",
    "TAP_MDC_VM_CLIENT_SECRET",
    "TAP_MDC_VM_AUTHORITY_HOST",
    "TAP_MDC_VM_RESOURCE_MANAGER_URL",
    "TAP_MDC_VM_CA_BUNDLE",
}


def run(*arguments):
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_a_command_runs_beside_it_and_gives_its_exit_status():
    program = "import os; print(*sorted(n for n in os.environ if n.startswith('TAP_MDC_VM_'))); raise SystemExit(7)"
    ran = run(*SMALL, "--", sys.executable, "-c", program)
    assert (ran.returncode, set(ran.stdout.split()), ran.stderr) == (7, VARIABLES, "")


def test_a_command_gets_its_own_options_as_they_are():
    ran = run(*SMALL, "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--machines", "--", "serve")
    assert ran.stdout.strip() == "['--machines', '--', 'serve']"


def test_a_command_that_a_signal_ends_gives_128_and_its_number():
    assert run(*SMALL, "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)").returncode == 137


def test_a_port_that_is_taken_is_told_in_a_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run(*SMALL, "--port", str(taken.getsockname()[1]), "--", "true")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert ran.stderr.splitlines()[-1].endswith("choose another, or leave --port out")


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_is_none_is_told_in_a_line(port):
    ran = run(*SMALL, "--port", port, "--", "true")
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].endswith("argument --port: must be between 0 and 65535")


def test_a_tenant_with_oddities_says_that_they_are_meant():
    ran = run("--machines", "40", "--", "true")
    assert ran.returncode == 0
    assert ran.stderr == (
        "tap-mdc-vm-sandbox: the made-up tenant has oddities on purpose, so that warnings about it are meant: "
        "docs/sandbox.md#what-is-odd-in-the-tenant\n"
    )


def test_a_command_that_is_not_there_is_one_line():
    ran = run(*SMALL, "--", "no-such-command")
    assert ran.returncode == 127
    assert re.fullmatch(r"tap-mdc-vm-sandbox: no-such-command can't be started: .+\n", ran.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_prints_the_variables_and_leaves_nothing_behind(number):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the suite in the background ignores it
    with subprocess.Popen([*PROGRAM, "serve", *SMALL], stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in VARIABLES]
        values = dict(shlex.split(line)[0].split("=", 1) for line in lines)
        assert values.keys() == VARIABLES
        bundle = Path(values["TAP_MDC_VM_CA_BUNDLE"])
        assert bundle.is_file()
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
    assert not bundle.parent.exists()


def test_a_port_can_be_chosen():
    with subprocess.Popen([*PROGRAM, "serve", *SMALL], stdout=subprocess.PIPE, text=True) as process:
        port = next(line for line in process.stdout if "AUTHORITY_HOST" in line).strip().rpartition(":")[2]
        process.terminate()
    ran = run("--port", port, *SMALL, "--", "env")
    assert f"TAP_MDC_VM_AUTHORITY_HOST=https://127.0.0.1:{port}\n" in ran.stdout


def test_what_is_set_for_azure_is_taken_back_and_the_rest_stays(tmp_path):
    (tmp_path / ".env").write_text("export TAP_MDC_VM_SUBSCRIPTION_IDS=[]\nTAP_MDC_VM_CLOUD=AzureChinaCloud\nOTHER=1\n")
    set_for_azure = {
        "TAP_MDC_VM_MACHINE_TAGS": '{"a": "b"}',
        "TAP_MDC_VM_FEDERATED_TOKEN": "x",
        "AZURE_CLIENT_SECRET": "y",
    }
    kept = {"TAP_MDC_VM_PAGE_SIZE": "100", "TAP_MDC_VM_TRANSFORM_MAP": "none"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_MDC_VM_")}
    ran = subprocess.run(
        [*PROGRAM, *SMALL, "--", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"],
        env=environment | set_for_azure | kept,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    assert (found["TAP_MDC_VM_SUBSCRIPTION_IDS"], found["TAP_MDC_VM_MACHINE_TAGS"]) == ("[]", "{}")
    assert (found["TAP_MDC_VM_FEDERATED_TOKEN"], found["TAP_MDC_VM_CLOUD"]) == ("", "AzureCloud")
    assert "AZURE_CLIENT_SECRET" not in found
    assert "OTHER" not in found
    assert kept.items() <= found.items()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--machines", "3"],
        ["serve", "--", "true"],
        ["--machines", "-1", "--", "true"],
        ["--subscriptions", "0", "--", "true"],
        ["--fault", "nosuch", "--", "true"],
        ["--fault", "stall:often", "--", "true"],
        ["--quota", "15", "--", "true"],
        ["--nosuch", "--", "true"],
    ],
)
def test_bad_use_is_explained_without_a_traceback(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert said.startswith("usage: tap-mdc-vm-sandbox")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--machines", "many", "'many' is no whole number"),
        ("--list-limit", "1.5", "'1.5' is no whole number"),
        ("--port", "https", "'https' is no whole number"),
        ("--as-of", "yesterday", "'yesterday' is no date, such as 2026-11-26"),
        ("--fault", "nosuch", "'nosuch' is not KIND[:TIMES[:AFTER]]; --help lists the kinds"),
    ],
)
def test_a_bad_value_of_an_option_is_named_with_what_is_right(option, value, says, capsys):
    with pytest.raises(SystemExit):
        cli.main([option, value, "--", "true"])
    assert capsys.readouterr().err.endswith(f"argument {option}: {says}\n")


def test_options_become_a_sandbox():
    line = "--quota 3/1.5 --quota-window sliding --fault stall --fault short:always:2 --fault throttled:4"
    options = cli.build_parser().parse_args(shlex.split(line))
    assert options.quota == Quota(3, 1.5)
    assert options.quota_window is Window.SLIDING
    assert options.fault == [
        Fault(kind=Kind.STALL),
        Fault(kind=Kind.SHORT, times=None, after=2),
        Fault(kind=Kind.THROTTLED, times=4),
    ]
    assert cli.build_parser().parse_args(["--quota", "none"]).quota is None


EVERY_OPTION = """
--seed 3 --machines 45 --assessments-per-machine 2 --software-per-machine 3 --row-size 3000
--subscriptions 2 --as-of 2026-01-01
--auth-method client_certificate --token-lifetime 900 --unreadable 1 --denial 403 --trouble none
--port 0 --proxy --latency 0 --quota 30/5 --quota-window sliding --payload-limit 100000
--list-limit 9 --lacking make_set
--chaos 1 --chaos-share 0.1 --fault stall:1:99 --drift 2 --hash-mode signed
"""


def test_every_option_can_be_used_at_once(tmp_path):
    arguments = shlex.split(EVERY_OPTION)
    known = {option for action in cli.build_parser()._actions for option in action.option_strings} - {"-h", "--help"}
    assert known == {argument for argument in arguments if argument.startswith("--")}
    assert cli.main([*arguments, "--", sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'w').close()"]) == 0
    assert (tmp_path / "ran").exists()


def test_a_missing_extra_is_one_line_that_says_what_to_install(tmp_path):
    (tmp_path / "duckdb.py").write_text("raise ModuleNotFoundError(\"No module named 'duckdb'\", name='duckdb')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ran = subprocess.run(
        [*PROGRAM, "--", "true"], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert ran.returncode == 1
    assert ran.stderr == "duckdb is not installed: pip install 'tap-mdc-vm[sandbox]'\n"
