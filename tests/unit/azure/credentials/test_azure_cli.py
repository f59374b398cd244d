"""The account that az login signed in: a stand-in for az, on PATH, checks what it is asked and answers by a script."""

import json
import os
import stat
import sys
import time

import pytest

from tap_mdc_vm.azure.credentials import azure_cli, tokens
from tap_mdc_vm.errors import ConnectionFailedError, MalformedAnswerError, SignInError, TimedOutError
from tap_mdc_vm.settings import Settings

pytestmark = pytest.mark.usefixtures("bare_environment")

TENANT = "6f1d2c3b-0000-4000-8000-00000000000a"
TOKEN = "eyJhbGciOi.eyJzdWIiOi.c2ln"
ARM = "https://management.azure.com"

STAND_IN = """#!{python}
import json, os, sys
folder = os.path.dirname(os.path.abspath(__file__))
with open(folder + "/asked", "a") as file:
    asked = {{"arguments": sys.argv[1:], "stdin": sys.stdin.read(), "environ": dict(os.environ)}}
    file.write(json.dumps(asked) + "\\n")
with open(folder + "/answer-" + sys.argv[2]) as file:
    answer = json.load(file)
sys.stdout.write(answer["out"])
sys.stderr.write(answer["error"])
sys.exit(answer["status"])
"""


