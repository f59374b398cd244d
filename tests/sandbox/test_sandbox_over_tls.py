"""The sandbox as a client meets it: MSAL, TLS, pages; and everything that it can do wrong, once."""

import json
from pathlib import Path

import msal
import pytest
import requests
from cryptography import x509
from sandbox_client import Client

from tap_mdc_vm_sandbox import AuthMethod, Chaos, Drift, Fault, Fleet, HashMode, Kind, Quota, Sandbox, Trouble

QUERY = "SecurityResources | where type =~ 'microsoft.security/assessments' | project id, properties | order by id asc"


@pytest.fixture
def start():
    """A function that starts a sandbox and gives a client that has signed in."""
    opened = []

    def started(fleet=None, *, sign_in=True, **options):
        sandbox = Sandbox(fleet or Fleet(machines=20, subscriptions=2), **{"quota": None, **options}).__enter__()
        client = Client(sandbox)
        opened.extend((sandbox, client))
        if sign_in:
            assert client.sign_in()["token_source"] == "identity_provider"
        return client

    yield started
    for thing in reversed(opened):
        thing.__exit__(None, None, None) if isinstance(thing, Sandbox) else thing.close()


@pytest.fixture(scope="module")
def client():
    with Sandbox(quota=None) as sandbox:
        client = Client(sandbox)
        client.sign_in()
        yield client
        client.close()


# Faithful


@pytest.mark.parametrize("table", ["Resources", "SecurityResources", "ResourceContainers", "ComputeResources"])
@pytest.mark.parametrize("top", [7, 1000])
def test_all_pages_together_are_the_readable_rows_of_the_table(client, table, top):
    fleet = client.sandbox.fleet
    hidden = fleet.subscription("hidden").id
    expected = sorted(
        (row for row in fleet.tables[table.lower()] if row["subscriptionId"] != hidden), key=lambda row: row["id"]
    )
    assert client.rows(f"{table} | order by id asc", top=top) == expected


def test_nobody_is_trusted_without_the_bundle(client):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(client.sandbox.url, timeout=10)


def test_the_log_tells_what_was_asked(start):
    client = start()
    client.send("Resources | count", subscriptions=[client.sandbox.fleet.ordinary[0].id])
    client.send("where where")
    log = client.sandbox.requests
    assert [(asked.kind, asked.status) for asked in log] == [
        ("discovery", 200),
        ("token", 200),
        ("query", 200),
        ("query", 400),
    ]
    assert log[2].question.query == "Resources | count"
    assert log[2].question.subscriptions == (client.sandbox.fleet.ordinary[0].id,)
    assert log[0].at <= log[3].at


def test_unreadable_subscriptions_can_be_named_and_changed(start):
    client = start()
    first, second = (subscription.id for subscription in client.sandbox.fleet.ordinary)
    query = "Resources | summarize by subscriptionId"
    client.sandbox.unreadable.add(first)
    assert client.send(query).json()["data"] == [{"subscriptionId": second}]
    client.sandbox.unreadable.clear()
    assert client.send(query).json()["count"] == 2


def test_a_client_is_throttled_by_a_quota_that_others_share(start):
    now = [0.0]
    client = start(quota=Quota(15, 5), meter_clock=lambda: now[0])
    client.sandbox.meter.spend(14)
    first, second = client.send("count"), client.send("count")
    assert (first.status_code, first.headers["x-ms-user-quota-remaining"]) == (200, "0")
    assert (second.status_code, second.headers["x-ms-user-quota-resets-after"]) == (429, "00:00:05")
    now[0] = 5.0
    assert client.send("count").status_code == 200


def test_latency_is_added_to_each_query_and_to_nothing_else(start):
    waits = []
    client = start(latency=0.7, wait=waits.append)
    assert waits == []
    client.send("count")
    client.send("where where")
    assert waits == [0.7, 0.7]


# Signing in


@pytest.mark.parametrize("trouble", [each for each in Trouble if each is not Trouble.NONE])
def test_each_trouble_with_signing_in_has_its_number(start, trouble):
    client = start(trouble=trouble, sign_in=False)
    if trouble is Trouble.UNKNOWN_TENANT:
        with pytest.raises(ValueError, match="authority"):
            client.sign_in()
        return
    numbers = {
        Trouble.WRONG_SECRET: 7000215,
        Trouble.EXPIRED_SECRET: 7000222,
        Trouble.DISABLED_APPLICATION: 7000112,
        Trouble.UNKNOWN_APPLICATION: 700016,
    }
    assert client.sign_in()["error_codes"] == [numbers[trouble]]


def test_a_certificate_signs_in(start):
    client = start(auth_method=AuthMethod.CLIENT_CERTIFICATE, sign_in=False)
    config = client.sandbox.config
    assert "client_secret" not in config
    assert config["auth_method"] == "client_certificate"
    pem = Path(config["client_certificate_path"]).read_text()
    assert x509.load_pem_x509_certificate(pem.encode())
    result = client.sign_in({"private_key": pem, "public_certificate": pem, "thumbprint": None})
    assert "access_token" in result
    assert client.send("count").status_code == 200


