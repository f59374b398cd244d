"""Resource Graph's address in the sandbox, held to the recorded exchanges and to what its documents say."""

import base64
import json
import re
from collections import Counter
from dataclasses import replace

import orjson
import pytest

from tap_mdc_vm_sandbox.entra import Application, Tokens
from tap_mdc_vm_sandbox.fleet import Fleet
from tap_mdc_vm_sandbox.graph_api import GraphApi, Limits, make_token, read_token
from tap_mdc_vm_sandbox.quota import Meter, Quota
from tap_mdc_vm_sandbox.server import Request
from tap_mdc_vm_sandbox.store import Store

PATH = "/providers/Microsoft.ResourceGraph/resources"
MACHINES = "Resources | where type =~ 'microsoft.compute/virtualmachines' | project id, name | order by id asc"
CORRELATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Azure:
    """A tenant's Resource Graph without a wire."""

    def __init__(self, fleet, store, *, limits=None, quota=None):
        self.fleet = fleet
        self.readable = {s.id for s in fleet.subscriptions if s.readable}
        self.tokens = Tokens(
            Application(fleet.tenant_id, fleet.client_id), "https://arm", lifetime=3599, clock=lambda: 0
        )
        self.meter = Meter(quota, clock=lambda: 0) if quota else None
        self.number = 0
        self.api = GraphApi(
            tenant=fleet,
            store=store,
            tokens=self.tokens,
            meter=self.meter,
            limits=limits or Limits(),
            readable=lambda: self.readable,
            steady=False,
            drifting=False,
            clock=lambda: 0,
        )

    def send(self, body, *, version="2021-03-01", **headers):
        self.number += 1
        base = {"authorization": f"Bearer {self.tokens.issue()}", "content-type": "application/json"}
        base |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = body if isinstance(body, bytes) else orjson.dumps(body)
        request = Request("POST", PATH, {"api-version": version} if version else {}, base, body)
        return self.api.answer(request, self.number).response

    def ask(self, query, **body):
        response = self.send({"query": query, **body})
        assert response.status == 200, response.body
        return json.loads(response.body)

    def refused(self, query, **body):
        response = self.send({"query": query, **body})
        return response.status, [detail["code"] for detail in json.loads(response.body)["error"]["details"]]


@pytest.fixture(scope="module")
def azure(fleet, store):
    return Azure(fleet, store)


def names(answer):
    return [row["name"] for row in answer["data"]]


# The form of answers


@pytest.mark.parametrize(
    ("file", "body"),
    [
        ("captured/arg-page-skiptoken.json", {"query": "project id", "options": {"$top": 3}}),
        ("captured/arg-page-limit-in-query.json", {"query": "project id, tags, properties\n| limit 2"}),
        ("captured/arg-page-top-overrides-token.json", {"query": "project id", "options": {"$top": 6, "$skip": 4}}),
        ("constructed/arg-page-count.json", {"query": "count"}),
        ("constructed/arg-page-empty.json", {"query": "where id == 'nosuch'"}),
    ],
)
def test_an_answer_has_the_form_of_the_recorded_one(fleet, store, shared, file, body):
    recorded = json.loads((shared / "azure/rows" / file).read_text())["response"]
    azure = Azure(fleet, store, quota=Quota())
    response = azure.send({**body, "options": {"resultFormat": "objectArray", **body.get("options", {})}})
    answer = json.loads(response.body)
    assert list(answer) == list(recorded["body"])
    assert (answer["facets"], answer["resultTruncated"]) == ([], "false")
    assert [type(value) for value in answer.values()] == [type(value) for value in recorded["body"].values()]
    assert answer["count"] == len(answer["data"])
    if answer["data"]:
        assert list(answer["data"][0]) == list(recorded["body"]["data"][0])
    told = {name for name in recorded["headers"] if name.startswith("x-ms-")}
    assert told <= response.headers.keys()
    assert CORRELATION.fullmatch(response.headers["x-ms-correlation-request-id"])


