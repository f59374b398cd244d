"""Signing in as an application, against a stand-in for Entra ID that checks what it gets."""

import base64
import json
import os
import select
import socket
import socketserver
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tap_mdc_vm import connection_test
from tap_mdc_vm.azure.credentials import tokens as tokens_for
from tap_mdc_vm.azure.transport import Transport
from tap_mdc_vm.errors import SignInError
from tap_mdc_vm.settings import Settings
from tap_mdc_vm_sandbox.entra import FederatedCredential
from tap_mdc_vm_sandbox.fleet import Fleet
from tap_mdc_vm_sandbox.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment")

PASSWORD = "not-a-real-password"
ISSUER, SUBJECT = "https://token.actions.example", "repo:contoso/tap:environment:prod"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Fleet(machines=1, subscriptions=1)) as sandbox:
        yield sandbox


@pytest.fixture
def source(sandbox):
    """Return a function that makes a token source for the sandbox, with some settings changed."""
    transports = []

    def make(timeout=5, **changes):
        settings = Settings.from_config(sandbox.config | changes, {})
        transports.append(Transport(ca_bundle=settings.ca_bundle, timeout=timeout, pool_size=1))
        return tokens_for(settings, transports[-1])

    yield make
    for transport in transports:
        transport.close()


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(65537, 2048)


def refusal(source):
    with pytest.raises(SignInError) as caught:
        source.token()
    return caught.value


# Client secret


def test_the_secret_of_the_application_gives_a_token(source):
    assert source().token().count(".") == 2


def test_a_token_is_kept_until_it_is_refused(source, sandbox):
    tokens = source()
    before = len(sandbox.requests)
    first = tokens.token()
    assert [tokens.token() for _ in range(5)] == [first] * 5
    tokens.renew(first)
    assert tokens.token() != first
    assert sum(asked.kind == "token" for asked in sandbox.requests[before:]) == 2


@pytest.mark.parametrize(
    ("setting", "code", "remedy"),
    [
        ("client_secret", "AADSTS7000215", "Certificates & secrets"),
        ("client_id", "AADSTS700016", "client_id"),
        ("tenant_id", "AADSTS90002", "tenant_id"),
    ],
)
def test_a_wrong_value_is_told_by_code_correlation_id_and_remedy(setting, code, remedy, source):
    error = refusal(source(**{setting: "6f1d2c3b-0000-4000-8000-0000000000ff"}))
    assert error.code == code
    assert error.correlation_id
    assert remedy in error.remedy


@pytest.mark.parametrize(("state", "code"), [("secret_expired", "AADSTS7000222"), ("disabled", "AADSTS7000112")])
def test_an_expired_secret_and_a_disabled_application_are_told(state, code, source, sandbox, monkeypatch):
    monkeypatch.setattr(sandbox.application, state, True)
    assert refusal(source()).code == code


def test_a_resource_manager_that_entra_does_not_know_is_told(source):
    error = refusal(source(resource_manager_url="https://management.example.org"))
    assert error.code == "AADSTS500011"
    assert "resource_manager_url" in error.remedy


def test_a_refusal_is_asked_for_anew_and_not_replayed(source, sandbox, monkeypatch):
    tokens = source()
    monkeypatch.setattr(sandbox.application, "disabled", True)
    assert refusal(tokens).code == "AADSTS7000112"
    monkeypatch.setattr(sandbox.application, "disabled", False)
    assert tokens.token()


@pytest.fixture
def swallowing(sandbox):
    """Return a way to the sandbox that accepts its first connection and never answers on it."""
    held, port = [], urlsplit(sandbox.config["authority_host"]).port

    class Relay(socketserver.BaseRequestHandler):
        def handle(self):
            if not held:
                held.append(self.request.dup())
                return
            with socket.create_connection(("127.0.0.1", port)) as far:
                pipes = {self.request: far, far: self.request}
                while True:
                    for side in select.select(pipes, [], [], 10)[0]:
                        if not (content := side.recv(65536)):
                            return
                        pipes[side].sendall(content)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True  # one waits for a client that keeps its connection

        def shutdown_request(self, request):
            request.close()  # without an end that the client would see: the duplicate is still open

    with Server(("127.0.0.1", 0), Relay) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
    for each in held:
        each.close()


def test_a_first_connection_that_is_swallowed_has_a_second_try(source, swallowing, sandbox, monkeypatch):
    tokens = source(timeout=0.5, authority_host=swallowing)
    monkeypatch.setattr(tokens, "_sleep", lambda seconds: None)
    assert tokens.token()


# Client certificate


@pytest.fixture(scope="module")
def certificate(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tap")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=100))
        .sign(key, hashes.SHA256())
    )


@pytest.fixture(params=["pem", "encrypted pem", "pfx", "encrypted pfx"])
def certificate_settings(request, tmp_path, key, certificate):
    password = PASSWORD if request.param.startswith("encrypted") else None
    encryption = BestAvailableEncryption(PASSWORD.encode()) if password else NoEncryption()
    path = tmp_path / "app"
    if request.param.endswith("pem"):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    else:
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"tap", key, certificate, None, encryption))
    settings = {"auth_method": "client_certificate", "client_secret": None, "client_certificate_path": str(path)}
    return settings | {"client_certificate_password": password}


def test_a_registered_certificate_gives_a_token(certificate_settings, source, sandbox, certificate, monkeypatch):
    monkeypatch.setattr(sandbox.application, "certificates", [certificate])
    assert source(**certificate_settings).token()