def test_a_federated_token_signs_in(start):
    client = start(auth_method=AuthMethod.WORKLOAD_IDENTITY, sign_in=False)
    file = Path(client.sandbox.config["federated_token_file"])
    assert "access_token" in client.sign_in({"client_assertion": file.read_text})
    assert client.send("count").status_code == 200


def test_a_managed_identity_signs_in(start, monkeypatch):
    client = start(auth_method=AuthMethod.MANAGED_IDENTITY, sign_in=False)
    environment = client.sandbox.environment
    assert "TAP_MDC_VM_CLIENT_SECRET" not in environment
    variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
    monkeypatch.setenv(variable, environment[variable])
    identity = msal.ManagedIdentityClient(
        msal.UserAssignedManagedIdentity(client_id=client.sandbox.config["client_id"]), http_client=client
    )
    client.token = identity.acquire_token_for_client(resource=client.sandbox.url)["access_token"]
    assert client.send("count").status_code == 200


def test_a_token_ends_with_its_lifetime(start):
    now = [1_800_000_000.0]
    client = start(token_lifetime=600, clock=lambda: now[0])
    now[0] += 599
    assert client.send("count").status_code == 200
    now[0] += 1
    refused = client.send("count")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")


def test_the_environment_says_the_same_as_the_config(client):
    sandbox = client.sandbox
    assert sandbox.environment == {f"TAP_MDC_VM_{name.upper()}": value for name, value in sandbox.config.items()}


# Misbehaving: each kind once


def faulty(start, kind, **more):
    """A client, and what it saw of the first good answer, before the fault is due."""
    client = start(faults=[Fault(kind=kind, after=1, **more)])
    return client, client.send(QUERY)


@pytest.mark.parametrize(
    ("kind", "status", "headers", "body"),
    [
        (Kind.THROTTLED, 429, {"x-ms-user-quota-resets-after": "00:00:07"}, "json"),
        (Kind.THROTTLED_RETRY_AFTER, 429, {"Retry-After": "7"}, "json"),
        (Kind.THROTTLED_TWO_BYTES, 429, {"x-ms-user-quota-resets-after": "00:00:07"}, b"\r\n"),
        (Kind.THROTTLED_NO_HINT, 429, {}, "json"),
        (Kind.ERROR_500_JSON, 500, {}, "json"),
        (Kind.ERROR_502_EMPTY, 502, {}, b""),
        (Kind.ERROR_503_HTML, 503, {"Retry-After": "7"}, "html"),
        (Kind.ERROR_504_HTML, 504, {}, "html"),
    ],
)
def test_a_service_that_does_not_answer(start, kind, status, headers, body):
    client, good = faulty(start, kind, seconds=7)
    bad = client.send(QUERY)
    assert bad.status_code == status
    hints = {"x-ms-user-quota-resets-after", "Retry-After", "x-ms-user-quota-remaining"}
    told = {name: bad.headers[name] for name in hints & set(bad.headers)} | headers
    assert told.keys() - headers.keys() <= {"x-ms-user-quota-remaining"}
    assert told == {**told, **{name: bad.headers[name] for name in headers}}
    if body == "json":
        assert json.loads(bad.content)["error"]["details"]
    else:
        assert bad.content.startswith(b"<html>") if body == "html" else bad.content == body
    assert client.send(QUERY).json() == good.json()


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE, Kind.RESET_MIDWAY])
def test_a_connection_that_is_reset(start, kind):
    client, good = faulty(start, kind)
    with pytest.raises(requests.exceptions.RequestException):
        client.send(QUERY)
    assert client.send(QUERY).json() == good.json()


def test_a_service_that_stalls(start):
    client, good = faulty(start, Kind.STALL, seconds=3600)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.send(QUERY, timeout=0.1)
    assert client.send(QUERY).json() == good.json()


def test_half_an_answer_with_status_200(start):
    client, good = faulty(start, Kind.HALF_JSON)
    bad = client.send(QUERY)
    assert bad.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        bad.json()
    assert good.content.startswith(bad.content)