def test_the_table_form_has_columns_and_rows(azure, shared):
    recorded = json.loads((shared / "azure/rows/captured/arg-page-table-2018.json").read_text())["response"]["body"]
    answer = azure.ask("project id | order by id asc", options={"$top": 2, "resultFormat": "table"})
    assert list(answer) == list(recorded)
    assert answer["data"]["columns"] == recorded["data"]["columns"]
    assert [len(row) for row in answer["data"]["rows"]] == [1, 1]


@pytest.mark.parametrize(
    ("file", "query", "scope"),
    [
        ("captured/arg-error-400-invalid-query.json", "where where", {}),
        ("captured/arg-error-400-unsupported-join.json", "Resources | join kind=leftsemi (Resources) on id", {}),
        (
            "constructed/arg-error-400-remote-tables.json",
            "Resources | join (SecurityResources) on id | join (SecurityResources) on id",
            {},
        ),
        ("constructed/arg-error-400-invalid-guids.json", "count", {"subscriptions": ["not-a-guid"]}),
        (
            "captured/arg-error-400-no-valid-subscriptions.json",
            "count",
            {"subscriptions": ["00000000-0000-0000-0000-0000000000e9"]},
        ),
    ],
)
def test_an_error_has_the_form_of_the_recorded_one(fleet, store, shared, *, file, query, scope):
    recorded = json.loads((shared / "azure/rows" / file).read_text())["response"]
    response = Azure(fleet, store, quota=Quota()).send({"query": query, **scope})
    error, known = json.loads(response.body)["error"], recorded["body"]["error"]
    assert response.status == recorded["status"]
    assert list(error) == list(known)
    assert error["code"] == known["code"]
    assert [(d["code"], list(d)) for d in error["details"]] == [(d["code"], list(d)) for d in known["details"]]
    assert _shape(error["message"]) == _shape(known["message"])
    assert response.headers["x-ms-correlation-request-id"] in error["message"]
    assert response.headers["x-ms-user-quota-remaining"] == "14"  # on errors too


def _shape(message):
    message = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", "MOMENT", message)
    return CORRELATION.sub("ID", message)


@pytest.mark.parametrize("denial", [400, 403])
def test_nothing_readable_is_400_or_403(fleet, store, denial):
    azure = Azure(fleet, store, limits=Limits(denial=denial))
    code = {400: "NoValidSubscriptionsInQueryRequest", 403: "AccessDenied"}[denial]
    hidden = fleet.subscription("hidden").id
    assert azure.refused("count", subscriptions=[hidden]) == (denial, [code])
    assert azure.refused("count", managementGroups=["nosuch"]) == (denial, [code])
    azure.readable = set()
    assert azure.refused("count") == (denial, [code])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("securityresources | count", "DisallowedLogicalTableName"),
        ("Resources | union (SecurityResources) | count", "DisallowedLogicalTableName"),
        ("Resources | summarize n = count(), rows = make_list(pack('id', id))", "InvalidQueryLanguage"),
    ],
)
def test_a_service_may_lack_a_table_or_a_function(fleet, store, query, code):
    azure = Azure(fleet, store, limits=Limits(lacking=frozenset({"securityresources", "make_list"})))
    assert azure.refused(query) == (400, ["InvalidQuery", code])
    assert azure.ask("Resources | summarize n = count()")["count"] == 1


def test_a_packed_answer_is_bounded_like_any_other(fleet, store):
    query = "Resources | summarize n = count(), rows = make_list(pack('id', id, 'properties', properties))"
    size = len(Azure(fleet, store).send({"query": query}).body)
    assert Azure(fleet, store, limits=Limits(payload=size)).ask(query)["count"] == 1
    assert Azure(fleet, store, limits=Limits(payload=size - 1)).refused(query) == (400, ["ResponsePayloadTooLarge"])


# Who asks, and how