class Az:
    """The stand-in, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        program = folder / "az"
        program.write_text(STAND_IN.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        self.answers(token())

    def answers(self, out="", *, error="", status=0, to="get-access-token"):
        out = out if isinstance(out, str) else json.dumps(out)
        (self.folder / f"answer-{to}").write_text(json.dumps({"out": out, "error": error, "status": status}))

    @property
    def asked(self):
        path = self.folder / "asked"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def token(value=TOKEN, lifetime=3600, **changes):
    end = int(time.time()) + lifetime
    local = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(end))
    return {
        "accessToken": value,
        "expiresOn": local,
        "expires_on": end,
        "tenant": TENANT,
        "tokenType": "Bearer",
    } | changes


@pytest.fixture
def az(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return Az(tmp_path)


def signing_in(**config):
    return tokens(Settings.from_config({"auth_method": "azure_cli", **config}, {}), None)


def refusal(kind=SignInError, **config):
    with pytest.raises(kind) as caught:
        signing_in(**config).token()
    assert "eyJ" not in str(caught.value)
    return caught.value


# What it is asked


def test_az_is_asked_for_a_token_of_resource_manager_and_nothing_on_its_input(az):
    assert signing_in().token() == TOKEN
    (asked,) = az.asked
    assert asked["arguments"] == ["account", "get-access-token", "--resource", ARM, "--output", "json"]
    assert asked["stdin"] == ""
    assert asked["environ"]["AZURE_CORE_NO_COLOR"] == "true"


def test_az_is_asked_for_the_tenant_that_is_set_and_for_the_clouds_resource_manager(az):
    signing_in(tenant_id=TENANT, cloud="AzureUSGovernment").token()
    assert az.asked[0]["arguments"][3:6] == ["https://management.usgovcloudapi.net", "--tenant", TENANT]


def test_az_trusts_what_the_tap_trusts(az, trusted):
    signing_in(ca_bundle=trusted).token()
    assert az.asked[0]["environ"]["REQUESTS_CA_BUNDLE"] == trusted


@pytest.mark.parametrize("lifetime", [3600, 120])
def test_a_token_is_kept_until_some_time_before_it_runs_out(az, lifetime):
    az.answers(token(lifetime=lifetime))
    source = signing_in()
    assert [source.token() for _ in range(3)] == [TOKEN] * 3
    assert len(az.asked) == 1


def test_a_token_that_runs_out_is_renewed(az):
    az.answers(token("first", lifetime=0))
    source = signing_in()
    assert source.token() == "first"
    az.answers(token("second"))
    assert [source.token(), source.token()] == ["second"] * 2
    assert len(az.asked) == 2


def test_a_token_that_was_refused_is_asked_for_anew(az):
    source = signing_in()
    source.renew(source.token())
    az.answers(token("second"))
    assert source.token() == "second"


def test_the_end_of_a_token_is_read_as_older_versions_write_it(az):
    answer = token()
    del answer["expires_on"]
    az.answers(answer)
    source = signing_in()
    source.token()
    source.token()
    assert len(az.asked) == 1


def test_the_account_is_named(az):
    az.answers({"user": {"name": "ada@contoso.example", "type": "user"}}, to="show")
    assert signing_in().account() == "ada@contoso.example"


@pytest.mark.parametrize("answer", [{"out": "{}"}, {"out": "[]"}, {"error": "no", "status": 1}])
def test_an_account_without_a_name_is_no_error(az, answer):
    az.answers(**answer, to="show")
    assert signing_in().account() == ""


# Ways to fail


def test_without_az_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal()
    assert error.message == "The Azure CLI (az) is not installed, or not on PATH."
    assert "`az login`" in error.remedy


def test_an_az_that_cannot_be_run_is_told(az):
    (az.folder / "az").write_text("#!/no/such/interpreter\n")
    assert "can't be run: No such file" in refusal().message


AZ_SAYS = {
    "nobody": ("ERROR: Please run 'az login' to setup account.", "Nobody is signed in", "`az login`"),
    "unknown user": (
        "ERROR: User 'ada' does not exist in MSAL token cache. Run `az login`.",
        "Nobody is signed in",
        "`az login`",
    ),
    "expired": (
        (
            "ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: t Correlation ID: c-1"
            " Timestamp: now\nInteractive authentication is needed. Please run:\naz login --scope"
            " https://management.core.windows.net//.default"
        ),
        "The sign-in to the Azure CLI has expired.",
        "`az login --scope https://management.core.windows.net//.default`",
    ),
    "frequency": (
        "ERROR: AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks.",
        "The sign-in to the Azure CLI has expired.",
        "`az login`",
    ),
    "password": ("ERROR: AADSTS50173: The provided grant has expired.", "has expired.", "`az login`"),
    "words": ("ERROR: The token has expired. Sign in again.", "has expired.", "`az login`"),
    "other tenant": (
        "ERROR: AADSTS50020: User account 'ada' from identity provider 'live.com' does not exist in tenant 'x'.",
        "is none of this tenant's.",
        "`az login`",
    ),
    "no such tenant": ("ERROR: AADSTS90002: Tenant 'x' not found.", "knows no such tenant", "Then type `az login`."),
    "claims": (
        (
            "ERROR: AADSTS50076: Due to a configuration change you must use multi-factor authentication.\n"
            'Run the command below to authenticate interactively:\naz logout\naz login --tenant "x"'
            ' --scope "https://management.azure.com/.default" --claims-challenge "ZXhhbXBsZQ=="'
        ),
        "A policy of the tenant wants more of the account",
        (
            'Type `az logout`, then `az login --tenant "x" --scope "https://management.azure.com/.default"'
            ' --claims-challenge "ZXhhbXBsZQ=="`.'
        ),
    ),
    "claims in words": (
        "WARNING: A claims challenge was returned.",
        "A policy of the tenant wants more of the account",
        "`az logout`, then `az login`",
    ),
    "policy": ("ERROR: AADSTS53003: Access has been blocked.", "Conditional Access policy blocks", "azure_cli"),
    "new": ("ERROR: AADSTS999999: The moon is in the wrong house.", "gave no token: The moon is", "get-access-token"),
    "broken": (
        "Traceback (most recent call last):\n  boom eyJa.eyJb.c",
        "gave no token: Traceback",
        "get-access-token",
    ),
}


@pytest.mark.parametrize("case", AZ_SAYS)
def test_each_way_to_fail_is_told_apart_with_what_to_type(case, az):
    said, meaning, remedy = AZ_SAYS[case]
    az.answers(error=said, status=1)
    error = refusal()
    assert meaning in error.message
    assert remedy in error.remedy
    assert "\n" not in str(error)


def test_an_az_that_ends_without_a_word_is_told_by_its_status(az):
    az.answers(status=127)
    assert "gave no token: it ended with status 127." in refusal().message


def test_colours_of_az_do_not_reach_the_terminal(az):
    az.answers(error="\x1b[31mERROR: The moon is in the wrong house.\x1b[0m", status=1)
    assert str(refusal()).isprintable()


def test_the_command_names_the_tenant_that_is_set(az):
    az.answers(error="ERROR: Please run 'az login' to setup account.", status=1)
    assert f"`az login --tenant {TENANT}`" in refusal(tenant_id=TENANT).remedy


def test_entras_code_and_correlation_id_are_passed_on(az):
    az.answers(error=AZ_SAYS["expired"][0], status=1)
    error = refusal()
    assert (error.code, error.correlation_id) == ("AADSTS700082", "c-1")


def test_a_token_of_another_tenant_is_not_used(az):
    error = refusal(tenant_id=TENANT.replace("a", "b"))
    assert "is none of this tenant's" in error.message
    assert TENANT in error.remedy


NO_TOKENS = [
    *("", "not JSON", "[]", "{}", token(expires_on="soon"), {"accessToken": "x"}),
    *(token(accessToken=None), token(accessToken=""), token(accessToken=5)),
]


@pytest.mark.parametrize("out", NO_TOKENS)
def test_an_answer_that_is_no_token_is_told(out, az, monkeypatch):
    monkeypatch.setattr("tap_mdc_vm.azure.retries._TRIES", 1)
    az.answers(out)
    assert "something that is no token" in refusal(MalformedAnswerError).message


def test_az_without_a_network_is_told(az, monkeypatch):
    monkeypatch.setattr("tap_mdc_vm.azure.retries._FIRST_CONTACT", 0)
    az.answers(error="ERROR: HTTPSConnectionPool(host='login'): Max retries exceeded with url: /", status=1)
    assert "no conversation with Entra ID" in refusal(ConnectionFailedError).message


def test_an_az_that_does_not_come_to_an_end_is_stopped(az, monkeypatch):
    monkeypatch.setattr(azure_cli, "_SECONDS", 0.2)
    monkeypatch.setattr("tap_mdc_vm.azure.retries._FIRST_CONTACT", 0)
    (az.folder / "az").write_text("#!/bin/sh\nexec sleep 60\n")
    assert "0.2 seconds" in refusal(TimedOutError).message
