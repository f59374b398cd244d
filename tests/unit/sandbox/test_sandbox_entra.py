"""The sandbox's Entra ID: what it gives, what it refuses, and that its refusals have the form of the recorded ones."""

import base64
import json
import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from tap_mdc_vm_sandbox.credentials import ISSUER, SUBJECT, AuthMethod, Credentials, Trouble
from tap_mdc_vm_sandbox.entra import ASSERTION_TYPE, Application, Entra, TokenProblem, Tokens
from tap_mdc_vm_sandbox.managed_identity import PATH, ManagedIdentity
from tap_mdc_vm_sandbox.server import Request

TENANT, CLIENT = "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-000000000000"
ARM = "https://arm.example"
HOST = "entra.example:443"
AUTHORITY = f"https://{HOST}/{TENANT}"


class Clock:
    now = datetime(2026, 1, 15, 8, tzinfo=UTC).timestamp()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def application():
    return Application(TENANT, CLIENT)


@pytest.fixture
def tokens(application, clock):
    return Tokens(application, ARM, lifetime=3599, clock=clock)


@pytest.fixture
def post(application, tokens, clock):
    """A function that posts a form to the token endpoint."""
    entra = Entra(application, tokens, clock=clock)

    def posted(tenant=TENANT, **changes):
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "scope": f"{ARM}/.default", "client_info": "1"}
        form = {name: value for name, value in (form | changes).items() if value is not None}
        path = f"/{tenant}/oauth2/v2.0/token"
        response = entra.answer(Request("POST", path, {}, {"host": HOST}, urlencode(form).encode()))
        return response.status, json.loads(response.body)

    return posted


def discover(entra, tenant):
    path = f"/{tenant}/v2.0/.well-known/openid-configuration"
    response = entra.answer(Request("GET", path, {}, {"host": HOST}, b""))
    return response.status, json.loads(response.body)


def test_discovery_names_the_endpoints_of_the_tenant(application, tokens, clock, shared):
    status, body = discover(Entra(application, tokens, clock=clock), TENANT)
    recorded = json.loads((shared / "azure/rows/constructed/entra-openid-configuration.json").read_text())["response"]
    assert status == 200
    assert recorded["body"].keys() <= body.keys()
    assert body["token_endpoint"] == f"{AUTHORITY}/oauth2/v2.0/token"
    assert body["issuer"] == f"{AUTHORITY}/v2.0"


@pytest.mark.parametrize("resource", [ARM, "https://management.azure.com", "https://management.core.windows.net/"])
def test_a_token_is_for_what_it_was_asked_for_and_verified_by_the_key_that_discovery_names(
    post, application, tokens, clock, resource
):
    clock.now += 0.75
    status, body = post(client_secret=application.secret, scope=f"{resource}/.default")
    entra = Entra(application, tokens, clock=clock)
    address = discover(entra, TENANT)[1]["jwks_uri"].removeprefix(f"https://{HOST}")
    (key,) = json.loads(entra.answer(Request("GET", address, {}, {"host": HOST}, b"")).body)["keys"]
    assert jwt.get_unverified_header(body["access_token"]) == {"typ": "JWT", "alg": "RS256", "kid": key["kid"]}
    options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims = jwt.decode(body["access_token"], jwt.PyJWK(key), ["RS256"], audience=resource, options=options)
    assert status == 200
    assert (claims["tid"], claims["appid"]) == (TENANT, CLIENT)
    assert (claims["iat"], claims["exp"]) == (int(clock.now), int(clock.now) + 3599)
    assert all(type(claims[name]) is int for name in ("iat", "nbf", "exp"))
    tokens.check(f"Bearer {body['access_token']}")


def test_a_token_for_something_else_is_not_given(post, application):
    assert post(client_secret=application.secret, scope="https://graph.microsoft.com/.default")[1]["error_codes"] == [
        500011
    ]


def test_instance_discovery_knows_the_host_that_is_asked(application, tokens, clock):
    entra = Entra(application, tokens, clock=clock)
    body = json.loads(entra.answer(Request("GET", "/common/discovery/instance", {}, {"host": HOST}, b"")).body)
    assert body["metadata"][0]["aliases"] == [HOST]
    assert body["tenant_discovery_endpoint"].startswith(AUTHORITY)


def test_the_secret_gives_a_token_that_arm_accepts(post, application, tokens):
    status, body = post(client_secret=application.secret)
    assert status == 200
    assert body.keys() == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert body["expires_in"] == 3599
    tokens.check(f"Bearer {body['access_token']}")


def refused(form_status_body, number):
    status, body = form_status_body
    assert body["error_codes"] == [number]
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert re.search(
        r" Trace ID: \S+ Correlation ID: \S+ Timestamp: 2026-01-15 \d\d:\d\d:\d\dZ$", body["error_description"]
    )
    return status, body["error"]


