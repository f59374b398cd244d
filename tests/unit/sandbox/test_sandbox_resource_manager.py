"""What Resource Manager answers beside queries."""

import json

import pytest

from tap_mdc_vm_sandbox.entra import Application, Tokens
from tap_mdc_vm_sandbox.resource_manager import ResourceManager
from tap_mdc_vm_sandbox.server import Request

VERSION = {"api-version": "2022-12-01"}


@pytest.fixture
def get(fleet):
    """A function that asks for a path."""
    tokens = Tokens(Application(fleet.tenant_id, fleet.client_id), "https://arm", lifetime=3599, clock=lambda: 0)
    arm = ResourceManager(fleet, tokens, lambda: {s.id for s in fleet.subscriptions if s.readable})

    def asked(path, parameters=VERSION, *, method="GET", authorization=None):
        headers = {"host": "arm", "authorization": authorization or f"Bearer {tokens.issue()}"}
        response = arm.answer(Request(method, path, parameters, headers, b""))
        return response.status, json.loads(response.body)

    return asked


def test_the_subscriptions_are_those_that_can_be_read_as_resource_graph_has_them(get, fleet):
    status, body = get("/subscriptions")
    rows = {
        row["subscriptionId"]: row
        for row in fleet.tables["resourcecontainers"]
        if row["type"] == "microsoft.resources/subscriptions"
    }
    assert status == 200
    assert body["count"] == {"type": "Total", "value": len(body["value"])}
    assert {each["subscriptionId"] for each in body["value"]} == rows.keys() - {fleet.subscription("hidden").id}
    for each in body["value"]:
        row = rows[each["subscriptionId"]]
        assert (each["id"], each["displayName"], each["tenantId"]) == (row["id"], row["name"], row["tenantId"])
        assert each["state"] == row["properties"]["state"]
        assert get(each["id"]) == (200, each)


def test_a_subscription_that_can_not_be_read_is_not_found(get, fleet):
    status, body = get(f"/subscriptions/{fleet.subscription('hidden').id}")
    assert (status, body["error"]["code"]) == (404, "SubscriptionNotFound")


def test_the_directory_is_the_tenant(get, fleet):
    assert get("/tenants/")[1]["value"][0]["tenantId"] == fleet.tenant_id


def test_the_operations_of_resource_graph(get):
    (operation,) = get("/providers/Microsoft.ResourceGraph/operations", {"api-version": "2021-03-01"})[1]["value"]
    assert operation["name"] == "Microsoft.ResourceGraph/resources/read"


def test_the_addresses_of_the_cloud_need_no_token(get):
    status, cloud = get("/metadata/endpoints", {"api-version": "2022-09-01"}, authorization="nothing")
    assert (status, cloud["resourceManager"], cloud["authentication"]["loginEndpoint"]) == (200, *["https://arm"] * 2)
    assert get("/metadata/endpoints", {"api-version": "2019-05-01"}) == (200, [cloud])


@pytest.mark.parametrize("path", ["/", "/subscriptions/x/resourceGroups", "/providers", "/favicon.ico"])
def test_any_other_address_says_what_is_played(get, path):
    status, body = get(path)
    assert (status, body["error"]["code"], list(body["error"])) == (404, "NotFound", ["code", "message"])
    assert "GET /subscriptions" in body["error"]["message"]


def test_other_methods_are_not_played(get):
    assert get("/subscriptions", method="DELETE")[0] == 404


@pytest.mark.parametrize(("parameters", "code"), [({}, "Missing"), ({"api-version": "1999-01-01"}, "Invalid")])
def test_a_version_is_needed(get, parameters, code):
    status, body = get("/subscriptions", parameters)
    assert (status, body["error"]["code"]) == (400, f"{code}ApiVersionParameter")


def test_nobody_is_told_without_a_token(get):
    status, body = get("/subscriptions", authorization="Bearer x.y.z")
    assert (status, body["error"]["code"]) == (401, "InvalidAuthenticationToken")