def test_a_request_without_a_good_token_is_refused_by_arm(fleet, store, shared):
    azure = Azure(fleet, store, quota=Quota())
    recorded = json.loads((shared / "azure/rows/captured/arm-error-401-authentication-failed.json").read_text())
    response = azure.send({"query": "count"}, authorization="")
    assert response.status == 401
    assert json.loads(response.body) == recorded["response"]["body"]
    assert "WWW-Authenticate" in response.headers
    assert not any("quota" in name for name in response.headers)
    assert azure.meter.spend().remaining == 14  # it cost nothing


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_another_content_type_is_an_internal_error(azure, kind):
    assert azure.send({"query": "count"}, content_type=kind).status == 500


def test_a_content_type_may_name_its_charset(azure):
    assert azure.send({"query": "count"}, content_type="application/json; charset=utf-8").status == 200


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("", "MissingApiVersionParameter"),
        ("2021-3-1", "InvalidApiVersionParameter"),
        ("latest", "InvalidApiVersionParameter"),
        ("2021-03-02", "InvalidResourceType"),
        ("2030-01-01-preview", "InvalidResourceType"),
    ],
)
def test_a_version_is_needed_and_its_error_is_one_of_arm(azure, version, code):
    response = azure.send({"query": "count"}, version=version)
    error = json.loads(response.body)["error"]
    assert (response.status, error["code"], list(error)) == (400, code, ["code", "message"])
    assert not version or "2021-03-01" in error["message"]


@pytest.mark.parametrize(
    ("version", "usual"),
    [
        ("2018-09-01-preview", dict),
        ("2019-04-01", dict),
        ("2020-04-01-preview", dict),
        ("2021-03-01", list),
        ("2022-10-01", list),
        ("2024-04-01", list),
    ],
)
def test_rows_are_a_table_before_the_version_that_says_otherwise(azure, fleet, version, usual):
    def data(**options):
        body = {"query": MACHINES, "subscriptions": [fleet.ordinary[0].id], "options": options}
        return json.loads(azure.send(body, version=version).body)["data"]

    assert type(data()) is usual
    assert type(data(resultFormat="table")) is dict
    assert type(data(resultFormat="objectArray")) is list


def test_the_first_versions_need_subscriptions(azure):
    assert azure.send({"query": "count"}, version="2019-04-01").status == 400
    assert azure.send({"query": "count"}, version="2020-04-01-preview").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        {"query": ""},
        {"query": 1},
        {"nosuch": "count"},
        {"query": "count", "subscriptions": "x"},
        {"query": "count", "managementGroups": [1]},
        {"query": "count", "options": []},
        {"query": "count", "options": {"$top": 0}},
        {"query": "count", "options": {"$top": 1001}},
        {"query": "count", "options": {"$top": "5"}},
        {"query": "count", "options": {"$top": True}},
        {"query": "count", "options": {"$skip": -1}},
        {"query": "count", "options": {"$skip": False}},
        {"query": "count", "options": {"resultFormat": "csv"}},
        {"query": "count", "options": {"allowPartialScopes": "yes"}},
        {"query": "count", "options": {"$skipToken": 7}},
        {"query": "count", "facets": {}},
        {"query": "count", "facets": [{}]},
        {"query": "count", "facets": [{"expression": 1}]},
        {"query": "count", "facets": [{"expression": "a", "options": {"sortOrder": "up"}}]},
        {"query": "count", "facets": [{"expression": "a", "options": {"$top": 0}}]},
        {"query": "count", "facets": [{"expression": "a", "options": {"filter": 1}}]},
        {"query": "count", "options": {"$skipToken": "nonsense"}},
        {"query": "count", "options": {"$skipToken": base64.b64encode(b'{"a": 1}').decode()}},
        {"query": "count", "subscriptions": ["00000000-0000-0000-0000-0000000000a1"], "managementGroups": ["x"]},
        {"query": "count", "subscriptions": ["00000000-0000-0000-0000-0000000000a1"] * 1001},
    ],
)
def test_a_body_that_makes_no_sense_is_refused(azure, body):
    assert azure.send(body).status == 400


def test_options_without_their_dollar_are_ignored(azure, fleet):
    assert azure.ask(MACHINES, options={"top": 5})["count"] == fleet.machines