def test_refusals_of_secrets_and_names(post, application):
    good = {"client_secret": application.secret}
    assert refused(post(client_secret="wrong"), 7000215) == (401, "invalid_client")
    assert refused(post(**good, client_id=TENANT), 700016) == (400, "unauthorized_client")
    assert refused(post(**good, tenant=CLIENT), 90002) == (400, "invalid_request")
    assert refused(post(**good, scope=ARM), 1002012) == (400, "invalid_scope")
    assert refused(post(**good, scope="https://other.example/.default"), 500011) == (400, "invalid_resource")
    assert refused(post(**good, grant_type="password"), 70003) == (400, "unsupported_grant_type")
    assert refused(post(), 7000218) == (401, "invalid_client")
    application.secret_expired = True
    assert refused(post(**good), 7000222) == (401, "invalid_client")
    application.disabled = True
    assert refused(post(**good), 7000112) == (400, "unauthorized_client")


def test_an_unknown_tenant_is_refused_at_discovery(application, tokens, clock):
    assert refused(discover(Entra(application, tokens, clock=clock), CLIENT), 90002) == (400, "invalid_tenant")


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("captured/entra-error-7000215-wrong-secret.json", {"client_secret": "wrong"}),
        ("captured/entra-error-700016-unknown-application.json", {"client_id": TENANT}),
        ("captured/entra-error-90002-unknown-tenant-token.json", {"tenant": CLIENT}),
        ("captured/entra-error-700213-no-federated-record.json", {"federated": "stranger"}),
        ("constructed/entra-error-1002012-bad-scope.json", {"scope": ARM}),
    ],
)
def test_a_refusal_has_status_error_and_keys_of_the_recorded_one(post, shared, application, tmp_path, *, file, changes):
    recorded = json.loads((shared / "azure/rows" / file).read_text())["response"]
    if subject := changes.pop("federated", None):
        credentials = Credentials(application, AuthMethod.WORKLOAD_IDENTITY, Trouble.NONE, tmp_path, clock=Clock())
        credentials.write_federated_token(subject=subject)
        changes = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": (tmp_path / "federated-token").read_text(),
        }
    else:
        changes = {"client_secret": application.secret} | changes
    status, body = post(**changes)
    assert (status, body["error"], body["error_codes"]) == (
        recorded["status"],
        recorded["body"]["error"],
        recorded["body"]["error_codes"],
    )
    assert list(body) == list(recorded["body"])


def test_no_refusal_repeats_what_was_secret(post):
    assert "hunter2" not in json.dumps(post(client_secret="hunter2"))


# Certificates


@pytest.fixture
def certified(application, clock, tmp_path):
    """The key of a registered certificate."""
    credentials = Credentials(application, AuthMethod.CLIENT_CERTIFICATE, Trouble.NONE, tmp_path, clock=clock)
    return credentials._key


def assertion(key, certificate, clock, *, algorithm="PS256", x5t="x5t#S256", **claims):
    fingerprint = certificate.fingerprint(SHA256() if x5t == "x5t#S256" else SHA1())
    header = {x5t: base64.urlsafe_b64encode(fingerprint).rstrip(b"=").decode()}
    base = {
        "aud": f"{AUTHORITY}/oauth2/v2.0/token",
        "iss": CLIENT,
        "sub": CLIENT,
        "nbf": clock(),
        "exp": clock() + 600,
        "jti": "1",
    }
    return {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(base | claims, key, algorithm=algorithm, headers=header),
    }


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
@pytest.mark.parametrize("x5t", ["x5t", "x5t#S256"])
def test_a_registered_certificate_signs_in(post, application, certified, clock, *, algorithm, x5t):
    status, _ = post(**assertion(certified, application.certificates[0], clock, algorithm=algorithm, x5t=x5t))
    assert status == 200


def test_refusals_of_certificates(post, application, certified, clock):
    certificate = application.certificates[0]
    stranger = rsa.generate_private_key(65537, 2048)
    invalid = (401, "invalid_client")
    assert refused(post(**assertion(stranger, certificate, clock)), 700027) == invalid
    assert refused(post(**assertion(certified, certificate, clock, aud="https://elsewhere")), 700023) == invalid
    assert refused(post(**assertion(certified, certificate, clock, sub=TENANT)), 700021) == invalid
    assert refused(post(**assertion(certified, certificate, clock, exp=clock() - 301)), 700024) == invalid
    assert refused(post(**assertion(certified, certificate, clock, nbf=clock() + 301)), 700024) == invalid
    application.certificates.clear()
    assert refused(post(**assertion(certified, certificate, clock)), 700027) == invalid


