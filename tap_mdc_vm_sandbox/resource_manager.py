"""What Azure Resource Manager answers beside queries: what clients ask before their first one.

That is the subscriptions and the directory that they may see, the addresses of the cloud, and the operations of
Resource Graph. Everything else is refused, by a sentence that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from . import arm_answers as arm
from .arm_answers import ArmRefusedError
from .entra import TokenProblem, Tokens
from .server import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .tenant import Subscription, Tenant

_SUBSCRIPTIONS, _TENANTS = "Microsoft.Resources/subscriptions", "Microsoft.Resources/tenants"
_OPERATIONS = "Microsoft.ResourceGraph/operations"
_OF_RESOURCES = (
    "2014-04-01-preview", "2015-01-01", "2015-11-01", "2016-02-01", "2016-06-01", "2016-09-01", "2018-05-01",
    "2018-06-01", "2019-03-01", "2019-06-01", "2019-11-01", "2020-01-01", "2020-05-01", "2021-01-01", "2021-04-01",
    "2022-01-01", "2022-12-01", "2024-08-01", "2024-11-01",
)  # fmt: skip
_VERSIONS = {
    _SUBSCRIPTIONS: _OF_RESOURCES,
    _TENANTS: _OF_RESOURCES,
    _OPERATIONS: ("2018-09-01-preview", "2019-04-01", "2020-04-01-preview", "2021-03-01", "2022-10-01", "2024-04-01"),
}
_PLAYED = "The sandbox plays sign-in, GET /subscriptions, GET /tenants and queries of Microsoft.ResourceGraph only."


class ResourceManager:
    """Answers the addresses of Resource Manager, but for queries."""

    def __init__(self, tenant: Tenant, tokens: Tokens, readable: Callable[[], set[str]]) -> None:
        """Answer about one tenant, to one principal.

        Args:
            tenant: Whose subscriptions.
            tokens: Recognises tokens.
            readable: Ids of the subscriptions that the principal may read now.
        """
        self._tenant = tenant
        self._tokens = tokens
        self._readable = readable

    def answer(self, request: Request) -> Response:
        """Answer any request."""
        path = request.path.rstrip("/").lower()
        try:
            if path == "/metadata/endpoints":
                return _json(_cloud(request))
            self._tokens.check(request.headers.get("authorization"))
            return self._known(path, request)
        except TokenProblem as problem:
            return arm.unauthorized(problem, self._tenant.tenant_id)
        except ArmRefusedError as refused:
            return arm.refusal(refused)

    def _known(self, path: str, request: Request) -> Response:
        if request.method != "GET":
            raise _nothing(request)
        match path.strip("/").split("/"):
            case ["subscriptions"]:
                kind = _SUBSCRIPTIONS
                listed = [_described(subscription) for subscription in self._visible()]
                body: dict[str, Any] = {"value": listed, "count": {"type": "Total", "value": len(listed)}}
            case ["subscriptions", name]:
                kind, body = _SUBSCRIPTIONS, _described(self._subscription(name))
            case ["tenants"]:
                kind, body = _TENANTS, {"value": [self._directory()]}
            case ["providers", "microsoft.resourcegraph", "operations"]:
                kind, body = _OPERATIONS, {"value": [_operation()]}
            case _:
                raise _nothing(request)
        arm.check_version(request, kind, _VERSIONS[kind])
        return _json(body)

    def _visible(self) -> list[Subscription]:
        readable = self._readable()
        return [subscription for subscription in self._tenant.subscriptions if subscription.id in readable]

    def _subscription(self, name: str) -> Subscription:
        for subscription in self._visible():
            if subscription.id == name:
                return subscription
        raise ArmRefusedError(404, "SubscriptionNotFound", f"The subscription '{name}' could not be found.")

    def _directory(self) -> dict[str, Any]:
        tenant_id = self._tenant.tenant_id
        return {
            "id": f"/tenants/{tenant_id}",
            "tenantId": tenant_id,
            "countryCode": "DE",
            "displayName": "Sandbox",
            "domains": ["sandbox.invalid"],
            "tenantCategory": "Home",
            "defaultDomain": "sandbox.invalid",
            "tenantType": "AAD",
        }


def _described(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription.id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant,
        "displayName": subscription.name,
        "state": subscription.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _operation() -> dict[str, Any]:
    return {
        "name": "Microsoft.ResourceGraph/resources/read",
        "display": {
            "provider": "Microsoft Resource Graph",
            "resource": "Resources",
            "operation": "Query resources",
            "description": "Queries the resources of subscriptions, management groups or the tenant.",
        },
    }


def _cloud(request: Request) -> Mapping[str, Any] | list[Mapping[str, Any]]:
    """The addresses of this cloud, all of which are one. Versions from 2019 to 2021 list it among others."""
    here = f"https://{request.headers['host']}"
    cloud = {
        "name": "Sandbox",
        "resourceManager": here,
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": here,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": here,
        "graphAudience": here,
        "microsoftGraphResourceId": here,
        "activeDirectoryDataLake": here,
        "sqlManagement": here,
        "gallery": here,
        "media": here,
        "batch": here,
        "vmImageAliasDoc": f"{here}/aliases.json",
        "suffixes": {"storage": "sandbox.invalid", "keyVaultDns": "vault.sandbox.invalid"},
    }
    return [cloud] if "2019" < request.parameters.get("api-version", "") < "2022" else cloud


def _nothing(request: Request) -> ArmRefusedError:
    return ArmRefusedError(404, "NotFound", f"{request.method} {request.path} is nothing that is here. {_PLAYED}")


def _json(body: object) -> Response:
    return Response(200, orjson.dumps(body), arm.headers())
