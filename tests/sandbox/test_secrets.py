"""No secret, token, assertion or password in anything that a run writes, whatever the level and the ending."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tap_mdc_vm_sandbox.entra import Entra, Tokens
from tap_mdc_vm_sandbox.fleet import Fleet
from tap_mdc_vm_sandbox.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment")

PASSWORD = "not-a-real-passw0rd"
PROXY_PASSWORD = "not-a-real-pr0xy-password"
WRONG_SECRET = "Wr0ng~not-a-real-secret"
FEDERATED = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL25vLnN1Y2guaXNzdWVyLmludmFsaWQifQ.bm90LWEtcmVhbC1zaWduYXR1cmU"
LOGGING = """
version: 1
disable_existing_loggers: false
formatters: {plain: {format: "%(name)s %(levelname)s %(message)s"}}
handlers: {everything: {class: logging.StreamHandler, formatter: plain, stream: "ext://sys.stderr"}}
root: {level: NOTSET, handlers: [everything]}
"""


@pytest.fixture(scope="module")
def secrets():
    """Everything that must not be seen; what is made on the way is added."""
    return {PASSWORD, PROXY_PASSWORD, WRONG_SECRET, FEDERATED, FEDERATED.rpartition(".")[2]}


@pytest.fixture(scope="module")
def sandbox(secrets):
    issue, check = Tokens.issue, Entra._check_assertion

    def issuing(self, *claims):
        token = issue(self, *claims)
        secrets.update({token, token.rpartition(".")[2]})
        return token

    def checking(self, assertion, authority):
        secrets.update({assertion, assertion.rpartition(".")[2]})
        return check(self, assertion, authority)

    with pytest.MonkeyPatch.context() as patch, Sandbox(Fleet(machines=60), quota=None) as sandbox:
        patch.setattr(Tokens, "issue", issuing)
        patch.setattr(Entra, "_check_assertion", checking)
        secrets.add(sandbox.application.secret)
        yield sandbox


@pytest.fixture(scope="module")
def certificate_file(sandbox, secrets, tmp_path_factory):
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tap")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(100))
    certificate = builder.sign(key, hashes.SHA256())
    sandbox.application.certificates.append(certificate)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode()))
    secrets.update(line for line in pem.decode().splitlines() if "-----" not in line)
    path = tmp_path_factory.mktemp("certificate") / "app.pem"
    path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def run(sandbox, secrets, tmp_path):
    """Return a function that runs the command at debug level, scans all that it wrote, and returns it."""
    log = tmp_path / "logging.yml"
    log.write_text(LOGGING)

    def run(*arguments, expect=0, **changes):
        config = {
            name: value for name, value in (sandbox.config | changes.pop("config", {})).items() if value is not None
        }
        config_file = tmp_path / "config.json"
        config_file.write_text(json.dumps(config))
        ran = subprocess.run(
            [sys.executable, "-m", "tap_mdc_vm", "--config", str(config_file), *arguments],
            env={"PATH": os.environ["PATH"], "SINGER_SDK_LOG_CONFIG": str(log), **changes},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == expect, ran.stderr
        config_file.unlink()
        log.unlink()
        written = ran.stdout + ran.stderr + "".join(path.read_text() for path in tmp_path.iterdir())
        assert [secret for secret in secrets if secret in written] == []
        return ran

    return run


def signed_in_with(certificate_file, password=PASSWORD):
    return {
        "auth_method": "client_certificate",
        "client_secret": None,
        "client_certificate_path": str(certificate_file),
        "client_certificate_password": password,
    }


def test_the_scan_sees_what_is_written(run, secrets):
    secrets.add("microsoft.compute/virtualmachines")
    try:
        with pytest.raises(AssertionError, match=r"microsoft\.compute"):
            run()
    finally:
        secrets.remove("microsoft.compute/virtualmachines")


def test_a_whole_run_at_the_lowest_level(run):
    ran = run()
    assert "urllib3.connectionpool DEBUG" in ran.stderr
    assert "msal.token_cache DEBUG" in ran.stderr
    assert '"type":"STATE"' in ran.stdout


def test_a_whole_run_with_a_certificate(run, certificate_file):
    assert run(config=signed_in_with(certificate_file)).stdout


@pytest.mark.parametrize("option", ["--test", "--discover", "--about", "--about=--format=json"])
def test_the_other_commands(option, run):
    run(*option.split("=", 1))


def test_a_refused_secret(run):
    assert "AADSTS7000215" in run(expect=1, config={"client_secret": WRONG_SECRET}).stderr


def test_a_refused_secret_in_the_test_of_the_connection(run):
    assert "Traceback" in run("--test", expect=1, config={"client_secret": WRONG_SECRET}).stderr


def test_a_wrong_password_of_the_certificate(run, certificate_file):
    run(expect=1, config=signed_in_with(certificate_file, PASSWORD + "x"))


def test_a_refused_federated_token(run, tmp_path):
    token = tmp_path / "../token"
    token.write_text(FEDERATED)
    config = {"auth_method": "workload_identity", "client_secret": None, "federated_token_file": str(token)}
    assert "AADSTS700211" in run(expect=1, config=config).stderr


def test_secrets_of_the_wrong_type_and_in_the_wrong_place(run):
    run(expect=1, config={"client_secret": [WRONG_SECRET], "client_certificate_password": {WRONG_SECRET: 1}})


def test_a_secret_in_the_wrong_places(run):
    settings = ("tenant_id", "client_id", "cloud", "page_size", "on_incomplete", "authority_host")
    said = run(expect=1, config=dict.fromkeys(settings, WRONG_SECRET)).stderr
    assert [setting for setting in settings if setting not in said] == []


def test_a_proxy_that_is_not_there(run, closed_port):
    ran = run(expect=1, HTTPS_PROXY=f"http://me:{PROXY_PASSWORD}@127.0.0.1:{closed_port}")
    assert f"The proxy 127.0.0.1:{closed_port}" in ran.stderr


def test_a_query_that_is_refused_with_the_token_in_its_headers(run, sandbox, monkeypatch):
    monkeypatch.setattr(sandbox, "unreadable", {subscription.id for subscription in sandbox.fleet.subscriptions})
    assert "NoValidSubscriptionsInQueryRequest" in run(expect=1).stderr
