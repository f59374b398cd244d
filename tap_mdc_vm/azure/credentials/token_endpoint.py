"""Reads what a token endpoint answered: fit for use, trouble that may pass, or a refusal with its remedy.

Microsoft's numbers choose the advice; they may change, so an unknown one falls back on what Entra ID says itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tap_mdc_vm.azure.transport import Answer, retry_after
from tap_mdc_vm.errors import MalformedAnswerError, SignInError, ThrottledError, UnavailableError, see


@dataclass(frozen=True, slots=True)
class Advice:
    """What a refusal means.

    Attributes:
        meaning: The cause, without a full stop.
        remedy: What to do about it. ``{login}`` is how to sign in to the Azure CLI.
        section: Where the page on troubleshooting says more.
        numbers: Those of Entra ID (``AADSTS…``), also as the beginning of a longer one, which makes finer distinctions.
        quotes: Whether to say what Entra ID says, too.
    """

    meaning: str
    remedy: str
    section: str
    numbers: tuple[str, ...] = ()
    quotes: bool = False

    def error(self, said: str = "", *, code: str = "", correlation_id: str = "", remedy: str = "") -> SignInError:
        """Return the error for it, with what the other side says, and a better remedy if one is known."""
        said = scrubbed(said) if self.quotes else ""
        return SignInError(
            f"{self.meaning}: {said.removesuffix('.')}." if said else f"{self.meaning}.",
            f"{remedy or self.remedy.format(login=_LOGIN)} {see(self.section)}",
            code=code,
            correlation_id=correlation_id,
        )


# Meanings: Microsoft's list of Entra ID error codes.
ADVICE = (
    Advice(
        "The client secret is wrong",
        "Set client_secret to the secret's Value, not its Secret ID; if it was not kept, create a new one under"
        " Certificates & secrets.",
        "wrong-secret",
        ("7000215",),
    ),
    Advice(
        "The client secret has expired",
        "Create a new one under Certificates & secrets of the application and set client_secret to its value.",
        "expired-secret",
        ("7000222",),
    ),
    Advice(
        "The application signed in without the credential that it needs",
        "Check that auth_method is the one that the application has a credential for.",
        "no-credential",
        ("7000218",),
    ),
    Advice(
        "The tenant knows no such application",
        "Check that client_id is the Application (client) ID on the application's Overview page, that tenant_id is"
        " its tenant, and that the application has a service principal there (admin consent).",
        "unknown-application",
        ("700016", "7000229"),
    ),
    Advice(
        "The application is disabled",
        "Enable it: Enterprise applications > the application > Properties > Enabled for users to sign in.",
        "application-disabled",
        ("7000112",),
    ),
    Advice(
        "Entra ID knows no such tenant",
        "Check that tenant_id is the Directory (tenant) ID on the application's Overview page, and that cloud is the"
        " one that the tenant is in.",
        "unknown-tenant",
        ("90002",),
    ),
    Advice(
        "The tenant is in another cloud",
        "Set cloud to the tenant's: AzureCloud, AzureUSGovernment or AzureChinaCloud.",
        "wrong-cloud",
        ("90038",),
    ),
    Advice(
        "The client certificate is not registered on the application, or has expired",
        "Upload the certificate of client_certificate_path under Certificates & secrets > Certificates, or use the"
        " one that is registered.",
        "certificate-not-registered",
        ("700027",),
    ),
    Advice(
        "The signed assertion is outside its time of validity",
        "Set this machine's clock; for workload identity, check that federated_token_file is renewed.",
        "assertion-out-of-time",
        ("700024", "500133"),
    ),
    Advice(
        "Entra ID can't verify the signed assertion",
        "For workload identity, check the issuer of the federated credential and that it publishes its keys; for a"
        " certificate, that the one which is registered is that of client_certificate_path.",
        "assertion-not-verified",
        ("50013",),
        quotes=True,
    ),
    Advice(
        "No federated credential of the application matches the federated token",
        "Compare issuer, subject and audience with those under Certificates & secrets > Federated credentials, letter"
        " by letter, as case counts.",
        "federated-credential-does-not-match",
        ("70021",),
        quotes=True,
    ),
    Advice(
        "Entra ID does not know the address that the token is for",
        "Check that resource_manager_url is that of the tenant's cloud, without a path.",
        "wrong-scope",
        ("1002012", "70011", "500011"),
    ),
    Advice(
        "An administrator has not consented to the application in this tenant",
        "Grant admin consent under API permissions of the application.",
        "consent-missing",
        ("65001",),
    ),
    Advice(
        "A Conditional Access policy blocks the sign-in",
        "Let the application in from this network, under Conditional Access for workload identities; with azure_cli,"
        " sign in from a place and a device that the policy allows.",
        "blocked-by-conditional-access",
        ("53000", "53001", "53002", "53003"),
        quotes=True,
    ),
    Advice(
        "Entra ID takes this for a loop, as the same was asked for too often",
        "Wait some minutes, and see what else signs in with this application all the time.",
        "too-many-sign-ins",
        ("50196",),
    ),
    # Of people, whom the Azure CLI has signed in
    Advice(
        "The sign-in to the Azure CLI has expired",
        "Type `{login}`.",
        "azure-cli-expired",
        ("70008", "70043", "50173", "50132", "50133"),
    ),
    Advice(
        "The account of the Azure CLI is none of this tenant's",
        "Type `{login}`.",
        "azure-cli-other-tenant",
        ("50020", "50034", "90072"),
    ),
    Advice(
        "A policy of the tenant wants more of the account of the Azure CLI, such as a second factor",
        "Type `az logout`, then `{login}`.",
        "azure-cli-claims",
        ("50072", "50074", "50076", "50079", "50158"),
    ),
)
REFUSED = Advice(
    "Entra ID refused the sign-in",
    "Look the code up at https://login.microsoftonline.com/error.",
    "sign-in-refused",
    quotes=True,
)
_IDENTITY = Advice(
    "The managed identity gave no token",
    "Check that an identity is assigned to this machine; for a user-assigned one, that client_id is its client ID,"
    " and for the system-assigned one that client_id is not set.",
    "managed-identity-without-token",
    quotes=True,
)

IDENTITY_REMEDY = f"{_IDENTITY.remedy} {see(_IDENTITY.section)}"

_PASSING = ("temporarily_unavailable", "server_error")
"""Errors that Microsoft says to try again after, whatever the status: "Microsoft identity platform and OAuth 2.0"."""

_CODE = re.compile(r"[\w.-]{1,80}")
_NUMBER = re.compile(r"AADSTS(\d+)")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w.-]+")
_LOGIN = "az login --tenant <tenant_id>"
_LONGEST = 400  # characters of what is quoted


def advice_for(description: str) -> tuple[Advice, str]:
    """Return the advice for the number in an error's description, and the number as Microsoft writes it."""
    found = _NUMBER.search(description)
    if not found:
        return REFUSED, ""
    fitting = [(len(begin), each) for each in ADVICE for begin in each.numbers if found[1].startswith(begin)]
    return max(fitting, key=lambda fit: fit[0], default=(0, REFUSED))[1], found[0]