def test_what_is_no_jwt_is_malformed(post):
    for nonsense in ("", "a.b", "a.b.c", "e30.e30", "W10.W10.W10"):
        changes = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": nonsense or " "}
        assert refused(post(**changes), 50027) == (400, "invalid_request")


# Federation


@pytest.fixture
def federated(application, clock, tmp_path):
    return Credentials(application, AuthMethod.WORKLOAD_IDENTITY, Trouble.NONE, tmp_path, clock=clock)


def with_token(claims, key):
    token = jwt.encode(claims, key, algorithm="RS256")
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


def test_a_federated_token_signs_in_until_it_has_expired(post, federated, clock, tmp_path):
    text = (tmp_path / "federated-token").read_text()
    changes = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
    assert post(**changes)[0] == 200
    clock.now += 3600 + 301
    assert refused(post(**changes), 700024) == (401, "invalid_client")
    federated.write_federated_token()
    changes["client_assertion"] = (tmp_path / "federated-token").read_text()
    assert post(**changes)[0] == 200


def test_refusals_of_federated_tokens(post, federated, clock):
    good = {"iss": ISSUER, "sub": SUBJECT, "aud": "api://AzureADTokenExchange", "exp": clock() + 60}
    key = federated._key
    invalid = (401, "invalid_client")
    assert refused(post(**with_token(good | {"iss": "https://else"}, key)), 700211) == invalid
    assert refused(post(**with_token(good | {"sub": SUBJECT.upper()}, key)), 700213) == invalid
    assert refused(post(**with_token(good | {"aud": "else"}, key)), 700212) == invalid
    stranger = rsa.generate_private_key(65537, 2048)
    assert refused(post(**with_token(good, stranger)), 50013) == invalid
    assert post(**with_token(good, key))[0] == 200


# Tokens


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "AuthenticationFailed"),
        ("", "AuthenticationFailed"),
        ("Basic abc", "AuthenticationFailed"),
        ("Bearer", "AuthenticationFailed"),
        ("Bearer abc", "InvalidAuthenticationToken"),
        ("Bearer e30.e30.abc", "InvalidAuthenticationToken"),
    ],
)
def test_arm_refuses_what_is_no_token_of_ours(tokens, authorization, code):
    with pytest.raises(TokenProblem) as caught:
        tokens.check(authorization)
    assert caught.value.code == code


def test_arm_refuses_a_token_whose_time_is_over(tokens, clock):
    token = tokens.issue()
    clock.now += 3598
    tokens.check(f"Bearer {token}")
    clock.now += 1
    with pytest.raises(TokenProblem) as caught:
        tokens.check(f"Bearer {token}")
    assert caught.value.code == "ExpiredAuthenticationToken"
    assert str(caught.value) == (
        "The access token expiry UTC time '1/15/2026 8:59:59 AM' is earlier than "
        "current UTC time '1/15/2026 8:59:59 AM'."
    )


def test_tokens_can_be_ended_and_new_ones_are_good(tokens):
    old = tokens.issue()
    tokens.expire()
    with pytest.raises(TokenProblem):
        tokens.check(f"Bearer {old}")
    tokens.check(f"Bearer {tokens.issue()}")


# Managed identity


@pytest.fixture
def metadata(application, tokens, clock):
    identity = ManagedIdentity(application, tokens, clock=clock)

    def got(headers=None, **changes):
        parameters = {"api-version": "2018-02-01", "resource": f"{ARM}/"} | changes
        parameters = {name: value for name, value in parameters.items() if value is not None}
        headers = {"metadata": "true"} if headers is None else headers
        response = identity.answer(Request("GET", PATH, parameters, headers, b""))
        return response.status, json.loads(response.body)

    return got


def test_a_machine_gets_a_token_for_its_identities(metadata, tokens, clock):
    for changes in ({}, {"client_id": CLIENT.upper()}):
        status, body = metadata(**changes)
        assert status == 200
        tokens.check(f"Bearer {body['access_token']}")
        assert body["expires_in"] == "3599"
        assert int(body["expires_on"]) == clock() + 3599


def test_refusals_of_the_metadata_endpoint(metadata, shared):
    recorded = json.loads((shared / "azure/rows/constructed/imds-error-identity-not-found.json").read_text())[
        "response"
    ]
    status, body = metadata(client_id=TENANT)
    assert (status, body) == (recorded["status"], recorded["body"])
    assert metadata(headers={}) == (
        400,
        {"error": "invalid_request", "error_description": "Required metadata header not specified"},
    )
    assert metadata(resource=None)[0] == metadata(resource="https://else")[0] == 400
    assert metadata(**{"api-version": None})[0] == 400
