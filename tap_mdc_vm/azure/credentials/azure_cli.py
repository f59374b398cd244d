"""The account that ``az login`` signed in on this machine: the Azure CLI is asked for its tokens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

from tap_mdc_vm.errors import ConnectionFailedError, MalformedAnswerError, TapError, TimedOutError, see
from tap_mdc_vm.settings import Settings

from .keeping import Token
from .token_endpoint import ADVICE, REFUSED, Advice, advice_for, scrubbed

_SECONDS = 60.0  # for az, which needs some to start

_NOT_INSTALLED = Advice(
    "The Azure CLI (az) is not installed, or not on PATH",
    "Install it (https://learn.microsoft.com/cli/azure/install-azure-cli), then type `az login`.",
    "azure-cli-not-installed",
)
_NOT_SIGNED_IN = Advice("Nobody is signed in to the Azure CLI", "Type `{login}`.", "azure-cli-not-signed-in")
_NO_TOKEN = Advice(
    "The Azure CLI gave no token",
    "See what `az account get-access-token` says.",
    "azure-cli-without-token",
    quotes=True,
)
_EXPIRED, _OTHER_TENANT, _CLAIMS = ADVICE[-3:]

_WORDS = (
    (re.compile(r"claims.challenge", re.IGNORECASE), _CLAIMS),
    (re.compile(r"non-current tenant|tenant \S+ (was )?not found", re.IGNORECASE), _OTHER_TENANT),
    (re.compile(r"(token|session|credentials) ha(s|ve) expired", re.IGNORECASE), _EXPIRED),
    (re.compile(r"az login"), _NOT_SIGNED_IN),
)
"""What az says itself, without a number of Entra ID's, and what it means."""

_NETWORK = re.compile(r"Max retries exceeded|Failed to (establish|resolve)|Connection (refused|reset|aborted)|SSLError")


def sign_in(settings: Settings) -> Token:
    """Return a token.

    Raises:
        SignInError: There is none: the message has the command to type.
        NetworkError: az can't reach Entra ID, or does not come to an end.
        MalformedAnswerError: What az says can't be read.
    """
    own = settings.tenant_id
    tenant = ["--tenant", own] if own else []
    resource = settings.cloud.resource_manager_url
    answer = _run(settings, "account", "get-access-token", "--resource", resource, *tenant)
    try:
        token = Token(answer["accessToken"], _end(answer) - time.time())
    except (KeyError, ValueError, TypeError, OverflowError):
        raise _unusable() from None
    if not token.value or not isinstance(token.value, str):
        raise _unusable()
    if own and (of := str(answer.get("tenant", own)).lower()) != own:
        raise _OTHER_TENANT.error(remedy=f"It gave a token of {of}: type `az login --tenant {own}`.")
    return token


def account(settings: Settings) -> str:
    """Return the name of the account, as ``az account show`` gives it; empty if it gives none."""
    try:
        user = _run(settings, "account", "show").get("user")
    except TapError:
        return ""
    return str(user.get("name", "")) if isinstance(user, dict) else ""


def _run(settings: Settings, *arguments: str) -> dict[str, Any]:
    """Return the JSON object that az answers, which is run without a shell."""
    program = shutil.which("az")  # az.cmd on Windows
    if program is None:
        raise _NOT_INSTALLED.error()
    trusted = {"REQUESTS_CA_BUNDLE": settings.ca_bundle} if settings.ca_bundle else {}
    try:
        done = subprocess.run(  # noqa: S603 - arguments that were checked, without a shell
            [program, *arguments, "--output", "json"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "AZURE_CORE_NO_COLOR": "true", **trusted},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimedOutError(
            f"The Azure CLI did not come to an end in {_SECONDS:g} seconds.",
            f"See what `az account get-access-token` waits for. {see('azure-cli-without-token')}",
        ) from error
    except OSError as error:
        raise _NO_TOKEN.error(f"{program} can't be run: {error.strerror}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        raise _refusal(said.strip() or f"it ended with status {done.returncode}", settings.tenant_id)
    with suppress(ValueError):
        answer = json.loads(done.stdout)
        if isinstance(answer, dict):
            return answer
    raise _unusable()


def _refusal(said: str, tenant: str) -> TapError:
    """Return what az's error output means, with the command that it proposes itself, if any."""
    advice, number = advice_for(said)
    if advice is REFUSED:
        advice = next((advice for words, advice in _WORDS if words.search(said)), _NO_TOKEN)
    if advice is _NO_TOKEN and _NETWORK.search(said):
        return ConnectionFailedError(
            f"The Azure CLI has no conversation with Entra ID: {scrubbed(said)}",
            "Check HTTPS_PROXY, and that REQUESTS_CA_BUNDLE or ca_bundle has the proxy's certificate."
            f" {see('connection-failed')}",
        )
    proposed = re.search(r"^az login .*$", said, re.MULTILINE)
    login = scrubbed(proposed[0]) if proposed else f"az login --tenant {tenant}" if tenant else "az login"
    remedy = advice.remedy.format(login=login)
    if advice is not _NO_TOKEN and "{login}" not in advice.remedy:
        remedy += f" Then type `{login}`."
    correlation_id = re.search(r"Correlation ID: ([\w-]+)", said)
    return advice.error(
        said.removeprefix("ERROR: "),
        code=number,
        correlation_id=correlation_id[1] if correlation_id else "",
        remedy=remedy,
    )


def _end(answer: dict[str, Any]) -> float:
    """Return when a token runs out, in seconds since 1970. Before 2.54, az gave local time alone."""
    if "expires_on" in answer:
        return float(answer["expires_on"])
    return datetime.fromisoformat(answer["expiresOn"]).timestamp()


def _unusable() -> MalformedAnswerError:
    return MalformedAnswerError(
        "The Azure CLI answered with something that is no token.",
        f"See what `az account get-access-token` says. {see('azure-cli-without-token')}",
    )
