"""The token that a federated credential wants: out of a setting, out of a file, or from the CI service around."""

from __future__ import annotations

from pathlib import Path

from tap_mdc_vm.azure.transport import Transport
from tap_mdc_vm.errors import MalformedAnswerError, SignInError, see
from tap_mdc_vm.settings import Settings
from tap_mdc_vm.settings.ci_services import TokenRequest

from .token_endpoint import check_trouble


def federated_token(settings: Settings, transport: Transport) -> str:
    """Return a token that is good for one sign-in: those of CI services live for some minutes.

    Raises:
        TapError: There is none, or the CI service can't be reached, is in trouble, or isn't what answers.
    """
    if settings.federated_token:
        return settings.federated_token.reveal()
    if path := settings.federated_token_file:
        try:
            return path.read_text(encoding="utf-8-sig").strip()
        except (OSError, ValueError) as error:
            raise unreadable("federated_token_file", path, error) from error
    if settings.token_request:
        return _asked(settings.token_request, transport)
    raise AssertionError("the settings were checked")


def _asked(request: TokenRequest, transport: Transport) -> str:
    headers = {
        "Authorization": f"Bearer {request.bearer.reveal()}",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "X-TFS-FedAuthRedirect": "Suppress",  # else Azure DevOps sends a stranger to its page for people
    }
    if request.method == "GET":
        answer = transport.get(request.url, headers=headers)
    else:
        answer = transport.post(request.url, body=b"", headers=headers)
    check_trouble(answer, request.service)
    if answer.status != 200:
        raise SignInError(
            f"{request.service} gave no federated token: it answered {answer.status}.",
            f"Check that the job may have one. {see('ci-service-without-token')}",
        )
    token = (answer.json_object() or {}).get(request.field)
    if not isinstance(token, str) or token.count(".") != 2:
        raise MalformedAnswerError(
            f"{request.service} answered 200 without a federated token.",
            f"If a proxy stands between, check that it lets its answers pass. {see('malformed-answer')}",
        )
    return token


def unreadable(setting: str, path: Path, error: Exception) -> SignInError:
    """Return the error for a file that was there when the settings were checked."""
    reason = getattr(error, "strerror", None) or "not what it was"
    return SignInError(
        f"{setting} names {str(path)!r}, which can no longer be read: {reason}.",
        f"Check what renews that file. {see('credential-file-unreadable')}",
    )
