"""Test Connection: for each cause, the real situation, the check that fails, those not run, and what it says to do."""

import contextlib
import io
import logging
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from tap_mdc_vm import __main__ as entry
from tap_mdc_vm import clouds, connection_test, queries
from tap_mdc_vm.settings import Settings
from tap_mdc_vm_sandbox.fleet import Fleet
from tap_mdc_vm_sandbox.graph_api import Limits
from tap_mdc_vm_sandbox.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment")

CHECKS = [
    "Network Reachability",
    "TLS Handshake",
    "Authentication Credential Check",
    "Authorization Scope Check",
    "Data Fetch",
]
NOBODY = "6f1d2c3b-0000-4000-8000-0000000000ff"


@pytest.fixture(scope="module")
def tenant():
    """A tenant with oddities, that is stopped only at the end; :func:`sandbox` undoes what a test changes in it."""
    with Sandbox(Fleet(machines=60), quota=None) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(tenant):
    application, unreadable = replace(tenant.application), set(tenant.unreadable)
    yield tenant
    for name in ("secret", "secret_expired", "disabled"):
        setattr(tenant.application, name, getattr(application, name))
    tenant.unreadable.clear()
    tenant.unreadable.update(unreadable)


@pytest.fixture
def check(sandbox, capsys):
    """Return a function that runs the five checks, and returns the exit status and the lines printed."""

    def run(settings=None, **changes):
        status = 0
        try:
            connection_test.run(settings or Settings.from_config(sandbox.config | changes, {}))
        except SystemExit as stop:
            status = stop.code
        printed = capsys.readouterr()
        assert printed.out == ""
        return status, printed.err.splitlines()

    return run


@pytest.fixture
def failing(check):
    """Return a function that runs the checks, which must fail at one of them, and returns what that one says."""

    def run(at, *arguments, **changes):
        status, lines = check(*arguments, **changes)
        names = [line.partition(":")[0] for line in lines]
        before = CHECKS[: CHECKS.index(at)]
        assert names == [*(f"PASS {name}" for name in before), f"FAIL {at}"]
        assert status == 1
        return lines[-1]

    return run


@pytest.fixture
def passing(check):
    """Return a function that runs the checks, which must all pass, and returns the notes by name."""

    def run(*arguments, **changes):
        status, lines = check(*arguments, **changes)
        assert [line.partition(":")[0] for line in lines] == [f"PASS {name}" for name in CHECKS]
        assert status == 0
        return {name: line.partition(": ")[2] for name, line in zip(CHECKS, lines, strict=True)}

    return run


def test_all_five_pass_in_the_documents_order(passing):
    notes = passing()
    assert notes["Data Fetch"].startswith("Fetched virtual machines, network interfaces, assessments.")


# Network Reachability


@pytest.mark.parametrize("setting", ["authority_host", "resource_manager_url"])
def test_a_host_that_does_not_exist(setting, failing):
    said = failing("Network Reachability", **{setting: "https://no.such.host.invalid"})
    assert "The name of the host no.such.host.invalid does not resolve" in said
    assert setting in said


@pytest.mark.parametrize("setting", ["authority_host", "resource_manager_url"])
def test_a_port_on_which_nobody_listens(setting, failing, closed_port):
    said = failing("Network Reachability", **{setting: f"https://127.0.0.1:{closed_port}"})
    assert f"127.0.0.1:{closed_port}: Connection refused" in said
    assert "firewall" in said


