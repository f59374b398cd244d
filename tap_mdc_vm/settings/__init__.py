"""Turns a raw configuration into checked :class:`Settings`, or names everything that is wrong with it.

Nothing is sent anywhere: ``schema`` says what the settings are, ``reader`` reads single values as Meltano,
the environment or a person writes them, and this module knows the rules of the single settings.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_mdc_vm import certificates
from tap_mdc_vm.clouds import CLOUDS, Cloud
from tap_mdc_vm.errors import ConfigurationError
from tap_mdc_vm.wording import nearest, shown

from .reader import GUID, Reader, parsed, unique
from .schema import CONFIG_SCHEMA, SDK_SETTINGS, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_mdc_vm.secret import Secret

__all__ = ["CONFIG_SCHEMA", "SDK_SETTINGS", "Settings", "from_environment"]

logger = logging.getLogger(__name__)

PREFIX = "TAP_MDC_VM_"
EXPIRY_NOTICE = timedelta(days=30)

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_MANAGEMENT_GROUP = re.compile(r"[\w.()-]{1,90}")  # Microsoft's naming rules
_OVERVIEW = "copy it from the Overview page of the application in the Azure portal"
_KINDS = {dict: "an object", bool: "true or false", int: "a whole number", str: "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A configuration that was checked, with every default filled in.

    Attributes:
        tenant_id: Lower case; may be empty for a managed identity, whose tenant is the machine's.
        client_id: Lower case; empty for a system-assigned managed identity.
        subscription_ids: Lower case, in the order given, none twice.
        cloud: The cloud, its addresses overridden where the configuration says so.
        ca_bundle: Path of what TLS trusts; None for the default store.
        request_timeout: Seconds.
    """

    tenant_id: str
    client_id: str
    auth_method: str
    client_secret: Secret | None
    client_secret_expires_on: date | None
    client_certificate_path: Path | None
    client_certificate_password: Secret | None
    federated_token_file: Path | None
    subscription_ids: tuple[str, ...]
    management_group_ids: tuple[str, ...]
    cloud: Cloud
    ca_bundle: str | None
    assessment_statuses: tuple[str, ...]
    transform_map: str
    page_size: int
    max_concurrency: int
    request_timeout: float
    on_incomplete: str
    emit_activate_version_messages: bool

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], environ: Mapping[str, str] = os.environ, today: date | None = None
    ) -> Settings:
        """Check ``config``, fill in the defaults, and warn about keys that nobody knows.

        Args:
            config: Values by the names in :data:`CONFIG_SCHEMA`, of any type.
            environ: Where the standard variables for certificates and federated tokens are looked up.
            today: The day that expiry dates are compared with; None for the present one (UTC).

        Raises:
            ConfigurationError: With every problem, one line each.
        """
        checks = _Checks(config, environ, today or datetime.now(UTC).date())
        settings = cls(
            tenant_id=checks.application_id("tenant_id"),
            client_id=checks.application_id("client_id"),
            auth_method=checks.choice("auth_method"),
            client_secret=checks.client_secret(),
            client_secret_expires_on=checks.client_secret_expires_on(),
            client_certificate_path=checks.client_certificate_path(),
            client_certificate_password=checks.secret("client_certificate_password"),
            federated_token_file=checks.federated_token_file(),
            subscription_ids=checks.subscription_ids(),
            management_group_ids=checks.management_group_ids(),
            cloud=checks.cloud(),
            ca_bundle=checks.ca_bundle(),
            assessment_statuses=checks.choices("assessment_statuses"),
            transform_map=checks.text("transform_map") or "",
            page_size=int(checks.number("page_size", int)),
            max_concurrency=int(checks.number("max_concurrency", int)),
            request_timeout=checks.number("request_timeout", float),
            on_incomplete=checks.choice("on_incomplete"),
            emit_activate_version_messages=checks.boolean("emit_activate_version_messages"),
        )
        checks.settings_of_the_sdk()
        checks.unknown_settings()
        if checks.problems:
            raise ConfigurationError(list(dict.fromkeys(checks.problems)))
        return settings


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return the configuration that ``TAP_MDC_VM_<NAME>`` variables hold, the SDK's own settings parsed.

    A variable with the prefix that names no setting is returned too, so that a misspelt one is warned about;
    but not Meltano's (``TAP_MDC_VM__CATALOG``), nor the SDK's ``TAP_MDC_VM_LOGLEVEL``.
    """
    names = {
        variable.removeprefix(PREFIX).lower(): value
        for variable, value in environ.items()
        if variable.startswith(PREFIX) and value
    }
    return {
        name: parsed(value, SDK_SETTINGS[name]) if name in SDK_SETTINGS else value
        for name, value in names.items()
        if not name.startswith("_") and name != "loglevel"
    }


class _Checks(Reader):
    """The rules of single settings that their type doesn't tell."""

    def __init__(self, config: Mapping[str, Any], environ: Mapping[str, str], today: date) -> None:
        super().__init__(config)
        self._environ = environ
        self._today = today
        self._method = str(self.config.get("auth_method", SETTINGS["auth_method"]["default"])).strip().lower()

    def application_id(self, name: str) -> str:
        value = self.text(name)
        if value and not GUID.fullmatch(value):
            self.problem(name, f"is not a GUID: {_OVERVIEW}")
        elif name not in self.config and self._method != "managed_identity":
            self.problem(name, f"is missing: {_OVERVIEW} (or set {PREFIX}{name.upper()})")
        return (value or "").lower()

    def client_secret(self) -> Secret | None:
        name = "client_secret"
        secret = self.secret(name)
        if self._method != name:
            return secret
        if name not in self.config:
            otherwise = "client_certificate_path" in self.config
            self.problem(
                name,
                "is missing: set it to the value of a client secret of the application"
                f" (or set {PREFIX}CLIENT_SECRET)"
                + (", or set auth_method to client_certificate" if otherwise else ""),
            )
        elif secret and GUID.fullmatch(secret.reveal()):
            logger.warning("client_secret looks like the secret's ID; Entra ID wants its value")
        return secret

    def client_secret_expires_on(self) -> date | None:
        day = self.day("client_secret_expires_on")
        if day and self._method == "client_secret":
            self._warn_of_expiry("The client secret", day)
        return day

    def client_certificate_path(self) -> Path | None:
        name = "client_certificate_path"
        path = self.path(name)
        if self._method != "client_certificate":
            return path
        if path is None:
            if name not in self.config:
                self.problem(name, "is missing: set it to a PEM or PFX file with a certificate and its key")
            return None
        try:
            certificate = certificates.load(path, self.secret("client_certificate_password"))
        except OSError as error:
            self._unreadable(name, path, error)
        except ValueError as error:
            self.problem(name, f"names {shown(path)}, which {error}")
        else:
            day = certificate.expires.date()
            if day < self._today:
                self.problem(name, f"names a certificate that expired on {day}: renew it")
            else:
                self._warn_of_expiry("The client certificate", day)
        return path

    def federated_token_file(self) -> Path | None:
        name, path = "federated_token_file", self.path("federated_token_file")
        variable = "AZURE_FEDERATED_TOKEN_FILE"
        if name not in self.config and self._environ.get(variable):
            name, path = variable, Path(self._environ[variable])
        if self._method != "workload_identity":
            return path
        if path is None:
            if name not in self.config:
                self.problem(name, f"is missing: set it (or {variable}) to the file with the federated token")
            return None
        try:
            token = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            self._unreadable(name, path, error)
        else:
            if token.count(".") != 2:
                self.problem(name, f"names {shown(path)}, which holds no token (three parts joined by dots)")
        return path

    def subscription_ids(self) -> tuple[str, ...]:
        name = "subscription_ids"
        ids = unique(entry.lower().removeprefix("/subscriptions/") for entry in self.texts(name))
        for entry in ids:
            if not GUID.fullmatch(entry):
                self.problem(name, f"holds {shown(entry)}, not a GUID: use the subscription's ID, not its name")
        return ids

    def management_group_ids(self) -> tuple[str, ...]:
        name = "management_group_ids"
        ids = unique(entry.rsplit("/", 1)[-1] for entry in self.texts(name))
        for entry in ids:
            if not _MANAGEMENT_GROUP.fullmatch(entry):
                self.problem(name, f"holds {shown(entry)}, no group's ID: use the ID, not the display name")
        if ids and self.texts("subscription_ids"):
            self.problem(name, "can't be set together with subscription_ids, Azure forbids it: remove one")
        return ids

    def cloud(self) -> Cloud:
        cloud = CLOUDS[self.choice("cloud")]
        return replace(
            cloud,
            authority_host=self.url("authority_host", cloud.authority_host),
            resource_manager_url=self.url("resource_manager_url", cloud.resource_manager_url),
        )

    def ca_bundle(self) -> str | None:
        """Decide once what TLS trusts, as libraries differ in the variables they read."""
        name, path = "ca_bundle", self.path("ca_bundle")
        for variable in _CA_VARIABLES:
            if "ca_bundle" not in self.config and path is None and self._environ.get(variable):
                name, path = variable, Path(self._environ[variable])
        if path is None:
            return None
        try:
            if not path.is_dir() and b"-----BEGIN CERTIFICATE-----" not in path.read_bytes():
                self.problem(name, f"names {shown(path)}, which holds no certificate in PEM")
        except OSError as error:
            self._unreadable(name, path, error)
        return str(path)

    def settings_of_the_sdk(self) -> None:
        for name, kind in SDK_SETTINGS.items():
            value = self.config.get(name)
            if isinstance(value, str):
                value = parsed(value, kind) if kind is not str else value
            if value is not None and type(value) is not kind:
                self.problem(name, f"must be {_KINDS[kind]}")

    def unknown_settings(self) -> None:
        known = [*SETTINGS, *SDK_SETTINGS]
        for name in self.config:
            if name not in known:
                logger.warning("Unknown setting %s is ignored%s", shown(name), nearest(name, known))

    def _unreadable(self, name: str, path: Path, error: OSError) -> None:
        self.problem(name, f"names {shown(path)}, which can't be read: {error.strerror}")

    def _warn_of_expiry(self, what: str, day: date) -> None:
        left = (day - self._today).days
        if left < 0:
            logger.warning("%s expired on %s: create a new one", what, day)
        elif left <= EXPIRY_NOTICE.days:
            logger.warning("%s expires on %s, in %d days: create a new one in time", what, day, left)
