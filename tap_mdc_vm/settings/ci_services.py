"""CI services that hand out federated tokens to the jobs that they run, and how each wants to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from tap_mdc_vm.secret import Secret

AUDIENCE = "api://AzureADTokenExchange"
"""Whom a federated token must be for, unless the federated credential says otherwise."""


class TokenRequest(NamedTuple):
    """How a CI service is asked for a federated token: over https, by GET or POST; ``field`` is of its JSON answer."""

    service: str
    method: str
    url: str
    bearer: Secret
    field: str


def around(environ: Mapping[str, str]) -> str:
    """Return the name of the service that runs this job and can be asked; empty for none."""
    if environ.get("GITHUB_ACTIONS") == "true" or environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        return "GitHub Actions"
    return "Azure DevOps" if environ.get("SYSTEM_OIDCREQUESTURI") else ""


def token_request(environ: Mapping[str, str]) -> TokenRequest:
    """Return how the service around this job is asked.

    Sources: GitHub's "OpenID Connect reference", and Azure DevOps' REST API "Oidctoken - Create".

    Raises:
        ValueError: There is none, or it lets this job have no token. The text follows ``federated_token_file``.
    """
    match around(environ):
        case "GitHub Actions" as service:
            url, bearer = (environ.get(f"ACTIONS_ID_TOKEN_REQUEST_{part}", "").strip() for part in ("URL", "TOKEN"))
            if not url or not bearer:
                raise ValueError(
                    "is missing, and GitHub Actions gives this job no token: add id-token: write to its permissions"
                )
            return TokenRequest(service, "GET", _https(url, audience=AUDIENCE), Secret(bearer), "value")
        case "Azure DevOps" as service:
            url, bearer = (environ.get(f"SYSTEM_{part}", "").strip() for part in ("OIDCREQUESTURI", "ACCESSTOKEN"))
            if not bearer:
                raise ValueError(
                    "is missing, and Azure DevOps gives this step no access token: set SYSTEM_ACCESSTOKEN to "
                    "$(System.AccessToken) in the env of the step"
                )
            connection = environ.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID")
            query = {"api-version": "7.1", **({"serviceConnectionId": connection} if connection else {})}
            return TokenRequest(service, "POST", _https(url, **query), Secret(bearer), "oidcToken")
    raise ValueError(
        "is missing: set it (or AZURE_FEDERATED_TOKEN_FILE) to the file with the federated token, or federated_token "
        "to the token itself; GitHub Actions and Azure DevOps are asked for one when the tap runs there"
    )


def _https(url: str, **query: str) -> str:
    """Return an address with more in its query. What authorizes the request must not travel in the clear."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        good = False
    if not good:
        raise ValueError("is missing, and the CI service's address for tokens is not https")
    return parts._replace(query="&".join(filter(None, [parts.query, urlencode(query)]))).geturl()
