"""The account that ``az login`` signed in on this machine: the Azure CLI is asked for its tokens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from datetime import datetime
from typing import Any

from tap_mdc_vm.errors import ConnectionFailedError, MalformedAnswerError, TapError, TimedOutError, see
from tap_mdc_vm.settings import Settings

from .keeping import Token
from .token_endpoint import ADVICE, REFUSED, Advice, advice_for, scrubbed

_SECONDS = 60.0  # for az, which needs some to start
_EARLY = 300.0  # seconds before a token's end at which az is asked for a new one, as msal does; less for short ones

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


class AzureCli:
    """The Azure CLI as a way to sign in. It is run without a shell, and its tokens are kept until they run out."""

    def __init__(self, settings: Settings) -> None:
        self._resource, self._tenant = settings.cloud.resource_manager_url, settings.tenant_id
        self._environ = {**os.environ, "AZURE_CORE_NO_COLOR": "true"}
        if settings.ca_bundle:
            self._environ["REQUESTS_CA_BUNDLE"] = settings.ca_bundle  # what az trusts
        self._value, self._ends, self._renew_at = "", 0.0, 0.0

    def sign_in(self) -> Token:
        """Return a token, the last one while it is good for some minutes more.

        Raises:
            SignInError: There is none: the message has the command to type.
            NetworkError: az can't reach Entra ID, or does not come to an end.
            MalformedAnswerError: What az says can't be read.
        """
        if time.time() >= self._renew_at:
            tenant = ["--tenant", self._tenant] if self._tenant else []
            answer = self._run("account", "get-access-token", "--resource", self._resource, *tenant)
            try:
                self._value, self._ends = str(answer["accessToken"]), _end(answer)
            except (KeyError, ValueError, TypeError):
                raise _unusable() from None
            if (of := str(answer.get("tenant", self._tenant)).lower()) != self._tenant and self._tenant:
                raise _OTHER_TENANT.error(remedy=f"It gave a token of {of}: type `az login --tenant {self._tenant}`.")
            self._renew_at = self._ends - min(_EARLY, (self._ends - time.time()) / 2)
        return Token(self._value, self._ends - time.time())

    def account(self) -> str:
        """Return the name of the account, as ``az account show`` gives it; empty if it gives none."""
        try:
            user = self._run("account", "show").get("user")
        except TapError:
            return ""
        return str(user.get("name", "")) if isinstance(user, dict) else ""

    def _run(self, *arguments: str) -> dict[str, Any]:
        """Return the JSON object that az answers."""
        program = shutil.which("az", path=self._environ.get("PATH"))  # az.cmd on Windows
        if program is None:
            raise _NOT_INSTALLED.error()
        try:
            done = subprocess.run(  # noqa: S603 - arguments that were checked, without a shell
                [program, *arguments, "--output", "json"],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                env=self._environ,
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
            raise self._refusal(done.stderr.decode(errors="replace"))
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise _unusable()
        return answer

    def _refusal(self, said: str) -> TapError:
        """Return what az's error output means, with the command that it proposes itself, if any."""
        advice, number = advice_for(said)
        if advice is REFUSED:
            advice = next((advice for words, advice in _WORDS if words.search(said)), _NO_TOKEN)
        if advice is _NO_TOKEN and _NETWORK.search(said):
            return ConnectionFailedError(
                f"The Azure CLI has no conversation with Entra ID: {scrubbed(said)}",
                f"Check HTTPS_PROXY, and that REQUESTS_CA_BUNDLE or ca_bundle has the proxy's certificate. "
                f"{see('connection-failed')}",
            )
        proposed = re.search(r"^az login .*$", said, re.MULTILINE)
        login = (
            scrubbed(proposed[0]) if proposed else f"az login --tenant {self._tenant}" if self._tenant else "az login"
        )
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
