"""Reads what a token endpoint answered: fit for use, passing trouble, or a refusal with its remedy.

Microsoft's numbers choose the advice; they may change, so an unknown one falls back on OAuth's ``error``. The
description is never passed on as it came.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_mdc_vm.errors import (
    MalformedAnswerError,
    SignInError,
    TapError,
    ThrottledError,
    UnavailableError,
    see,
)

if TYPE_CHECKING:
    from tap_mdc_vm.azure.transport import Answer


class Trouble(Exception):  # noqa: N818 - not an error yet: it may pass
    """Trouble at the token endpoint that may pass.

    Attributes:
        error: What to raise when it doesn't pass in time.
        wait: Seconds that the endpoint asks to wait; None if it doesn't say.
    """

    def __init__(self, error: TapError, wait: float | None = None) -> None:
        """Keep both."""
        super().__init__(str(error))
        self.error, self.wait = error, wait


class Advice(NamedTuple):
    """What a refusal means, what to do about it, and the section of the page on troubleshooting."""

    meaning: str
    remedy: str
    section: str


_FEDERATION = Advice(
    "No federated credential of the application matches the federated token",
    "Compare issuer, subject and audience with those under Certificates & secrets > Federated credentials, letter"
    " by letter, as case counts.",
    "federated-credential-does-not-match",
)
_UNKNOWN_TENANT = Advice(
    "Entra ID knows no such tenant",
    "Check that tenant_id is the Directory (tenant) ID on the application's Overview page, and that cloud is the"
    " one that the tenant is in.",
    "unknown-tenant",
)
_UNKNOWN_APPLICATION = Advice(
    "The tenant knows no such application",
    "Check that client_id is the Application (client) ID on the application's Overview page, that tenant_id is"
    " its tenant, and that the application has a service principal there (admin consent).",
    "unknown-application",
)
_WRONG_SECRET = Advice(
    "The client secret is wrong",
    "Set client_secret to the secret's Value, not its Secret ID; if it was not kept, create a new one under"
    " Certificates & secrets.",
    "wrong-secret",
)
_SCOPE = Advice(
    "Entra ID does not know the address that the token is for",
    "Check that resource_manager_url is that of the tenant's cloud, without a path.",
    "wrong-scope",
)
_CLOUD = Advice(
    "The tenant is in another cloud",
    "Set cloud to the tenant's: AzureCloud, AzureUSGovernment or AzureChinaCloud.",
    "wrong-cloud",
)
_CERTIFICATE = Advice(
    "The client certificate is not registered on the application, or has expired",
    "Upload the certificate of client_certificate_path under Certificates & secrets > Certificates, or use the"
    " one that is registered.",
    "certificate-not-registered",
)
_CONSENT = Advice(
    "An administrator has not consented to the application in this tenant",
    "Grant admin consent under API permissions of the application.",
    "consent-missing",
)

# By AADSTS number. Meanings: Microsoft's list of Entra ID error codes.
ADVICE: dict[int, Advice] = {
    7000215: _WRONG_SECRET,
    7000222: Advice(
        "The client secret has expired",
        "Create a new one under Certificates & secrets of the application and set client_secret to its value.",
        "expired-secret",
    ),
    700016: _UNKNOWN_APPLICATION,
    7000229: _UNKNOWN_APPLICATION,
    7000112: Advice(
        "The application is disabled",
        "Enable it: Enterprise applications > the application > Properties > Enabled for users to sign in.",
        "application-disabled",
    ),
    90002: _UNKNOWN_TENANT,
    900023: _UNKNOWN_TENANT,
    900382: _CLOUD,
    90038: _CLOUD,
    700027: _CERTIFICATE,
    700024: Advice(
        "The signed assertion is outside its time of validity",
        "Set this machine's clock; for workload identity, check that federated_token_file is renewed.",
        "assertion-out-of-time",
    ),
    70021: _FEDERATION,
    700211: _FEDERATION,
    700212: _FEDERATION,
    700213: _FEDERATION,
    1002012: _SCOPE,
    70011: _SCOPE,
    500011: _SCOPE,
    65001: _CONSENT,
    53003: Advice(
        "A Conditional Access policy blocks the application",
        "Let the application in from this network, under Conditional Access for workload identities.",
        "blocked-by-conditional-access",
    ),
}
_OTHER = Advice(
    "Entra ID refused the sign-in",
    "Look the code up at https://login.microsoftonline.com/error.",
    "sign-in-refused",
)
_IDENTITY = Advice(
    "The managed identity gave no token",
    "Check that an identity is assigned to this machine; for a user-assigned one, that client_id is its client ID,"
    " and for the system-assigned one that client_id is not set.",
    "managed-identity-without-token",
)

_NUMBER = re.compile(r"AADSTS(\d+)")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w.-]+")


def check_entra(answer: Answer, host: str) -> None:
    """Let an answer of Entra ID pass that can be used.

    Args:
        answer: What came.
        host: Who answered, for messages.

    Raises:
        SignInError: If it is a refusal.
        Trouble: If asking again may help.
    """
    payload = _json_object(answer)
    if answer.status == 200 and payload is not None:
        return
    _check_trouble(answer, f"Entra ID at {host}")
    if payload is None or "error" not in payload:
        raise Trouble(_not_a_token_endpoint(answer, f"Entra ID at {host}"))
    if payload["error"] == "temporarily_unavailable":
        raise Trouble(UnavailableError(f"Entra ID at {host} is not available.", see("unavailable")))
    raise refusal(payload)


def check_managed_identity(answer: Answer, host: str) -> None:
    """Let an answer of a managed identity's endpoint pass that can be used.

    A refusal passes too: a 401 is a step of Azure Arc's protocol, and each endpoint has a form of its own.

    Raises:
        Trouble: If asking again may help. Microsoft names 404, 410, 429 and 5xx.
    """
    who = f"The managed identity's endpoint at {host}"
    if answer.status in {404, 410}:
        remedy = f"{_IDENTITY.remedy} {see(_IDENTITY.section)}"
        raise Trouble(UnavailableError(f"{who} keeps on answering {answer.status}.", remedy))
    _check_trouble(answer, who)
    if answer.status != 401 and _json_object(answer) is None:
        raise Trouble(_not_a_token_endpoint(answer, who))


def refusal(payload: dict[str, Any]) -> SignInError | MalformedAnswerError:
    """Return the error for an answer of Entra ID without a token: mostly a refusal, in the words of OAuth 2."""
    description = str(payload.get("error_description", ""))
    found = _NUMBER.search(description)
    if not found and not payload.get("error"):
        return MalformedAnswerError(
            "The token endpoint's answer has neither an access_token nor an error.",
            f"Check authority_host, and whether a proxy answers in its place. {see('malformed-answer')}",
            correlation_id=str(payload.get("correlation_id", "")),
        )
    number = int(found[1]) if found else 0
    advice = ADVICE.get(number, _OTHER)
    said = "" if advice is not _OTHER else _first_sentence(description)
    return SignInError(
        advice.meaning + (f": {said}" if said else "."),
        f"{advice.remedy} {see(advice.section)}",
        code=found[0] if found else str(payload.get("error", "")),
        correlation_id=str(payload.get("correlation_id", "")),
    )


def identity_refusal(payload: dict[str, Any]) -> SignInError:
    """Return the error for a managed identity that gives no token."""
    said = _first_sentence(str(payload.get("error_description", "")))
    return SignInError(
        _IDENTITY.meaning + (f": {said}" if said else "."),
        f"{_IDENTITY.remedy} {see(_IDENTITY.section)}",
        code=str(payload.get("error", "")),
        correlation_id=str(payload.get("correlation_id", "")),
    )


def _check_trouble(answer: Answer, who: str) -> None:
    wait = _retry_after(answer)
    if answer.status == 429:
        raise Trouble(ThrottledError(f"{who} keeps on answering 429.", f"Try again later. {see('throttled')}"), wait)
    if answer.status in {408, *range(500, 600)}:
        raise Trouble(
            UnavailableError(f"{who} keeps on answering {answer.status}.", f"Try again later. {see('unavailable')}"),
            wait,
        )


def _not_a_token_endpoint(answer: Answer, who: str) -> MalformedAnswerError:
    kind = answer.headers.get("Content-Type", "").split(";")[0] or "something"
    return MalformedAnswerError(
        f"{who} answered {answer.status} with {kind} that is not what Entra ID sends.",
        f"Check authority_host, and whether a proxy answers in its place. {see('malformed-answer')}",
    )


def _json_object(answer: Answer) -> dict[str, Any] | None:
    try:
        payload = json.loads(answer.body)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _retry_after(answer: Answer) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _first_sentence(description: str) -> str:
    """Return what a description says first, with nothing in it that looks like a token."""
    sentence = re.split(r"(?<=\.)\s|[\r\n]", _NUMBER.sub("", description).lstrip(": "), maxsplit=1)[0]
    return _TOKEN.sub("***", sentence)[:200]