def test_every_query_is_counted_and_the_one_too_many_refused(fleet, store, shared):
    recorded = json.loads((shared / "azure/rows/captured/arg-error-429-rate-limiting.json").read_text())["response"]
    azure = Azure(fleet, store, quota=Quota(3, 5))
    left = [azure.send({"query": query}).headers["x-ms-user-quota-remaining"] for query in ("count", "where where", "")]
    assert left == ["2", "1", "0"]
    response = azure.send({"query": "count"})
    error, known = json.loads(response.body)["error"], recorded["body"]["error"]
    assert response.status == 429
    assert (error["code"], error["details"]) == (known["code"], known["details"])
    assert response.headers["x-ms-user-quota-remaining"] == "0"
    assert response.headers["x-ms-user-quota-resets-after"] == "00:00:05"


# Facets


def facets(azure, query, *asked, **body):
    return azure.ask(query, facets=[{"expression": e, "options": options} for e, options in asked], **body)["facets"]


def test_a_facet_counts_the_rows_by_the_values_of_a_column(azure, fleet):
    machines = [row for row in fleet.tables["resources"] if row["type"] == "microsoft.compute/virtualmachines"]
    counts = Counter(row["location"] for row in machines)
    (facet,) = facets(azure, MACHINES.replace("name", "location"), ("location", {"$top": 2}))
    assert list(facet) == ["expression", "resultType", "totalRecords", "count", "data"]
    assert (facet["resultType"], facet["totalRecords"], facet["count"]) == ("FacetResult", len(counts), 2)
    assert [row["count"] for row in facet["data"]] == sorted(counts.values(), reverse=True)[:2]
    assert all(counts[row["location"]] == row["count"] for row in facet["data"])


def test_a_facet_may_be_of_a_path_of_several_columns_filtered_and_sorted(azure):
    query = "Resources | where type contains 'virtualmachines' | project name, location, type, properties.priority"
    path, several, narrow = facets(
        azure,
        query,
        ("properties.priority", {"filter": "isnotempty(properties_priority)"}),
        ("location, type", {"sortBy": "strcat(location, type)", "sortOrder": "asc"}),
        ("name", {"filter": "name startswith 'vm-mac'"}),
        options={"resultFormat": "table"},
    )
    assert path["data"]["columns"] == [
        {"name": "properties_priority", "type": "string"},
        {"name": "count", "type": "integer"},
    ]
    assert path["data"]["rows"] == [["Spot", 1]]
    rows = several["data"]["rows"]
    assert rows == sorted(rows, key=lambda row: row[0] + row[1])
    assert {row[0] for row in narrow["data"]["rows"]} == {"vm-mac-on-second", "vm-mac-null", "vm-mac-missing"}


def test_a_facet_that_can_not_be_computed_leaves_the_rows_and_the_others_alone(azure):
    answer = azure.ask(
        "Resources | project location | limit 3",
        facets=[{"expression": word} for word in ("nosuch", "location, nosuch", "location")],
    )
    wrong, half, good = answer["facets"]
    assert wrong == {
        "expression": "nosuch",
        "resultType": "FacetError",
        "errors": [
            {"code": "NoValidColumns", "message": "No valid columns in facet expression."},
            {"code": "InvalidColumnNames", "message": "Invalid column names: [nosuch]."},
        ],
    }
    assert [error["code"] for error in half["errors"]] == ["InvalidColumnNames"]
    assert sum(row["count"] for row in good["data"]) == len(answer["data"]) == 3
    (refused,) = facets(azure, "Resources | project location", ("location", {"filter": "where where"}))
    assert refused["errors"][0]["code"] == "ParserFailure"


# Paging