def test_a_token_that_ends_during_the_run_stays_ended(start):
    client, good = faulty(start, Kind.EXPIRED_TOKEN)
    for _ in range(2):
        bad = client.send(QUERY)
        assert (bad.status_code, bad.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")
    client.sign_in()
    assert client.send(QUERY).json() == good.json()


def test_an_empty_page_whose_token_leads_to_the_rows(start):
    client, good = faulty(start, Kind.EMPTY_PAGE)
    bad = client.send(QUERY).json()
    assert (bad["data"], bad["count"], bad["totalRecords"]) == ([], 0, good.json()["totalRecords"])
    assert client.send(QUERY, options={"$skipToken": bad["$skipToken"]}).json() == good.json()


def test_a_token_that_is_given_again(start):
    client = start(faults=[Fault(kind=Kind.REPEATED_TOKEN, times=None)])
    first = client.send(QUERY, options={"$top": 50}).json()
    second = client.send(QUERY, options={"$top": 50, "$skipToken": first["$skipToken"]}).json()
    assert second["$skipToken"] == first["$skipToken"]
    assert second["data"] != first["data"]


def test_rows_that_are_said_to_be_missing(start):
    client, good = faulty(start, Kind.TRUNCATED)
    bad = client.send(QUERY).json()
    assert (bad["resultTruncated"], "$skipToken" in bad) == ("true", False)
    assert bad["data"] == good.json()["data"][: len(good.json()["data"]) // 2]


def test_rows_that_are_missing_without_a_word(start):
    client, good = faulty(start, Kind.SHORT)
    bad = client.send(QUERY).json()
    assert bad["data"] == good.json()["data"][:-1]
    assert (bad["totalRecords"], bad["resultTruncated"]) == (good.json()["totalRecords"], "false")
    assert bad["count"] == bad["totalRecords"] - 1


def test_a_row_that_comes_twice(start):
    client, good = faulty(start, Kind.DOUBLED_ROW)
    data = good.json()["data"]
    assert client.send(QUERY).json()["data"] == [*data, data[-1]]


def test_a_row_without_an_id(start):
    client, good = faulty(start, Kind.ROW_WITHOUT_ID)
    first, *rest = client.send(QUERY).json()["data"]
    assert first == {"properties": good.json()["data"][0]["properties"]}
    assert rest == good.json()["data"][1:]


PACKED = (
    "SecurityResources | where type =~ 'microsoft.security/assessments' | order by id asc "
    "| summarize n = count(), rows = make_list(pack('id', id, 'name', name))"
)


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        (Kind.SHORT, lambda rows: rows[:-1]),
        (Kind.DOUBLED_ROW, lambda rows: [*rows, rows[-1]]),
        (Kind.ROW_WITHOUT_ID, lambda rows: [{"name": rows[0]["name"]}, *rows[1:]]),
    ],
)
def test_the_rows_of_a_packed_answer_can_be_spoilt_too(start, kind, spoil):
    client = start(faults=[Fault(kind=kind)])
    (bad,), (good,) = client.send(PACKED).json()["data"], client.send(PACKED).json()["data"]
    assert bad == {"n": good["n"], "rows": spoil(good["rows"])}


def test_an_answer_that_is_said_to_be_too_large(start):
    client, _ = faulty(start, Kind.PAYLOAD_TOO_LARGE)
    bad = client.send(QUERY)
    assert bad.status_code == 400
    assert bad.json()["error"]["details"][0]["code"] == "ResponsePayloadTooLarge"


def test_more_subscriptions_than_azure_counts(start):
    client, good = faulty(start, Kind.SUBSCRIPTION_LIMIT)
    bad = client.send(QUERY)
    assert bad.headers["x-ms-tenant-subscription-limit-hit"] == "true"
    assert bad.json() == good.json()


def test_a_token_endpoint_that_flaps(start):
    kinds = (Kind.TOKEN_THROTTLED, Kind.TOKEN_503_HTML, Kind.TOKEN_NOT_JSON, Kind.TOKEN_RESET)
    client = start(faults=[Fault(kind=kind, seconds=2) for kind in kinds], sign_in=False)
    throttled = client.sign_in()
    assert throttled["error_codes"] == [90055]
    with pytest.raises(msal.exceptions.MsalServiceError):
        client.sign_in()
    with pytest.raises(json.JSONDecodeError):
        client.sign_in()
    with pytest.raises(requests.exceptions.ConnectionError):
        client.sign_in()
    assert "access_token" in client.sign_in()


def test_a_discovery_endpoint_that_is_down(start):
    client = start(faults=[Fault(kind=Kind.DISCOVERY_503_HTML)], sign_in=False)
    with pytest.raises(msal.exceptions.MsalServiceError):
        client.sign_in()
    assert "access_token" in client.sign_in()


def test_chaos_is_logged(start):
    chaos = Chaos(seed=1, share=1.0, most=3, kinds=frozenset({Kind.ERROR_502_EMPTY}))
    client = start(chaos=chaos)
    assert [client.send("count").status_code for _ in range(5)] == [502, 502, 502, 200, 200]
    hit = [asked.fault.kind for asked in client.sandbox.requests if asked.fault]
    assert hit == [Kind.ERROR_502_EMPTY] * 3


# Drift


def test_rows_come_and_go_the_same_way_each_time(start):
    drift = Drift(seed=3, share=0.2, within=20)
    query = "SecurityResources | project id | order by id asc"
    seen = []
    for _ in range(2):
        client = start(drift=drift)
        seen.append([{row["id"].lower() for row in client.rows(query)} for _ in range(25)])
    assert seen[0] == seen[1]
    steadfast = client.sandbox.steadfast["securityresources"]
    always = set.intersection(*seen[0])
    assert steadfast <= always
    assert len(steadfast) < len(set.union(*seen[0]))
    assert len({frozenset(ids) for ids in seen[0]}) > 10
    assert seen[0][-1] == seen[0][-3]  # all of it has happened


def test_a_service_may_hash_differently_each_time(start):
    client = start(hash_mode=HashMode.PER_REQUEST)
    query = "SecurityResources | where hash(id) % 3 == 0 | project id | order by id asc"
    assert client.rows(query) != client.rows(query)