def test_a_certificate_that_is_not_registered_is_told(certificate_settings, source):
    error = refusal(source(**certificate_settings))
    assert error.code == "AADSTS700027"
    assert "client_certificate_path" in error.remedy


def test_a_certificate_file_that_goes_away_is_told(certificate_settings, source):
    tokens = source(**certificate_settings)
    path = certificate_settings["client_certificate_path"]
    Path(path).write_bytes(b"")
    assert str(refusal(tokens)).startswith(f"client_certificate_path names {path!r}, which can no longer be read")


# Workload identity federation


def encoded(part):
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion(key, **changes):
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": "api://AzureADTokenExchange", "nbf": now, "exp": now + 600}
    signed = f"{encoded({'alg': 'RS256', 'typ': 'JWT'})}.{encoded(claims | changes)}"
    return f"{signed}.{encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.fixture
def token_file(tmp_path, key, sandbox, monkeypatch):
    monkeypatch.setattr(sandbox.application, "federated", [FederatedCredential(ISSUER, SUBJECT, key.public_key())])
    path = tmp_path / "token"
    path.write_text(assertion(key))
    return path


def federated(token_file):
    return {"auth_method": "workload_identity", "client_secret": None, "federated_token_file": str(token_file)}


def test_a_federated_token_is_exchanged(source, token_file):
    assert source(**federated(token_file)).token()


def test_a_token_file_that_rotates_is_read_anew(source, token_file, key):
    tokens = source(**federated(token_file))
    first = tokens.token()
    token_file.write_text(assertion(key, sub="somebody else"))
    tokens.renew(first)
    assert refusal(tokens).code == "AADSTS700213"
    token_file.write_text(assertion(key) + "\n")
    assert tokens.token()


@pytest.mark.parametrize(
    ("claim", "value", "code"),
    [
        ("iss", "https://elsewhere.example", "AADSTS700211"),
        ("aud", "api://azureadtokenexchange", "AADSTS700212"),
        ("sub", SUBJECT.upper(), "AADSTS700213"),
        ("exp", 1_600_000_000, "AADSTS700024"),
    ],
)
def test_a_federated_token_that_does_not_match_is_told(claim, value, code, *, source, token_file, key):
    token_file.write_text(assertion(key, **{claim: value}))
    error = refusal(source(**federated(token_file)))
    assert error.code == code
    assert "federated" in error.remedy.lower()


def test_a_token_file_that_goes_away_is_told(source, token_file):
    tokens = source(**federated(token_file))
    token_file.unlink()
    assert "federated_token_file" in str(refusal(tokens))


def test_an_assertion_is_in_no_error(source, token_file, key):
    token_file.write_text(assertion(key, sub="somebody else"))
    said = repr(refusal(source(**federated(token_file))))
    assert "eyJ" not in said


# CI services

BEARER = "not-a-real-bearer"
SERVICES = {
    "GitHub Actions": ("value", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    "Azure DevOps": ("oidcToken", "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_run_of_ten_minutes_signs_in_by_tokens_that_live_for_five(
    service, *, serve, trusted, tmp_path, key, monkeypatch
):
    field, address, bearer = SERVICES[service]
    real, passed = time.time, [0.0]

    def now():
        return real() + passed[0]

    monkeypatch.setattr(time, "time", now)  # msal's too
    handed_out = []

    def answer(request):
        assert request.headers["Authorization"] == f"Bearer {BEARER}"
        moment = int(now())
        handed_out.append(assertion(key, nbf=moment, exp=moment + 300))
        return 200, {}, json.dumps({field: handed_out[-1]}).encode()

    with Sandbox(Fleet(machines=1, subscriptions=1), token_lifetime=240, clock=now) as sandbox:
        sandbox.application.federated = [FederatedCredential(ISSUER, SUBJECT, key.public_key())]
        both = tmp_path / "both.pem"
        both.write_text(Path(trusted).read_text() + Path(sandbox.config["ca_bundle"]).read_text())
        changes = {"auth_method": "workload_identity", "client_secret": None, "ca_bundle": str(both)}
        settings = Settings.from_config(sandbox.config | changes, {address: serve(answer).url, bearer: BEARER})
        transport = Transport(ca_bundle=settings.ca_bundle, timeout=5, pool_size=1)
        tokens = tokens_for(settings, transport)
        monkeypatch.setattr(tokens, "_clock", now)
        found = []
        for _ in range(6):
            found.append(tokens.token())
            passed[0] += 120
        transport.close()
    assert len(set(found)) == len(set(handed_out)) == len(handed_out) == 6


# The Azure CLI


def test_the_account_of_az_reads_the_tenant_and_is_named(sandbox, source, tmp_path, monkeypatch, capsys):
    token = source().token()
    answers = {
        "get-access-token": {"accessToken": token, "expires_on": int(time.time()) + 3599},
        "show": {"user": {"name": "ada@contoso.example"}},
    }
    az = tmp_path / "az"
    az.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps({answers!r}[sys.argv[2]]))\n")
    az.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    without = {"auth_method": "azure_cli", "tenant_id": "", "client_id": "", "client_secret": ""}
    connection_test.run(Settings.from_config(sandbox.config | without, {}))
    assert "Signed in with azure cli as ada@contoso.example." in capsys.readouterr().err