def check_entra(answer: Answer, host: str) -> None:
    """Let an answer of Entra ID pass that can be used.

    Raises:
        SignInError: It is a refusal.
        ThrottledError, UnavailableError: The service is in trouble.
        MalformedAnswerError: It is nothing that Entra ID sends.
    """
    payload, who = answer.json_object(), f"Entra ID at {host}"
    if answer.status == 200 and payload is not None:
        return
    check_trouble(answer, who)
    if payload is None or "error" not in payload:
        raise _not_a_token_endpoint(answer, who)
    error = refusal(payload)
    if payload["error"] in _PASSING:
        message, remedy = f"Entra ID at {host} is not available.", see("unavailable")
        raise UnavailableError(message, remedy, code=error.code, correlation_id=error.correlation_id)
    raise error


def check_managed_identity(answer: Answer, host: str) -> None:
    """Let an answer of a managed identity's endpoint pass that can be used.

    A challenge passes too: it is a step of Azure Arc's protocol. Of other refusals msal would lose what they say, as
    each endpoint has a form of its own.

    Raises:
        SignInError: It is a refusal.
        ThrottledError, UnavailableError: If the endpoint is in trouble. Microsoft names 404, 410, 429 and 5xx.
        MalformedAnswerError: If it is nothing that such an endpoint sends.
    """
    who = f"The managed identity's endpoint at {host}"
    if answer.status in {404, 410}:
        raise UnavailableError(f"{who} keeps on answering {answer.status}.", IDENTITY_REMEDY)
    check_trouble(answer, who)
    if answer.status == 401 and "WWW-Authenticate" in answer.headers:
        return
    payload = answer.json_object()
    if payload is None:
        raise MalformedAnswerError(
            f"{who} answered {answer.status} with {_kind(answer)} that is no token.",
            IDENTITY_REMEDY,
        )
    if answer.status != 200:
        raise identity_refusal(payload)


