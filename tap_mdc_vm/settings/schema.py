"""Every setting: its type, its meaning, its limits and its default. The one place that says so.

``tap-mdc-vm --about`` prints it, the checks read limits and defaults from it, tests compare the docs with it.
"""

from __future__ import annotations

from typing import Any

from tap_mdc_vm.clouds import CLOUDS, PUBLIC


def _setting(kind: str, description: str, **more: object) -> dict[str, Any]:
    return {"type": [kind, "null"], "description": description, **more}


SETTINGS: dict[str, dict[str, Any]] = {
    "tenant_id": _setting(
        "string",
        "Directory (tenant) ID of the application in Entra ID, a GUID. Not needed for managed_identity.",
    ),
    "client_id": _setting(
        "string",
        "Application (client) ID of the application in Entra ID, a GUID. For managed_identity: the client ID"
        " of a user-assigned identity; left out for the system-assigned one.",
    ),
    "auth_method": _setting(
        "string",
        "How the tap signs in.",
        enum=["client_secret", "client_certificate", "workload_identity", "managed_identity"],
        default="client_secret",
    ),
    "client_secret": _setting(
        "string",
        "Value (not the ID) of a client secret of the application. Needed for client_secret.",
        secret=True,
    ),
    "client_secret_expires_on": _setting(
        "string",
        "Day on which the client secret expires, such as 2027-03-31. Every run in the 30 days before warns.",
        format="date",
    ),
    "client_certificate_path": _setting(
        "string",
        "PEM or PFX file with the certificate and its private key. Needed for client_certificate.",
    ),
    "client_certificate_password": _setting(
        "string",
        "Password of the private key in that file, if it has one.",
        secret=True,
    ),
    "federated_token_file": _setting(
        "string",
        "File with the token that workload identity federation exchanges; read anew for each sign-in."
        " Unset: AZURE_FEDERATED_TOKEN_FILE, which AKS sets.",
    ),
    "subscription_ids": _setting(
        "array",
        "Subscriptions to read, GUIDs. Empty: every subscription that the application can read.",
        items={"type": "string"},
        default=[],
    ),
    "management_group_ids": _setting(
        "array",
        "Management groups whose subscriptions to read, by ID. Not together with subscription_ids.",
        items={"type": "string"},
        default=[],
    ),
    "cloud": _setting("string", "Azure's cloud.", enum=list(CLOUDS), default=PUBLIC.name),
    "authority_host": _setting("string", "Address of Entra ID, https only. Unset: that of the cloud."),
    "resource_manager_url": _setting(
        "string", "Address of Azure Resource Manager, https only. Unset: that of the cloud."
    ),
    "ca_bundle": _setting(
        "string",
        "PEM file with the certificates to trust instead of the default ones, as a proxy that inspects TLS"
        " needs. Unset: REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE, then the default ones.",
    ),
    "assessment_statuses": _setting(
        "array",
        "Only assessments with one of these status codes, filtered in Azure. Empty: all.",
        items={"type": "string", "enum": ["Unhealthy", "Healthy", "NotApplicable"]},
        default=[],
    ),
    "transform_map": _setting(
        "string",
        "etm (the map that ships), none, or the path of a map file in YAML or JSON.",
        default="etm",
    ),
    "page_size": _setting("integer", "Rows asked for per request.", minimum=1, maximum=1000, default=1000),
    "max_concurrency": _setting("integer", "Requests in flight at most.", minimum=1, maximum=64, default=8),
    "request_timeout": _setting(
        "number",
        "Seconds to wait for a connection, or for the next byte of an answer. A whole answer has twice as long, at "
        "least 120 seconds.",
        minimum=1,
        maximum=3600,
        default=120,
    ),
    "on_incomplete": _setting(
        "string",
        "When a stream can't be proven complete: fail ends the run with an error, warn only logs it.",
        enum=["fail", "warn"],
        default="fail",
    ),
    "emit_activate_version_messages": _setting(
        "boolean",
        "Send ACTIVATE_VERSION after a stream is proven complete, so that a target removes what is gone.",
        default=False,
    ),
}

CONFIG_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["tenant_id", "client_id"],
    "properties": SETTINGS,
}

# The Meltano SDK's own settings, which pass through to it, and their types. A test asks the SDK for them.
SDK_SETTINGS: dict[str, type] = {
    "stream_maps": dict,
    "stream_map_config": dict,
    "faker_config": dict,
    "flattening_enabled": bool,
    "flattening_max_depth": int,
    "flattening_max_key_length": int,
    "flattening_separator": str,
}
