"""The settings: one field of :class:`Settings` each, which says what there is to say about it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from tap_mdc_vm import packaged
from tap_mdc_vm.clouds import CLOUDS, PUBLIC, Cloud
from tap_mdc_vm.errors import ConfigurationError
from tap_mdc_vm.secret import Secret

from . import kinds
from .ci_services import TokenRequest
from .kinds import Kind, is_set
from .rules import NEEDED, Rules


@dataclass(frozen=True, slots=True)
class Setting:
    """What is to be known about a setting: its default as a user would write it, and whether the SDK reads it too."""

    kind: Kind
    description: str
    default: Any
    of_the_sdk: bool

    @property
    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema, as ``--about`` prints it."""
        default = {"default": self.default} if is_set(self.default) else {}
        return {**self.kind.schema, "description": self.description, **default}


def setting(kind: Kind, description: str, *, default: object = None, of_the_sdk: bool = False) -> Any:  # noqa: ANN401 - a field of any type
    """Return a field that holds a setting."""
    default = kind.default if default is None else default
    return field(metadata={"setting": Setting(kind, description, default, of_the_sdk)})


setting_of_the_sdk = partial(setting, of_the_sdk=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A configuration that was checked, with every default filled in.

    ``cloud`` has its addresses overridden where the configuration says so, and ``ca_bundle`` is what TLS trusts
    (None for the default store), wherever it was named.

    Attributes:
        token_request: How to ask the CI service around the tap for a federated token; None where it has one already.
    """

    tenant_id: str = setting(
        kinds.APPLICATION,
        "Directory (tenant) ID of the application in Entra ID, a GUID. Not needed for managed_identity and azure_cli.",
        default="",
    )
    client_id: str = setting(
        kinds.APPLICATION,
        "Application (client) ID of the application in Entra ID, a GUID. For managed_identity: the client ID of a "
        "user-assigned identity; left out for the system-assigned one. Not needed for azure_cli.",
        default="",
    )
    auth_method: str = setting(
        kinds.word(*NEEDED),
        "How the tap signs in; azure_cli is the account that az login signed in on this machine.",
        default="client_secret",
    )
    client_secret: Secret | None = setting(
        kinds.SECRET, "Value (not the ID) of a client secret of the application. Needed for client_secret."
    )
    client_secret_expires_on: date | None = setting(
        kinds.DAY, "Day on which the client secret expires, such as 2027-03-31. Every run in the 30 days before warns."
    )
    client_certificate_path: Path | None = setting(
        kinds.PATH, "PEM or PFX file with the certificate and its private key. Needed for client_certificate."
    )
    client_certificate_password: Secret | None = setting(
        kinds.SECRET, "Password of the private key in that file, if it has one."
    )
    federated_token_file: Path | None = setting(
        kinds.PATH,
        "File with the token that workload identity federation exchanges; read anew for each sign-in. Unset: "
        "AZURE_FEDERATED_TOKEN_FILE, which AKS sets.",
    )
    federated_token: Secret | None = setting(
        kinds.SECRET,
        "That token itself, as GitLab puts it into a variable. With neither of the two, GitHub Actions or Azure "
        "DevOps is asked for a new one for each sign-in.",
    )
    subscription_ids: tuple[str, ...] = setting(
        kinds.SUBSCRIPTIONS, "Subscriptions to read, GUIDs. Empty: every subscription that the application can read."
    )
    management_group_ids: tuple[str, ...] = setting(
        kinds.MANAGEMENT_GROUPS,
        "Management groups whose subscriptions to read, by ID. Not together with subscription_ids.",
    )
    cloud: Cloud = setting(kinds.word(*CLOUDS), "Azure's cloud.", default=PUBLIC.name)
    authority_host: str | None = setting(kinds.URL, "Address of Entra ID, https only. Unset: that of the cloud.")
    resource_manager_url: str | None = setting(
        kinds.URL, "Address of Azure Resource Manager, https only. Unset: that of the cloud."
    )
    ca_bundle: str | None = setting(
        kinds.PATH,
        "PEM file with the certificates to trust instead of the default ones, as a proxy that inspects TLS needs. "
        "Unset: REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE, then the default ones.",
    )
    assessment_statuses: tuple[str, ...] = setting(
        kinds.words("Unhealthy", "Healthy", "NotApplicable"),
        "Only assessments with one of these status codes, filtered in Azure. Empty: all.",
    )
    assessment_severities: tuple[str, ...] = setting(
        kinds.words("Low", "Medium", "High", "Critical"),
        "Only assessments of these severities, filtered in Azure. Empty: all.",
    )
    recommendation_categories: tuple[str, ...] = setting(
        kinds.RECOMMENDATIONS,
        "Only assessments of these categories, None for those without one, filtered in Azure. Empty: all.",
    )
    resource_groups: tuple[str, ...] = setting(
        kinds.RESOURCE_GROUPS,
        "Only machines of these resource groups, by name, their interfaces and their assessments, filtered in Azure. "
        "Empty: all.",
    )
    machine_tags: dict[str, tuple[str, ...]] = setting(
        kinds.TAGS,
        "Only machines with every one of these tags, their interfaces and their assessments; the machines filtered in "
        "Azure. An object: a tag's name (in any letter case) and its value, a list of values, or * for any.",
    )
    extra_streams: tuple[str, ...] = setting(kinds.words(*packaged.EXTRA_STREAMS), "Streams beside the three.")
    transform_map: str = setting(
        kinds.text(),
        "etm (the map that ships), etm_extended (with more labels), none, or the path of a map file in YAML or JSON.",
        default="etm",
    )
    page_size: int = setting(kinds.number(int, 1, 1000), "Rows asked for per request.", default=1000)
    max_concurrency: int = setting(kinds.number(int, 1, 64), "Requests in flight at most.", default=8)
    request_timeout: float = setting(
        kinds.number(float, 1, 3600),
        "Seconds to wait for a connection, or for the next byte of an answer. A whole answer has twice as long, at "
        "least 120 seconds.",
        default=120,
    )
    on_incomplete: str = setting(
        kinds.word("fail", "warn"),
        "When a stream can't be proven complete: fail ends the run with an error, warn only logs it.",
        default="fail",
    )
    emit_activate_version_messages: bool = setting(
        kinds.BOOLEAN,
        "Send ACTIVATE_VERSION after a stream is proven complete, so that a target removes what is gone.",
        default=False,
    )
    stream_maps: dict[str, Any] | None = setting_of_the_sdk(
        kinds.mapping(), "Your own stream maps, merged over transform_map stream by stream and field by field."
    )
    stream_map_config: dict[str, Any] | None = setting_of_the_sdk(
        kinds.mapping(), "Values that the expressions of the maps use, merged over those of transform_map."
    )
    faker_config: dict[str, Any] | None = setting_of_the_sdk(
        kinds.mapping(), "Seed and locale for fake in the expressions of the maps."
    )
    flattening_enabled: bool | None = setting_of_the_sdk(
        kinds.BOOLEAN, "Make a column of each field of an object, for targets that can't take objects."
    )
    flattening_max_depth: int | None = setting_of_the_sdk(
        kinds.number(int, 0, 100), "How many levels of objects to make columns of; 1 loses nothing.", default=1
    )
    flattening_max_key_length: int | None = setting_of_the_sdk(
        kinds.number(int, 1, 1000), "Characters of a column's name at most."
    )
    flattening_separator: str | None = setting_of_the_sdk(
        kinds.text(), "What stands between the parts of a column's name. Unset: two underscores."
    )
    token_request: TokenRequest | None = None

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], environ: Mapping[str, str] = os.environ, today: date | None = None
    ) -> Settings:
        """Check ``config``, fill in the defaults, and warn about keys that nobody knows.

        Args:
            config: Values by the names in :data:`SETTINGS`, of any type.
            environ: Where the standard variables for certificates and federated tokens are looked up.
            today: The day that expiry dates are compared with; None for the present one (UTC).

        Raises:
            ConfigurationError: With every problem, one line each, in the order of the settings.
        """
        values, problems = read(config, SETTINGS)
        given = [name for name, value in config.items() if is_set(value)]
        Rules(values, given, problems, environ, today or datetime.now(UTC).date()).apply()
        refuse(problems)
        return cls(**values)

    def of_the_sdk(self) -> dict[str, Any]:
        """Return the settings that the SDK reads and that are set, by name."""
        found = {name: getattr(self, name) for name in OF_THE_SDK}
        return {name: value for name, value in found.items() if value is not None}


def read(config: Mapping[str, Any], names: Iterable[str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return what settings stand for, their defaults where they are not set, and what is wrong with each."""
    values: dict[str, Any] = {}
    problems: dict[str, list[str]] = {name: [] for name in names}
    for name in problems:
        kind, default = SETTINGS[name].kind, SETTINGS[name].default
        values[name] = kind.read(default) if is_set(default) else default
        try:
            if is_set(config.get(name)):
                values[name] = kind.read(config[name])
        except ValueError as error:
            problems[name] += [f"{name} {line}" for line in error.args]
    return values, problems


def refuse(problems: Mapping[str, list[str]]) -> None:
    """Raise a ConfigurationError with the problems of all settings, if there are any."""
    if found := list(dict.fromkeys(chain.from_iterable(problems.values()))):
        raise ConfigurationError(found)


SETTINGS: dict[str, Setting] = {
    each.name: each.metadata["setting"] for each in fields(Settings) if "setting" in each.metadata
}
"""Every setting by its name."""

OF_THE_SDK = tuple(name for name, each in SETTINGS.items() if each.of_the_sdk)
"""Names of the Meltano SDK's own settings. A test asks the SDK for them."""

CONFIG_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {name: each.schema for name, each in SETTINGS.items()},
    "if": {
        "properties": {"auth_method": {"enum": [method for method, needed in NEEDED.items() if not needed]}},
        "required": ["auth_method"],
    },
    "else": {"required": ["tenant_id", "client_id"]},
}
