"""The sandbox as Microsoft's own libraries meet it: azure-identity and azure-mgmt-resourcegraph, as they are."""

import asyncio
import json

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncCredential
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.aio import ResourceGraphClient as AsyncClient
from azure.mgmt.resourcegraph.models import (
    FacetError,
    FacetRequest,
    FacetRequestOptions,
    FacetResult,
    QueryRequest,
    QueryRequestOptions,
    ResultFormat,
)

from tap_mdc_vm_sandbox import AuthMethod, Sandbox

MACHINES = "Resources | where type =~ 'microsoft.compute/virtualmachines' | project id, name | order by id asc"


@pytest.fixture(scope="module")
def azure():
    """A sandbox that stands where Azure is."""
    with Sandbox(quota=None, proxy=True) as sandbox:
        yield sandbox


@pytest.fixture
def client(azure, monkeypatch):
    """A client as the quickstart makes it: no address, no certificate, no name of the sandbox."""
    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)
    with DefaultAzureCredential() as credential, ResourceGraphClient(credential) as client:
        yield client


def readable(fleet, kind):
    hidden = {each.id for each in fleet.subscriptions if not each.readable}
    rows = [row for table in fleet.tables.values() for row in table if row["type"] == kind]
    return sorted(row["id"] for row in rows if row["subscriptionId"] not in hidden)


def test_all_pages_are_all_rows(client, azure):
    found, token = [], None
    while True:
        answer = client.resources(QueryRequest(query=MACHINES, options=QueryRequestOptions(top=7, skip_token=token)))
        found += [row["id"] for row in answer.data]
        token = answer.skip_token
        if token is None:
            break
    assert found == readable(azure.fleet, "microsoft.compute/virtualmachines")
    assert answer.total_records == len(found)
    assert (answer.result_truncated, answer.facets) == ("false", [])


def test_the_async_client_gets_the_same(client, azure):
    async def asked():
        async with AsyncCredential() as credential, AsyncClient(credential) as asynchronous:
            return await asynchronous.resources(QueryRequest(query=MACHINES))

    assert asyncio.run(asked()).data == client.resources(QueryRequest(query=MACHINES)).data


def test_a_table(client):
    options = QueryRequestOptions(top=2, result_format=ResultFormat.TABLE)
    answer = client.resources(QueryRequest(query=MACHINES, options=options))
    assert answer.data["columns"] == [{"name": "id", "type": "string"}, {"name": "name", "type": "string"}]
    assert [len(row) for row in answer.data["rows"]] == [2, 2]


def test_facets(client, azure):
    query = "Resources | where type =~ 'microsoft.compute/virtualmachines' | project location, p = properties.priority"
    asked = [
        FacetRequest(expression="location", options=FacetRequestOptions(top=2)),
        FacetRequest(expression="p", options=FacetRequestOptions(filter="isnotempty(p)")),
        FacetRequest(expression="location", options=FacetRequestOptions(sort_by="location", sort_order="asc")),
        FacetRequest(expression="nosuch"),
    ]
    most, spot, sorted_, wrong = client.resources(QueryRequest(query=query, facets=asked)).facets
    assert isinstance(most, FacetResult)
    assert (most.count, most.total_records) == (2, 5)
    assert list(most.data[0]) == ["location", "count"]
    assert most.data[0]["count"] >= most.data[1]["count"]
    assert spot.data == [{"p": "Spot", "count": 1}]
    assert [row["location"] for row in sorted_.data] == sorted(row["location"] for row in sorted_.data)
    assert sum(row["count"] for row in sorted_.data) == len(readable(azure.fleet, "microsoft.compute/virtualmachines"))
    assert isinstance(wrong, FacetError)
    assert [error.code for error in wrong.errors] == ["NoValidColumns", "InvalidColumnNames"]


def test_scopes(client, azure):
    first, second = azure.fleet.ordinary[:2]
    answer = client.resources(QueryRequest(query="Resources | distinct subscriptionId", subscriptions=[second.id]))
    assert answer.data == [{"subscriptionId": second.id}]
    answer = client.resources(QueryRequest(query="Resources", management_groups=["mg-production"]))
    assert first.id in {row["subscriptionId"] for row in answer.data}
    assert second.id not in {row["subscriptionId"] for row in answer.data}


def test_an_error_has_azures_code_and_details(client):
    with pytest.raises(HttpResponseError) as caught:
        client.resources(QueryRequest(query="Resources | where where"))
    assert caught.value.status_code == 400
    assert caught.value.error.code == "BadRequest"
    assert [detail.code for detail in caught.value.error.details] == ["InvalidQuery", "ParserFailure"]


def test_the_operations(client):
    assert [operation.name for operation in client.operations.list()] == ["Microsoft.ResourceGraph/resources/read"]


def test_a_wrong_secret(azure, client):
    credential = ClientSecretCredential(azure.fleet.tenant_id, azure.fleet.client_id, "not the secret")
    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token("https://management.azure.com/.default")


@pytest.mark.parametrize("method", [each for each in AuthMethod if each is not AuthMethod.CLIENT_SECRET])
def test_each_way_to_sign_in(monkeypatch, method):
    with Sandbox(quota=None, proxy=True, auth_method=method) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        with DefaultAzureCredential() as credential, ResourceGraphClient(credential) as client:
            assert client.resources(QueryRequest(query="Resources | count")).data[0]["Count"] > 100


def test_without_a_proxy_the_addresses_are_given(tmp_path):
    with Sandbox(quota=None) as sandbox:
        settings = sandbox.config
        verify = {"connection_verify": settings["ca_bundle"]}
        credential = ClientSecretCredential(
            settings["tenant_id"],
            settings["client_id"],
            settings["client_secret"],
            authority=settings["authority_host"],
            disable_instance_discovery=True,
            **verify,
        )
        address = settings["resource_manager_url"]
        scopes = [f"{address}/.default"]
        with (
            credential,
            ResourceGraphClient(credential, base_url=address, credential_scopes=scopes, **verify) as client,
        ):
            answer = client.resources(QueryRequest(query="ResourceContainers | project name | order by name asc"))
    assert json.loads(json.dumps(answer.data))[0]["name"]
