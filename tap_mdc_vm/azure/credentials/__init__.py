"""Ways to a token for Azure Resource Manager, behind one face. The rest of the tap knows no other.

``keeping`` keeps a token and outlasts trouble. Where it comes from is a function that signs in: one of msal's
clients, here, or the Azure CLI. ``token_endpoint`` reads what a token endpoint says, ``msal_http`` stands between msal
and the network, ``federation`` gets the token that a federated credential wants.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tap_mdc_vm.azure.transport import Transport
from tap_mdc_vm.errors import MalformedAnswerError, NetworkError, SignInError, TapError, see
from tap_mdc_vm.settings import Settings

from . import azure_cli
from .federation import federated_token, unreadable
from .keeping import Token, Tokens
from .msal_http import MsalHttp
from .token_endpoint import IDENTITY_REMEDY, check_entra, check_managed_identity, identity_refusal, refusal

__all__ = ["Tokens", "tokens"]


def tokens(settings: Settings, transport: Transport) -> Tokens:
    """Return the tokens that ``auth_method`` gives. Nothing is read or sent before the first one is asked for."""
    if settings.auth_method == "azure_cli":
        return Tokens(partial(azure_cli.sign_in, settings), account=partial(azure_cli.account, settings))
    if settings.auth_method == "managed_identity":
        return Tokens(
            lambda: by_msal(lambda: _managed_identity(settings, transport), identity_refusal, IDENTITY_REMEDY)
        )
    return Tokens(lambda: by_msal(lambda: _application(settings, transport), refusal))


def by_msal(
    acquire: Callable[[], dict[str, Any]],
    refuse: Callable[[dict[str, Any]], TapError],
    remedy: str = f"Check authority_host. {see('malformed-answer')}",
) -> Token:
    """Return the token of an answer.

    Args:
        acquire: Makes one of msal's clients and asks it. A new one each time, as it keeps failures too, and repeats
            them without asking.
        refuse: Turns an answer without a token into an error.
        remedy: What to do where the answer is no token endpoint's.
    """
    try:
        answer = acquire()
        value, lifetime = answer.get("access_token"), float(answer.get("expires_in", 0))
    # How msal says that an answer is of no use to it, or stumbles over it.
    except (ValueError, LookupError, TypeError, RuntimeError, AttributeError, ArithmeticError) as error:
        raise _unusable(remedy) from error
    if not value:
        raise refuse(answer)
    if not isinstance(value, str):
        raise _unusable(remedy)
    return Token(value, lifetime)


def _unusable(remedy: str) -> MalformedAnswerError:
    return MalformedAnswerError("The sign-in library can't use what the token endpoint answered.", remedy)


def _application(settings: Settings, transport: Transport) -> Any:  # noqa: ANN401 - msal has no types
    from msal import ConfidentialClientApplication  # noqa: PLC0415 - slow to import

    client = ConfidentialClientApplication(
        settings.client_id,
        client_credential=_credential(settings, transport),
        authority=f"{settings.cloud.authority_host}/{settings.tenant_id}",
        # Else msal asks login.microsoftonline.com about hosts that it doesn't know, and about all after a refusal.
        instance_discovery=False,
        http_client=MsalHttp(transport, check_entra),
    )
    return client.acquire_token_for_client([settings.cloud.scope])


def _managed_identity(settings: Settings, transport: Transport) -> Any:  # noqa: ANN401 - as above
    from msal import (  # noqa: PLC0415 - as above
        ManagedIdentityClient,
        SystemAssignedManagedIdentity,
        UserAssignedManagedIdentity,
    )
    from msal.managed_identity import SERVICE_FABRIC, get_managed_identity_source  # noqa: PLC0415 - as above

    if get_managed_identity_source() == SERVICE_FABRIC:
        raise SignInError(
            "The managed identities of Service Fabric are not supported.",
            f"Choose another auth_method. {see('managed-identity-without-token')}",
        )
    named = settings.client_id
    identity = UserAssignedManagedIdentity(client_id=named) if named else SystemAssignedManagedIdentity()
    client = ManagedIdentityClient(identity, http_client=MsalHttp(transport, check_managed_identity))
    try:
        return client.acquire_token_for_client(resource=settings.cloud.resource_manager_url)
    except NetworkError as error:
        raise type(error)(
            f"No managed identity answers on this machine: {error.message}",
            "Run the tap on a machine in Azure that has one, or choose another auth_method."
            f" {see('managed-identity-without-token')}",
        ) from error
    except OSError as error:
        raise SignInError(
            f"The key of this machine's managed identity can't be read: {error.strerror}.",
            "With Azure Arc, add the user that runs the tap to the group himds, on Windows to Hybrid agent extension"
            f" applications. {see('managed-identity-without-token')}",
        ) from error


def _credential(settings: Settings, transport: Transport) -> str | dict[str, Any]:
    """Return what the application proves itself with, in msal's form."""
    if settings.auth_method == "workload_identity":
        return {"client_assertion": lambda: federated_token(settings, transport)}
    if settings.auth_method == "client_secret":
        return settings.client_secret.reveal() if settings.client_secret else ""
    from tap_mdc_vm import certificates  # noqa: PLC0415 - as above

    path = settings.client_certificate_path or Path()
    try:
        certificate = certificates.load(path, settings.client_certificate_password)
    except (OSError, ValueError) as error:
        raise unreadable("client_certificate_path", path, error) from error
    return {"private_key": certificate.private_key.reveal(), "public_certificate": certificate.certificate}
