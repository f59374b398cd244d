"""What stands between msal and the network: which answers msal sees, and in which form."""

import json

import pytest

from tap_mdc_vm.azure.credentials.msal_http import MsalHttp
from tap_mdc_vm.azure.credentials.token_endpoint import check_entra
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import SignInError

URL = "https://login.example/tenant/oauth2/v2.0/token"


class Endpoint:
    """A transport that gives one answer to everything."""

    def __init__(self, status, body):
        self.answer = Answer(status, {}, json.dumps(body).encode())

    def post(self, url, *, body, headers):
        return self.answer


def posted(status, body, data=None):
    return MsalHttp(Endpoint(status, body), check_entra).post(URL, data=data or {})


def test_seconds_that_come_as_text_become_numbers():
    token = {"access_token": "12", "expires_in": "3599", "ext_expires_in": "3599", "refresh_in": "1800"}
    seen = json.loads(posted(200, token).text)
    assert seen == {"access_token": "12", "expires_in": 3599, "ext_expires_in": 3599, "refresh_in": 1800}


@pytest.mark.parametrize("field", ["client_secret", "client_assertion"])
@pytest.mark.parametrize("secret", ["S~e.c-r_e/t+1=", 'with "quotes" and \\', b"a.signed.assertion"])
def test_what_an_endpoint_repeats_of_the_secret_is_in_no_error(field, secret):
    text = secret.decode() if isinstance(secret, bytes) else secret  # msal has an assertion of its own as bytes
    said = f"AADSTS999999: Something new about {text} here. Trace ID: t"
    refusal = {"error": "unauthorized_client", "error_description": said, "correlation_id": "c"}
    with pytest.raises(SignInError) as caught:
        posted(400, refusal, {field: secret, "client_id": "unauthorized"})
    assert text not in str(caught.value)
    assert "Something new about *** here." in str(caught.value)
    assert caught.value.code == "AADSTS999999"


SENT = {"client_secret": "S~e.c-r_e/t+1=", "client_id": "c"}


def test_msal_sees_of_a_token_only_what_it_uses():
    token = {"access_token": "12", "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "refresh_in": 9}
    seen = json.loads(posted(200, token | {"id_token": "x", "echo": SENT["client_secret"]}, SENT).text)
    assert seen == token


@pytest.mark.parametrize("token", [None, ""])
def test_what_an_endpoint_repeats_of_the_secret_beside_no_token_is_gone_too(token):
    seen = posted(200, {"access_token": token, "echo": f"It was {SENT['client_secret']}."}, SENT)
    assert json.loads(seen.text)["echo"] == "It was ***."