def test_pages_follow_the_token_to_the_end(azure, fleet):
    seen, options, answers = [], {"$top": 13}, []
    while True:
        answers.append(answer := azure.ask(MACHINES, options=options))
        seen += names(answer)
        if "$skipToken" not in answer:
            break
        options = {"$top": 13, "$skipToken": answer["$skipToken"]}
    assert [answer["count"] for answer in answers] == [13, 13, 13, 13, 8]
    assert {answer["totalRecords"] for answer in answers} == {fleet.machines}
    assert {answer["resultTruncated"] for answer in answers} == {"false"}
    assert seen == names(azure.ask(MACHINES))


def test_a_token_is_an_offset_in_the_recorded_form(azure, shared):
    recorded = json.loads((shared / "azure/rows/captured/arg-page-skiptoken.json").read_text())["response"]["body"]
    token = azure.ask(MACHINES, options={"$top": 3})["$skipToken"]
    assert json.loads(base64.b64decode(token)).keys() == json.loads(base64.b64decode(recorded["$skipToken"])).keys()
    assert read_token(token) == {"MaxRows": 3, "RowsToSkip": 3}
    assert read_token(recorded["$skipToken"]) == {"MaxRows": 3, "RowsToSkip": 8}


def test_top_and_skip_replace_what_the_token_says(azure):
    every = names(azure.ask(MACHINES))
    token = make_token(4, 4)
    assert names(azure.ask(MACHINES, options={"$skipToken": token})) == every[4:8]
    assert names(azure.ask(MACHINES, options={"$skipToken": token, "$top": 6})) == every[4:10]
    assert names(azure.ask(MACHINES, options={"$skipToken": token, "$top": 6, "$skip": 9})) == every[9:15]
    next_one = azure.ask(MACHINES, options={"$skipToken": token, "$top": 6})["$skipToken"]
    assert read_token(next_one) == {"MaxRows": 6, "RowsToSkip": 10}


def test_a_query_with_a_limit_has_no_pages_and_is_not_skipped(azure):
    answer = azure.ask(f"{MACHINES} | limit 5", options={"$skip": 3})
    assert (answer["count"], answer["totalRecords"], answer["resultTruncated"]) == (5, 5, "false")
    cut = azure.ask(f"{MACHINES} | take 5", options={"$top": 2})
    assert (cut["count"], cut["resultTruncated"], "$skipToken" in cut) == (2, "true", False)


def test_rows_without_an_id_can_not_be_paged(azure):
    for query in ("Resources | project name", "Resources | project id = properties.vmId"):
        answer = azure.ask(query, options={"$top": 2})
        assert (answer["count"], answer["resultTruncated"], "$skipToken" in answer) == (2, "true", False)
        assert azure.ask(query)["resultTruncated"] == "false"


def test_an_answer_that_is_too_large_is_refused(fleet, store, shared):
    recorded = json.loads((shared / "azure/rows/captured/arg-error-400-payload-too-large.json").read_text())
    azure = Azure(fleet, store, limits=Limits(payload=20_000))
    response = azure.send({"query": "Resources"})
    detail = json.loads(response.body)["error"]["details"][0]
    known = recorded["response"]["body"]["error"]["details"][0]
    assert (response.status, detail["code"]) == (recorded["response"]["status"], known["code"])
    assert re.sub(r"\d+", "N", detail["message"]) == re.sub(r"\d+", "N", known["message"])
    assert azure.ask("Resources", options={"$top": 5})["count"] == 5


# Scope


def subscriptions_seen(answer):
    return {row["subscriptionId"] for row in answer["data"]}


SUBSCRIPTIONS = "Resources | project id, subscriptionId"


def test_the_tenant_is_all_that_can_be_read_lighthouse_included(azure, fleet):
    seen = subscriptions_seen(azure.ask(SUBSCRIPTIONS))
    assert seen == {row["subscriptionId"] for row in fleet.tables["resources"]} - {fleet.subscription("hidden").id}
    assert fleet.subscription("lighthouse").id in seen


def test_what_can_not_be_read_is_left_out_without_a_sign(azure, fleet):
    first, hidden = fleet.ordinary[0].id, fleet.subscription("hidden").id
    answer = azure.ask(SUBSCRIPTIONS, subscriptions=[first.upper(), hidden])
    assert subscriptions_seen(answer) == {first}
    assert answer == azure.ask(SUBSCRIPTIONS + "| order by id asc", subscriptions=[first]) | {"data": answer["data"]}


