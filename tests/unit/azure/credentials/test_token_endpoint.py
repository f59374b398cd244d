"""What an answer of a token endpoint means, from recorded answers and from those that a table must cover."""

import json

import pytest

from tap_mdc_vm.azure.credentials.token_endpoint import (
    ADVICE,
    check_entra,
    check_managed_identity,
    identity_refusal,
    refusal,
)
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import MalformedAnswerError, SignInError, ThrottledError, UnavailableError

HOST = "login.microsoftonline.com"


def answer(status, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def refused(number, error="invalid_client", description="Something. More."):
    said = f"AADSTS{number}: {description} Trace ID: t Correlation ID: c Timestamp: now"
    with pytest.raises(SignInError) as caught:
        check_entra(answer(401, {"error": error, "error_description": said, "correlation_id": "c"}), HOST)
    return caught.value


def trouble(given, check=check_entra):
    with pytest.raises((ThrottledError, UnavailableError, MalformedAnswerError)) as caught:
        check(given, HOST)
    return caught.value


# Recorded at Azure

MEANINGS = {
    "7000215-wrong-secret": ("client secret is wrong", "Certificates & secrets"),
    "7000222-expired-secret": ("client secret has expired", "Certificates & secrets"),
    "700016-unknown-application": ("knows no such application", "client_id"),
    "90002-unknown-tenant-discovery": ("knows no such tenant", "tenant_id"),
    "90002-unknown-tenant-token": ("knows no such tenant", "cloud"),
    "700027-certificate-not-registered": ("certificate is not registered", "Certificates"),
    "70021-no-federated-record": ("No federated credential", "subject"),
    "700213-no-federated-record": ("No federated credential", "case counts"),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_recorded_refusal_has_its_meaning_remedy_code_and_correlation_id(name, shared):
    recorded = json.loads((shared / f"azure/rows/captured/entra-error-{name}.json").read_text())["response"]
    with pytest.raises(SignInError) as caught:
        check_entra(answer(recorded["status"], recorded["body"]), HOST)
    error = caught.value
    meaning, remedy = MEANINGS[name]
    assert meaning in error.message
    assert remedy in error.remedy
    assert error.code == f"AADSTS{name.split('-')[0]}"
    assert error.correlation_id == recorded["body"]["correlation_id"]
    assert recorded["body"]["error_description"] not in str(error)


def test_every_recorded_refusal_is_known(shared):
    recorded = {
        path.stem.removeprefix("entra-error-") for path in (shared / "azure/rows/captured").glob("entra-error-*")
    }
    assert recorded == set(MEANINGS)


# The table


NUMBERS = [(number, advice) for advice in ADVICE for number in advice.numbers]


@pytest.mark.parametrize(("number", "advice"), NUMBERS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_known_number_gives_its_advice(number, advice):
    error = refused(number)
    assert ("Something" in str(error)) == advice.quotes
    assert error.message.startswith(advice.meaning)
    assert str(error).endswith(f"(code AADSTS{number}, correlation id c)")
    assert "\n" not in str(error)


def test_no_number_has_two_meanings():
    assert len({number for number, _ in NUMBERS}) == len(NUMBERS)


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        (7002137, "No federated credential"),
        (7002138, "No federated credential"),
        (50013, "can't verify the signed assertion"),
        (500137, "can't verify the signed assertion"),
        (500133, "outside its time of validity"),
        (7000218, "without the credential"),
        (530035, "Conditional Access"),
        (50196, "for a loop"),
        (900021, "knows no such tenant"),
        (700082, "sign-in to the Azure CLI has expired"),
    ],
)
def test_a_number_with_more_digits_is_a_finer_distinction(number, meaning):
    assert meaning in refused(number).message


def test_a_subject_that_differs_by_letter_case_alone_is_said_so():
    said = (
        "No matching federated identity record found for presented assertion subject 'repo:Contoso/tap:ref:refs/heads"
        "/main'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison."
    )
    error = refused(7002138, description=said)
    assert "not with case-sensitive comparison" in error.message
    assert "case counts" in error.remedy


def test_an_unknown_number_falls_back_on_what_entra_says():
    error = refused(999999, description="The moon is in the wrong house. Trace it.")
    assert error.message == "Entra ID refused the sign-in: The moon is in the wrong house. Trace it."
    assert error.code == "AADSTS999999"


def test_a_refusal_without_a_number_has_the_word_of_the_standard_as_its_code():
    with pytest.raises(SignInError) as caught:
        check_entra(answer(400, {"error": "invalid_grant"}), HOST)
    assert caught.value.code == "invalid_grant"


@pytest.mark.parametrize("payload", [{}, {"token_type": "Bearer"}, {"error": ""}, {"error_description": "None."}])
def test_an_answer_with_neither_token_nor_error_says_so_and_sends_nobody_to_look_up_a_code(payload):
    error = refusal({**payload, "correlation_id": "1-2"})
    assert type(error) is MalformedAnswerError
    assert error.message == "The token endpoint's answer has neither an access_token nor an error."
    assert "code" not in str(error)
    assert str(error).endswith("(correlation id 1-2)")


@pytest.mark.parametrize(
    "description",
    [
        "The assertion eyJhbGciOi.eyJzdWIiOi.c2ln-bmF0 is bad. Yes.",
        "Bad: eyJhbGciOi.eyJzdWIiOi.c2ln-bmF0\r\nTrace ID: x",
    ],
)
def test_what_looks_like_a_token_is_taken_out_of_what_entra_says(description):
    error = refused(999999, description=description)
    assert "eyJ" not in str(error)
    assert "***" in str(error)


def test_a_long_sentence_is_cut():
    assert len(refused(999999, description="x" * 5000).message) < 500


# Trouble


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, ThrottledError),
        (408, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
        (599, UnavailableError),
    ],
)
@pytest.mark.parametrize("check", [check_entra, check_managed_identity])
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", {"error": "temporarily_unavailable"}])
def test_a_service_in_trouble_is_asked_again(status, kind, check, body):
    found = trouble(answer(status, body, Retry_After="7"), check)
    assert type(found) is kind
    assert HOST in found.message
    assert found.wait == 7


