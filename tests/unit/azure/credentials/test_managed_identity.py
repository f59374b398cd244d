"""Signing in with the identity of the machine: what its endpoints are asked, and what their answers mean."""

import json

import pytest

from tap_mdc_vm.azure.credentials import tokens
from tap_mdc_vm.azure.transport import Transport
from tap_mdc_vm.errors import ConnectionFailedError, SignInError
from tap_mdc_vm.settings import Settings

pytestmark = pytest.mark.usefixtures("bare_environment")

IDENTITY = "6f1d2c3b-0000-4000-8000-00000000000c"
GOOD = {"access_token": "not-a-real-token", "expires_in": "86399", "resource": "x", "token_type": "Bearer"}


def answering(status, body):
    return lambda _: (status, {"Content-Type": "application/json"}, json.dumps(body).encode())


@pytest.fixture
def source():
    """Return a function that makes a token source for some settings."""
    transports = []

    def make(**config):
        settings = Settings.from_config({"auth_method": "managed_identity", **config}, {})
        transports.append(Transport(ca_bundle=None, timeout=5, pool_size=1))
        return tokens(settings, transports[-1])

    yield make
    for transport in transports:
        transport.close()


@pytest.fixture
def machine(serve, monkeypatch):
    """Play the metadata endpoint of a virtual machine."""

    def start(answer):
        server = serve(answer, tls=False)
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url)
        return server

    return start


def query(request):
    path, _, text = request.path.partition("?")
    return path, dict(part.split("=") for part in text.split("&"))


def test_a_machine_is_asked_as_microsoft_documents_it(source, machine):
    server = machine(answering(200, GOOD))
    assert source(cloud="AzureUSGovernment").token() == "not-a-real-token"
    (request,) = server.requests
    path, asked = query(request)
    assert (request.method, path) == ("GET", "/metadata/identity/oauth2/token")
    assert request.headers["Metadata"] == "true"
    assert asked["resource"] == "https%3A%2F%2Fmanagement.usgovcloudapi.net"
    assert "client_id" not in asked


def test_a_user_assigned_identity_is_asked_for_by_its_client_id(source, machine):
    server = machine(answering(200, GOOD))
    source(client_id=IDENTITY.upper()).token()
    assert query(server.requests[0])[1]["client_id"] == IDENTITY


def test_a_token_is_kept(source, machine):
    server = machine(answering(200, GOOD))
    tokens = source()
    assert [tokens.token(), tokens.token()] == ["not-a-real-token"] * 2
    assert len(server.requests) == 1


def test_proxies_are_kept_off_the_machines_own_address(source, machine, monkeypatch):
    machine(answering(200, GOOD))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://no.such.proxy.invalid:1")
    assert source().token() == "not-a-real-token"


def test_a_machine_without_that_identity_says_so(source, machine, shared):
    recorded = json.loads((shared / "azure/rows/constructed/imds-error-identity-not-found.json").read_text())
    machine(answering(recorded["response"]["status"], recorded["response"]["body"]))
    with pytest.raises(SignInError, match=r"Identity not found.*for a user-assigned one, that client_id"):
        source().token()


def test_a_machine_that_is_not_in_azure_says_so(source, closed_port, monkeypatch):
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setattr("tap_mdc_vm.azure.retries._FIRST_CONTACT", 0)
    with pytest.raises(ConnectionFailedError, match="No managed identity answers on this machine"):
        source().token()


def test_app_service_is_asked_with_its_own_header(source, serve, monkeypatch):
    server = serve(answering(200, GOOD | {"expires_on": "4102444800"}), tls=False)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "not-a-real-header")
    assert source(client_id=IDENTITY).token() == "not-a-real-token"
    (request,) = server.requests
    assert request.headers["X-IDENTITY-HEADER"] == "not-a-real-header"
    assert query(request)[1]["client_id"] == IDENTITY


def test_the_key_of_azure_arc_that_may_not_be_read_is_told_with_the_group_that_may(source, serve, monkeypatch):
    challenge = {"WWW-Authenticate": "Basic realm=/var/opt/azcmagent/tokens/not-there.key"}
    server = serve(lambda _: (401, challenge, b""), tls=False)
    monkeypatch.setenv("IDENTITY_ENDPOINT", server.url)
    monkeypatch.setenv("IMDS_ENDPOINT", server.url)
    with pytest.raises(SignInError, match=r"No such file or directory.*himds"):
        source().token()


def test_service_fabric_is_said_not_to_be_supported(source, monkeypatch):
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"):
        monkeypatch.setenv(name, "https://127.0.0.1:1")
    with pytest.raises(SignInError, match="Service Fabric"):
        source().token()
