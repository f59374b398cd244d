"""Queries, partitions and quota headers as values."""

from __future__ import annotations

import math
import re

import pytest

from tap_mdc_vm import queries
from tap_mdc_vm.azure.resource_graph.model import Query, Quota, Row, Scope, quoted, seconds
from tap_mdc_vm.azure.resource_graph.partitions import Partition

QUERY = Query(
    "machines",
    "Things\n| where type =~ 'x'\n| project id, state = tostring(properties.s), tags\n| order by id asc\n",
    "seen",
)
HEAD = "Things\n| where type =~ 'x'\n| project id, state = tostring(properties.s), tags\n"


def test_a_partition_is_asked_for_in_azures_own_form_and_stays_ordered():
    assert QUERY.rows(Partition(8, 3)) == f"{HEAD}| where hash(tolower(id)) % 8 == 3\n| order by id asc\n"


def test_the_whole_is_no_partition():
    assert QUERY.rows() == QUERY.text


def test_a_packed_answer_counts_its_rows_and_has_every_column_that_is_projected():
    assert QUERY.packed(Partition(8, 3)) == (
        f"{HEAD}| where hash(tolower(id)) % 8 == 3\n"
        "| summarize n = count(), rows = make_list(pack('id', id, 'state', state, 'tags', tags))\n"
    )


def test_a_count_does_not_sort_what_it_counts():
    assert QUERY.count() == f"{HEAD}| count\n"
    assert QUERY.count(Partition(8, 3)) == f"{HEAD}| where hash(tolower(id)) % 8 == 3\n| count\n"


def test_one_question_counts_many_partitions():
    assert QUERY.tally(Partition(2, 1), 8) == (
        f"{HEAD}| where hash(tolower(id)) % 2 == 1\n| summarize n = count() by part = hash(tolower(id)) % 8\n"
    )


def test_ids_are_looked_for_as_text():
    assert QUERY.existing(["/a", "/it's"]) == (
        f"{HEAD}| where id in~ ('/a', '/it\\'s')\n| project id\n| order by id asc\n"
    )
    assert quoted("\\'") == "'\\\\\\''"


def test_a_condition_goes_before_the_order_and_keeps_what_else_is_known():
    narrowed = QUERY.where("name == 'a'")
    assert narrowed.text == f"{HEAD}| where name == 'a'\n| order by id asc\n"
    assert narrowed.newest == "seen"
    assert narrowed.columns() == ["id", "state", "tags"]


def test_columns_are_told_from_commas_in_expressions():
    text = "T\n| project a = 1\n| project id, x = strcat(tolower(a), ',', b),\n  y\n| order by id asc"
    assert Query("x", text).columns() == ["id", "x", "y"]


@pytest.mark.parametrize("text", ["Resources | project id", "T\n| order by id asc", "T | project a\n| order by id asc"])
def test_a_query_that_can_not_be_paged_or_packed_is_refused(text):
    with pytest.raises(ValueError, match="the query machines must"):
        Query("machines", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:05", 5.0),
        ("00:01:30", 90.0),
        ("01:00:00.5", 3600.5),
        ("1.02:00:00", 93600.0),
        ("7", 7.0),
        (" 0.25 ", 0.25),
        ("9" * 400, math.inf),
        ("9" * 5000 + ".00:00:00", math.inf),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_durations_come_as_seconds_or_as_dotnet_writes_them(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("remaining", ["many", "", "-1", "1.5", "²", "9" * 5000])
@pytest.mark.parametrize("retry_after", ["never", "", "Fri, 31 Dec " + "9" * 20 + " 23:59:59 GMT"])
def test_a_quota_header_that_cannot_be_read_counts_as_absent(remaining, retry_after):
    headers = {
        "x-ms-user-quota-remaining": remaining,
        "x-ms-user-quota-resets-after": "later",
        "Retry-After": retry_after,
    }
    assert Quota.from_headers(headers) == Quota(None, None, None)


def test_a_scope_names_subscriptions_or_groups_or_nothing():
    assert Scope(subscriptions=("a", "b")).body() == {"subscriptions": ["a", "b"]}
    assert Scope(management_groups=("g",)).body() == {"managementGroups": ["g"]}
    assert Scope().body() == {}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:59:52 GMT"}, 7.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
        ({"Retry-After": "Fri, 99 Dec 1999 23:59:59 GMT", "Date": "then"}, None),
    ],
    ids=["by the service's own clock", "over", "by ours", "no date"],
)
def test_a_wait_may_be_a_date_as_http_allows(headers, wait):
    assert Quota.from_headers(headers).retry_after == wait


@pytest.mark.parametrize(
    "name",
    ["assessments", "management_groups", "network_interfaces", "public_ips", "subscriptions", "virtual_machines"],
)
def test_each_column_that_a_query_asks_for_is_one_of_a_row(name):
    (columns,) = re.findall(r"\| project (.*)", queries.text(name))
    assert {column.partition("=")[0].strip() for column in columns.split(",")} <= Row.__annotations__.keys()
