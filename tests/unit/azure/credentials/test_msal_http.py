"""What stands between msal and the network: which answers msal sees, and in which form."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

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

    def get(self, url, *, headers):
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


SECRET = "S~e.c+r/e\"t'<&> %ä"
SPELLINGS = {
    "JSON with every letter escaped": lambda secret: "".join(f"\\u{ord(each):04x}" for each in secret),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "an address": lambda secret: quote(secret, safe=""),
    "an address as .NET writes it": lambda secret: quote_plus(secret).lower().replace("s~e", "S~e"),
    "a form": quote_plus,
    "HTML": lambda secret: json.dumps(html.escape(secret))[1:-1],
    "HTML as .NET writes it": lambda secret: json.dumps(html.escape(secret).replace("&#x27;", "&#39;"))[1:-1],
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_in_no_error_however_it_is_spelled(spelling, status):
    spelled = SPELLINGS[spelling](SECRET)
    endpoint = Endpoint(status, {})
    said = '{"error": "unauthorized_client", "error_description": "AADSTS999999: new about %s. Trace ID: t"}'
    endpoint.answer = Answer(status, {}, (said % spelled).encode())
    http = MsalHttp(endpoint, lambda answer, _: None)
    answer = http.post(URL, data={"client_secret": SECRET})
    text = json.loads(answer.text)["error_description"].removesuffix(". Trace ID: t").rstrip("=")
    assert text == "AADSTS999999: new about ***"


@pytest.mark.parametrize(
    ("header", "value"), [("X-IDENTITY-HEADER", "k3y"), ("secret", "k3y"), ("Authorization", "Basic k3y")]
)
def test_the_key_of_a_managed_identity_is_in_no_error(header, value):
    http = MsalHttp(Endpoint(400, {"message": "k3y is not known"}), lambda answer, _: None)
    assert json.loads(http.get(URL, headers={header: value}).text) == {"message": "*** is not known"}