def test_a_proxy_that_refuses(failing, serve, monkeypatch):
    proxy = serve(lambda _: (403, "Forbidden"), tls=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:hunter2@"))
    said = failing("Network Reachability")
    assert f"The proxy 127.0.0.1:{proxy.server_port} did not connect to 127.0.0.1:" in said
    assert "403 Forbidden" in said
    assert "HTTPS_PROXY" in said
    assert "hunter2" not in said


def test_a_proxy_that_is_not_there(failing, closed_port, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port}")
    assert f"The proxy 127.0.0.1:{closed_port}" in failing("Network Reachability")


def test_a_proxy_that_connects_is_named_and_used_throughout(passing, serve, monkeypatch):
    proxy = serve(lambda _: None, tls=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert f"through the proxy 127.0.0.1:{proxy.server_port}" in passing()["Network Reachability"]
    assert {request.method for request in proxy.requests} == {"CONNECT"}


# TLS Handshake


def test_a_certificate_that_is_not_trusted(failing):
    said = failing("TLS Handshake", ca_bundle=None)
    assert "issued by CN=" in said
    assert "set ca_bundle" in said


def test_another_authoritys_bundle(failing, trusted):
    assert "is not trusted" in failing("TLS Handshake", ca_bundle=trusted)


def test_a_host_that_does_not_speak_tls(failing, serve):
    url = serve(lambda _: b"", tls=False).url.replace("http:", "https:")
    assert "SSL" in failing("TLS Handshake", resource_manager_url=url)


# Authentication Credential Check


@pytest.mark.parametrize(
    ("setting", "code", "remedy", "section"),
    [
        ("tenant_id", "AADSTS90002", "Directory (tenant) ID", "unknown-tenant"),
        ("client_id", "AADSTS700016", "Application (client) ID", "unknown-application"),
        ("client_secret", "AADSTS7000215", "Certificates & secrets", "wrong-secret"),
    ],
)
def test_a_wrong_value(setting, code, remedy, section, failing):
    said = failing("Authentication Credential Check", **{setting: NOBODY})
    assert f"(code {code}, correlation id " in said
    assert remedy in said
    assert f"docs/troubleshooting.md#{section}" in said


@pytest.mark.parametrize(
    ("state", "code", "remedy"),
    [
        ("secret_expired", "AADSTS7000222", "Create a new one under Certificates & secrets"),
        ("disabled", "AADSTS7000112", "Enable it"),
    ],
)
def test_an_application_that_may_no_longer_sign_in(state, code, remedy, failing, sandbox):
    setattr(sandbox.application, state, True)
    said = failing("Authentication Credential Check")
    assert code in said
    assert remedy in said


def test_a_wrong_cloud(failing, sandbox):
    """The addresses are the sandbox's, as the real ones can't be reached; Entra ID knows no such audience."""
    settings = Settings.from_config(sandbox.config, {})
    other = clouds.Cloud("AzureUSGovernment", sandbox.url, sandbox.url.replace("127.0.0.1", "localhost"), "")
    said = failing("Authentication Credential Check", replace(settings, cloud=other, ca_bundle=str(sandbox.ca_bundle)))
    assert "AADSTS500011" in said
    assert "resource_manager_url is that of the tenant's cloud" in said


def test_a_page_of_somebody_else_in_entras_place(failing, serve, authority, *, sandbox, tmp_path, impatient):
    both = tmp_path / "both.pem"
    both.write_bytes(sandbox.ca_bundle.read_bytes() + authority.cert_pem.bytes())
    portal = serve(lambda _: (200, {"Content-Type": "text/html"}, b"<html>Sign in to the guest network</html>"))
    said = failing("Authentication Credential Check", authority_host=portal.url, ca_bundle=str(both))
    assert "answered 200 with text/html" in said
    assert "proxy" in said
    assert "guest" not in said


def test_a_machine_without_a_managed_identity(failing, closed_port, monkeypatch):
    monkeypatch.setattr("tap_mdc_vm.azure.retries._FIRST_CONTACT", 0)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{closed_port}")
    said = failing("Authentication Credential Check", auth_method="managed_identity")
    assert "No managed identity answers on this machine" in said
    assert "auth_method" in said


# Authorization Scope Check


def test_no_subscription_that_can_be_read(failing, sandbox):
    sandbox.unreadable.update(subscription.id for subscription in sandbox.fleet.subscriptions)
    said = failing("Authorization Scope Check")
    assert "can't read any subscription of this tenant" in said
    assert "Reader role" in said
    assert "code NoValidSubscriptionsInQueryRequest, correlation id " in said


def test_some_subscriptions_that_cannot_be_read_are_named(failing, sandbox):
    readable, hidden = sandbox.fleet.ordinary[0].id, sandbox.fleet.subscription("hidden").id
    said = failing("Authorization Scope Check", subscription_ids=[readable, hidden, NOBODY])
    assert f"can't read {hidden}, {NOBODY}." in said
    assert readable not in said


def test_a_management_group_that_does_not_exist_is_named(failing):
    said = failing("Authorization Scope Check", management_group_ids=["mg-staging", "mg-stagging"])
    assert "can't read mg-stagging." in said


def test_unreadable_ones_fail_the_test_even_where_a_run_would_only_warn(failing):
    assert NOBODY in failing("Authorization Scope Check", subscription_ids=[NOBODY], on_incomplete="warn")


def test_denial_by_403_is_no_access_too(capsys):
    with Sandbox(Fleet(machines=1), quota=None, limits=Limits(denial=403)) as sandbox:
        sandbox.unreadable.update(subscription.id for subscription in sandbox.fleet.subscriptions)
        with pytest.raises(SystemExit):
            connection_test.run(Settings.from_config(sandbox.config, {}))
    assert "FAIL Authorization Scope Check" in capsys.readouterr().err


def test_disabled_and_foreign_subscriptions_are_named(passing, sandbox):
    note = passing()["Authorization Scope Check"]
    assert f"{sandbox.fleet.subscription('disabled').id} (Disabled)" in note
    assert f"by Azure Lighthouse: {sandbox.fleet.subscription('lighthouse').id}." in note


def test_a_management_group_covers_what_lies_below_it(passing, sandbox):
    below = [each for each in sandbox.fleet.subscriptions if "mg-staging" in each.groups]
    notes = passing(management_group_ids=["MG-Staging"])
    assert notes["Authorization Scope Check"].startswith(f"{len(below)} subscriptions can be read.")


# Data Fetch


def test_an_empty_subscription_passes_with_a_note(passing, sandbox):
    notes = passing(subscription_ids=[sandbox.fleet.subscription("disabled").id])
    assert notes["Data Fetch"].startswith("No data yet")


def test_machines_without_findings_pass_with_what_to_check(passing, sandbox):
    note = passing(subscription_ids=[sandbox.fleet.subscription("quiet").id])["Data Fetch"]
    assert "Fetched virtual machines" in note
    assert f"Machines, but no assessment in: {sandbox.fleet.subscription('quiet').id}. Why: " in note


def test_machines_without_findings_in_china_say_why(passing, sandbox):
    quiet = sandbox.fleet.subscription("quiet").id
    assert (
        "retired Defender for Cloud in Azure China"
        in passing(cloud="AzureChinaCloud", subscription_ids=[quiet])["Data Fetch"]
    )


def test_a_query_that_azure_refuses(failing, monkeypatch):
    text = queries.text

    def bad(name):
        wrong = "| where nothing | where type" if name == "assessments" else "| where type"
        return text(name).replace("| where type", wrong)

    monkeypatch.setattr(queries, "text", bad)
    said = failing("Data Fetch")
    assert "refused a query" in said
    assert "correlation id" in said


WITHOUT_FINDINGS = Limits(lacking=frozenset({"securityresources"}))


def test_a_cloud_without_a_table_fails(failing):
    with Sandbox(Fleet(machines=1), quota=None, limits=WITHOUT_FINDINGS) as sandbox:
        said = failing("Data Fetch", Settings.from_config(sandbox.config, {}))
    assert "This cloud has no such table" in said


def test_where_that_is_tolerated_a_cloud_without_a_table_passes_and_the_streams_are_named(passing):
    changes = {"on_incomplete": "warn", "extra_streams": ["vulnerabilities", "software"]}
    with Sandbox(Fleet(machines=1), quota=None, limits=WITHOUT_FINDINGS) as sandbox:
        note = passing(Settings.from_config(sandbox.config | changes, {}))["Data Fetch"]
    assert note == (
        "Fetched virtual machines, network interfaces. This cloud lacks the table of assessments, software: they are"
        " left out, as on_incomplete is warn."
    )


# The command


def command(sandbox, *arguments, **changes):
    environment = {name: value for name, value in (sandbox.environment | changes).items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "tap_mdc_vm", *arguments],
        env={"PATH": "/usr/bin:/bin", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_goes_on_to_a_record_of_each_stream(sandbox):
    ran = command(sandbox, "--test")
    assert ran.returncode == 0, ran.stderr
    assert [line for line in ran.stderr.splitlines() if line.startswith(("PASS", "FAIL"))] == [
        line for line in ran.stderr.splitlines() if line.startswith(tuple(f"PASS {name}: " for name in CHECKS))
    ]
    for stream in ("virtual_machines", "network_interfaces", "assessments"):
        assert f'"stream":"{stream}"' in ran.stdout.replace(" ", "")


def test_the_command_stops_with_status_1_and_no_traceback(sandbox):
    ran = command(sandbox, "--test", TAP_MDC_VM_CLIENT_SECRET="not the secret")
    assert ran.returncode == 1
    assert "FAIL Authentication Credential Check" in ran.stderr
    assert "Authorization Scope Check" not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tenant_id", "contoso"),
        ("client_id", None),
        ("client_secret", None),
        ("auth_method", "password"),
        ("client_secret_expires_on", "soon"),
        ("subscription_ids", "production"),
        ("management_group_ids", "All of Contoso!"),
        ("cloud", "Azure"),
        ("authority_host", "http://login.microsoftonline.com"),
        ("resource_manager_url", "management.azure.com"),
        ("ca_bundle", "/nowhere.pem"),
        ("assessment_statuses", "Bad"),
        ("page_size", "5000"),
        ("max_concurrency", "none"),
        ("request_timeout", "-1"),
        ("on_incomplete", "ignore"),
        ("emit_activate_version_messages", "maybe"),
    ],
)
def test_the_first_line_about_a_bad_value_says_what_to_change(setting, value, tenant, monkeypatch, capsys):
    log = io.StringIO()
    logger = logging.getLogger("as the command's, but with a stream that other tests have not closed")
    monkeypatch.setattr(logger, "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(entry, "_LOGGER", logger)
    monkeypatch.setattr(sys, "argv", ["tap-mdc-vm", "--test"])
    for name, word in (tenant.environment | {f"TAP_MDC_VM_{setting.upper()}": value or ""}).items():
        monkeypatch.setenv(name, word)
    with pytest.raises(SystemExit) as stop:
        entry.main()
    assert stop.value.code == 1
    (line,) = log.getvalue().splitlines()
    assert line.startswith(f"{setting} ")
    assert "PASS" not in capsys.readouterr().err


def on_a_terminal(sandbox, **changes):
    """Run the command on a terminal of its own; return its status and what it shows there."""
    ours, its = pty.openpty()
    environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm", **sandbox.environment, **changes}
    command = [sys.executable, "-m", "tap_mdc_vm", "--test"]
    with subprocess.Popen(command, env=environment, stdout=its, stderr=its) as process:
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux tells that the other end is closed
            while piece := os.read(ours, 65_536):
                shown += piece
    os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n").splitlines()


def test_on_a_terminal_there_are_the_checks_in_colour_and_what_to_do_next(sandbox):
    status, lines = on_a_terminal(sandbox)
    assert status == 0
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).partition(":")[0] for line in lines[:-1]] == [
        f"PASS {c}" for c in CHECKS
    ]
    assert all(line.startswith("\x1b[32m") for line in lines[:-1])
    assert "meltano run tap-mdc-vm" in lines[-1]


def test_on_a_terminal_a_failure_is_red_and_last_but_one(sandbox):
    status, lines = on_a_terminal(sandbox, TAP_MDC_VM_CLIENT_SECRET="not the secret")
    assert status == 1
    assert lines[-2].startswith("\x1b[31m")
    assert "FAIL" in lines[-2]
    assert lines[-1] == "Mend that, then run the test again."


def test_no_stream_that_passed_is_called_failed(sandbox):
    ran = command(sandbox, "--test")
    assert '"status":"failed"' not in ran.stderr.replace(" ", "")
