"""Four ways to a token for Azure Resource Manager, behind one face. The rest of the tap knows no other.

Alone imports msal, which knows Entra ID's protocols and keeps tokens; ``source`` outlasts trouble, ``answers``
reads what a token endpoint says, ``msal_http`` stands between msal and the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tap_mdc_vm import certificates
from tap_mdc_vm.errors import NetworkError, SignInError, see

from .answers import check_entra, check_managed_identity, identity_refusal, refusal
from .msal_http import MsalHttp
from .source import PatientSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_mdc_vm.azure.transport import Transport
    from tap_mdc_vm.settings import Settings

__all__ = ["TokenSource", "token_source"]


class TokenSource(Protocol):
    """Hands out tokens; may be used by many threads at once."""

    def token(self) -> str:
        """Return a token that is valid now; meant to be asked before each request.

        Raises:
            SignInError: If Entra ID refuses.
            NetworkError: If Entra ID can't be reached.
            ServiceError: If Entra ID is in trouble for longer than the tap waits.
            MalformedAnswerError: If something else answers in Entra ID's place.
        """
        ...

    def renew(self) -> None:
        """Forget the token, as Resource Manager refused it."""
        ...


def token_source(settings: Settings, transport: Transport) -> TokenSource:
    """Return the source for ``auth_method``. Nothing is read or sent before the first token is asked for."""
    if settings.auth_method == "managed_identity":
        return PatientSource(lambda: _managed_identity(settings, transport), identity_refusal)
    return PatientSource(lambda: _application(settings, transport), refusal)


def _application(settings: Settings, transport: Transport) -> Callable[[], dict[str, Any]]:
    from msal import ConfidentialClientApplication  # noqa: PLC0415 - slow to import

    client = ConfidentialClientApplication(
        settings.client_id,
        client_credential=_credential(settings),
        authority=f"{settings.cloud.authority_host}/{settings.tenant_id}",
        # Else msal asks login.microsoftonline.com about hosts that it doesn't know, and about all after a refusal.
        instance_discovery=False,
        http_client=MsalHttp(transport, check_entra),
    )
    scopes = [settings.cloud.scope]
    return lambda: client.acquire_token_for_client(scopes)


def _managed_identity(settings: Settings, transport: Transport) -> Callable[[], dict[str, Any]]:
    from msal import (  # noqa: PLC0415 - as above
        ManagedIdentityClient,
        SystemAssignedManagedIdentity,
        UserAssignedManagedIdentity,
    )

    identity = (
        UserAssignedManagedIdentity(client_id=settings.client_id)
        if settings.client_id
        else SystemAssignedManagedIdentity()
    )
    client = ManagedIdentityClient(identity, http_client=MsalHttp(transport, check_managed_identity))

    def acquire() -> dict[str, Any]:
        try:
            answer: dict[str, Any] = client.acquire_token_for_client(resource=settings.cloud.resource_manager_url)
        except NetworkError as error:
            raise type(error)(
                f"No managed identity answers on this machine: {error.message}",
                "Run the tap on a machine in Azure that has one, or choose another auth_method."
                f" {see('managed-identity-without-token')}",
            ) from error
        return answer

    return acquire


def _credential(settings: Settings) -> str | dict[str, Any]:
    """Return what the application proves itself with, in msal's form."""
    if settings.auth_method == "client_certificate":
        return _certificate(settings)
    if settings.auth_method == "workload_identity":
        # A function: msal calls it for each request, so that a token file that was renewed is read anew.
        return {"client_assertion": lambda: _federated_token(settings)}
    return settings.client_secret.reveal() if settings.client_secret else ""


def _certificate(settings: Settings) -> dict[str, Any]:
    path = settings.client_certificate_path or Path()
    try:
        certificate = certificates.load(path, settings.client_certificate_password)
    except (OSError, ValueError) as error:
        raise _unreadable("client_certificate_path", path, error) from error
    return {
        "private_key": certificate.private_key.reveal(),
        "public_certificate": certificate.certificate,
    }


def _federated_token(settings: Settings) -> str:
    path = settings.federated_token_file or Path()
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise _unreadable("federated_token_file", path, error) from error


def _unreadable(setting: str, path: Path, error: Exception) -> SignInError:
    """Return the error for a file that was there when the settings were checked."""
    reason = getattr(error, "strerror", None) or "not what it was"
    return SignInError(
        f"{setting} names {str(path)!r}, which can no longer be read: {reason}.",
        f"Check what renews that file. {see('credential-file-unreadable')}",
    )
