"""A federated token, wherever it comes from: a stand-in for the CI services checks what it is asked."""

import json

import pytest

from tap_mdc_vm.azure.credentials.federation import federated_token
from tap_mdc_vm.azure.transport import Transport
from tap_mdc_vm.errors import MalformedAnswerError, SignInError, ThrottledError, UnavailableError
from tap_mdc_vm.settings import Settings

pytestmark = pytest.mark.usefixtures("bare_environment")

IDS = dict.fromkeys(("tenant_id", "client_id"), "6f1d2c3b-0000-4000-8000-00000000000a")
TOKEN = "eyJhbGciOi.eyJzdWIiOi.c2ln"


def github(server):
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "gh-bearer",
    }


def azure_devops(server):
    return {
        "SYSTEM_OIDCREQUESTURI": f"{server.url}/oidctoken",
        "SYSTEM_ACCESSTOKEN": "ado-bearer",
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "0a0a",
    }


SERVICES = {"GitHub Actions": (github, "value"), "Azure DevOps": (azure_devops, "oidcToken")}
each_service = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture
def ask(trusted):
    transport = Transport(ca_bundle=trusted, timeout=5, pool_size=1)

    def ask(environ, **config):
        settings = Settings.from_config({"auth_method": "workload_identity", **IDS, **config}, environ)
        return federated_token(settings, transport)

    yield ask
    transport.close()


def answering(status, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: (status, headers, content)


def test_github_is_asked_as_it_documents(ask, serve):
    server = serve(answering(200, {"count": 1, "value": TOKEN}))
    assert ask(github(server)) == TOKEN
    (request,) = server.requests
    assert (request.method, request.body) == ("GET", b"")
    assert request.path == "/token?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"
    assert request.headers["Authorization"] == "Bearer gh-bearer"


def test_azure_devops_is_asked_as_it_documents(ask, serve):
    server = serve(answering(200, {"oidcToken": TOKEN}))
    assert ask(azure_devops(server)) == TOKEN
    (request,) = server.requests
    assert (request.method, request.body) == ("POST", b"")
    assert request.path == "/oidctoken?api-version=7.1&serviceConnectionId=0a0a"
    assert request.headers["Authorization"] == "Bearer ado-bearer"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Content-Length"] == "0"


def test_a_pipeline_without_a_service_connection_asks_for_its_own_token(ask, serve):
    server = serve(answering(200, {"oidcToken": TOKEN}))
    ask(azure_devops(server) | {"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": ""})
    assert server.requests[0].path == "/oidctoken?api-version=7.1"


@each_service
def test_each_sign_in_has_a_token_of_its_own(service, ask, serve):
    environ, field = SERVICES[service]
    numbers = iter(range(9))
    server = serve(lambda _: (200, {}, json.dumps({field: f"a.b.{next(numbers)}"}).encode()))
    assert [ask(environ(server)) for _ in range(2)] == ["a.b.0", "a.b.1"]


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404])
@each_service
def test_a_service_that_gives_none_is_named(service, status, ask, serve):
    environ, _ = SERVICES[service]
    server = serve(answering(status, {"message": "bearer gh-bearer ado-bearer"}))
    with pytest.raises(SignInError, match=f"{service} gave no federated token: it answered {status}") as caught:
        ask(environ(server))
    assert "bearer" not in str(caught.value)


@pytest.mark.parametrize(("status", "kind"), [(429, ThrottledError), (503, UnavailableError)])
def test_a_service_in_trouble_is_asked_again_later(status, kind, ask, serve):
    with pytest.raises(kind) as caught:
        ask(github(serve(answering(status, b"", **{"Retry-After": "7"}))))
    assert caught.value.wait == 7


@pytest.mark.parametrize("body", [b"<html>", [], {}, {"value": None}, {"value": "no token"}, {"oidcToken": TOKEN}])
def test_an_answer_without_a_token_is_told(body, ask, serve):
    with pytest.raises(MalformedAnswerError, match="GitHub Actions answered 200 without a federated token"):
        ask(github(serve(answering(200, body))))


def test_a_token_from_a_variable_is_taken_as_it_is(ask):
    assert ask({}, federated_token=TOKEN) == TOKEN