@pytest.mark.parametrize("header", [{}, {"Retry_After": "soon"}, {"Retry_After": "-1"}])
def test_a_wait_that_cannot_be_read_is_none(header):
    assert trouble(answer(503, b"", **header)).wait is None


@pytest.mark.parametrize("status", [200, 302, 400, 404])
@pytest.mark.parametrize("body", [b"", b"<html>Please sign in to the guest network</html>", b"[1]"])
def test_somebody_who_answers_in_entras_place_is_told_apart(status, body):
    found = trouble(answer(status, body, Content_Type="text/html; charset=utf-8"))
    assert type(found) is MalformedAnswerError
    assert f"answered {status} with text/html" in found.message
    assert "guest network" not in str(found)


def test_json_of_somebody_else_is_told_apart_too():
    assert type(trouble(answer(404, {"message": "no route"}))) is MalformedAnswerError


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
def test_entra_that_says_it_is_not_available_is_asked_again_whatever_the_status(error):
    said = {"error": error, "error_description": "AADSTS90033: A transient error. Trace ID: t", "correlation_id": "c"}
    found = trouble(answer(400, said))
    assert type(found) is UnavailableError
    assert (found.code, found.correlation_id) == ("AADSTS90033", "c")


@pytest.mark.parametrize("error", ["a whole sentence", "e" * 5000, {"code": ["x"]}, 5])
def test_a_code_that_is_no_word_is_not_passed_on(error):
    found = refusal({"error": error, "error_description": "Something new."})
    assert type(found) is SignInError
    assert (found.message, found.code) == ("Entra ID refused the sign-in: Something new.", "")


def test_an_answer_fit_for_use_passes():
    check_entra(answer(200, {"access_token": "x"}), HOST)
    check_managed_identity(answer(200, {"access_token": "x"}), HOST)


# Managed identities


@pytest.mark.parametrize("status", [404, 410])
def test_statuses_that_microsoft_says_to_retry_are(status):
    assert type(trouble(answer(status, b""), check_managed_identity)) is UnavailableError


def test_the_challenge_of_azure_arc_passes():
    check_managed_identity(answer(401, b"", WWW_Authenticate="Basic realm=/var/opt/azcmagent/tokens/x.key"), HOST)


@pytest.mark.parametrize(
    ("status", "body", "said", "code", "correlation_id"),
    [
        (400, {"error": "no", "error_description": "Identity not found"}, "Identity not found", "no", ""),
        (400, {"statusCode": 400, "message": "No MSI found.", "correlationId": "c"}, "No MSI found", "", "c"),
        (401, {"message": "Unauthorized"}, "Unauthorized", "", ""),
        (403, {"error": {"code": "Forbidden", "message": "Not here."}}, "Not here", "Forbidden", ""),
    ],
)
def test_a_refusal_of_a_managed_identity_is_read_in_its_own_form(status, body, said, code, correlation_id):
    with pytest.raises(SignInError) as caught:
        check_managed_identity(answer(status, body), HOST)
    assert caught.value.message == f"The managed identity gave no token: {said}."
    assert (caught.value.code, caught.value.correlation_id) == (code, correlation_id)


def test_somebody_who_answers_in_a_machines_place_is_told_as_such():
    error = trouble(answer(403, b"Forbidden", Content_Type="text/plain"), check_managed_identity)
    assert "authority_host" not in str(error)
    assert "Entra ID" not in str(error)
    assert "managed-identity-without-token" in error.remedy


def test_an_answer_with_a_token_that_msal_cannot_use_is_not_quoted():
    error = identity_refusal({"error": "invalid_request", "error_description": '{"access_token": "opaque"}'})
    assert error.message == "The managed identity gave no token."


def test_a_refusal_of_a_managed_identity_says_what_to_check():
    error = identity_refusal({"error": "invalid_request", "error_description": "Identity not found"})
    assert error.message == "The managed identity gave no token: Identity not found."
    assert "client_id" in error.remedy
    assert error.code == "invalid_request"