def test_a_management_group_is_what_lies_below_it(azure, fleet):
    query = "ResourceContainers | project id, name, type, subscriptionId"
    answer = azure.ask(query, managementGroups=["MG-Workloads"])
    below = {s.id for s in fleet.subscriptions if "mg-workloads" in s.groups}
    assert subscriptions_seen(answer) == below | {""}
    groups = {row["name"] for row in answer["data"] if row["type"] == "microsoft.management/managementgroups"}
    assert groups == {"mg-workloads", "mg-production", "mg-staging"}


def test_several_management_groups_are_taken_together(azure, fleet):
    answer = azure.ask(SUBSCRIPTIONS, managementGroups=["mg-production", "mg-staging"])
    below = {s.id for s in fleet.subscriptions if "mg-workloads" in s.groups}
    assert subscriptions_seen(answer) == below


def test_subscriptions_in_scope_show_no_management_groups(azure, fleet):
    answer = azure.ask("ResourceContainers | project id, type", subscriptions=[fleet.ordinary[0].id])
    assert [row["type"] for row in answer["data"]] == ["microsoft.resources/subscriptions"]


def test_a_tenant_with_too_many_subscriptions_says_so_in_a_header(fleet, store):
    azure = Azure(fleet, store, limits=Limits(counted=2))
    response = azure.send({"query": SUBSCRIPTIONS})
    assert response.headers["x-ms-tenant-subscription-limit-hit"] == "true"
    assert len(subscriptions_seen(json.loads(response.body))) == 2
    listed = azure.send({"query": SUBSCRIPTIONS, "subscriptions": [s.id for s in fleet.ordinary]})
    assert "x-ms-tenant-subscription-limit-hit" not in listed.headers
    assert len(subscriptions_seen(json.loads(listed.body))) == 3


def test_a_tenant_with_far_too_many_is_refused_unless_parts_will_do(fleet, store, shared):
    azure = Azure(fleet, store, limits=Limits(allowed=2))
    recorded = json.loads((shared / "azure/rows/captured/arg-error-400-too-many-subscriptions.json").read_text())
    assert azure.refused("count") == (400, [recorded["response"]["body"]["error"]["details"][0]["code"]])
    assert azure.ask("count", options={"allowPartialScopes": True})["count"] == 1
    assert azure.ask("count", subscriptions=[s.id for s in fleet.ordinary])["count"] == 1


def test_an_answer_kept_is_the_answer_given(fleet, store):
    azure = Azure(fleet, store)
    azure.api = GraphApi(
        tenant=fleet,
        store=store,
        tokens=azure.tokens,
        meter=None,
        limits=Limits(),
        readable=lambda: azure.readable,
        steady=True,
        drifting=False,
        clock=lambda: 0,
    )
    first, second = azure.send({"query": MACHINES}), azure.send({"query": MACHINES})
    assert first.compressed == second.compressed
    assert replace(first, headers={}) == replace(second, headers={})
    assert first.headers["x-ms-correlation-request-id"] != second.headers["x-ms-correlation-request-id"]
    azure.readable = azure.readable - {fleet.ordinary[0].id}
    assert azure.send({"query": MACHINES}).compressed != first.compressed


@pytest.fixture(scope="module")
def large():
    fleet = Fleet(machines=0, subscriptions=1_200)
    store = Store(seed=1)
    store.load(fleet.lines())
    yield Azure(fleet, store)
    store.close()


def test_more_than_a_thousand_subscriptions_are_read_in_pages(large):
    query = "ResourceContainers | where type =~ 'microsoft.resources/subscriptions' | project id | order by id asc"
    first = large.ask(query)
    assert (first["count"], first["totalRecords"]) == (1000, 1200)
    assert large.ask(query, options={"$skipToken": first["$skipToken"]})["count"] == 200