def refusal(payload: dict[str, Any]) -> SignInError | MalformedAnswerError:
    """Return the error for an answer of Entra ID without a token: mostly a refusal, in the words of OAuth 2."""
    description, error, correlation_id = _said(payload)
    advice, number = advice_for(description)
    if not number and not payload.get("error"):
        return MalformedAnswerError(
            "The token endpoint's answer has neither an access_token nor an error.",
            f"Check authority_host, and whether a proxy answers in its place. {see('malformed-answer')}",
            correlation_id=correlation_id,
        )
    return advice.error(description, code=number or error, correlation_id=correlation_id)


def identity_refusal(payload: dict[str, Any]) -> SignInError:
    """Return the error for a managed identity that gives no token."""
    description, error, correlation_id = _said(payload)
    # msal quotes an answer that it can't use, be there a token in it
    description = "" if "access_token" in description else description
    return _IDENTITY.error(description, code=error, correlation_id=correlation_id)


def _said(payload: dict[str, Any]) -> tuple[str, str, str]:
    """Return description, code and correlation id of a refusal by Entra ID, App Service or a machine."""
    inner = payload.get("error")
    said = {**payload, **inner} if isinstance(inner, dict) else payload
    found = [
        next((text for name in names if isinstance(text := said.get(name), str)), "")
        for names in (("error_description", "message"), ("error", "code"), ("correlation_id", "correlationId"))
    ]
    description, code, correlation_id = found
    return description, code if _CODE.fullmatch(code) else "", correlation_id


def check_trouble(answer: Answer, who: str) -> None:
    """Raise an error for an answer that says that the service is in trouble."""
    wait = retry_after(answer.headers)
    if answer.status == 429:
        raise ThrottledError(f"{who} keeps on answering 429.", f"Try again later. {see('throttled')}", wait=wait)
    if answer.status in {408, *range(500, 600)}:
        message = f"{who} keeps on answering {answer.status}."
        raise UnavailableError(message, f"Try again later. {see('unavailable')}", wait=wait)


def _not_a_token_endpoint(answer: Answer, who: str) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"{who} answered {answer.status} with {_kind(answer)} that is not what Entra ID sends.",
        f"Check authority_host, and whether a proxy answers in its place. {see('malformed-answer')}",
    )


def _kind(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").split(";")[0] or "something"


def scrubbed(description: str) -> str:
    """Return what a description says before its ids and times, on one line, with nothing in it like a token."""
    said = _NUMBER.sub("", description.partition("Trace ID:")[0]).strip(" :\r\n")
    text = _TOKEN.sub("***", " ".join(said.split()))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
