"""What queries find in the sandbox's tables, compared with the rows themselves."""

import json
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import duckdb
import orjson
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from sandbox_tables import rows, small_store

from tap_mdc_vm_sandbox import kql
from tap_mdc_vm_sandbox.store import HashMode, Store, View
from tap_mdc_vm_sandbox.xxh64 import signed_xxh64

MACHINES = "Resources | where type =~ 'microsoft.compute/virtualmachines'"
ASSESSMENTS = "SecurityResources | where type =~ 'microsoft.security/assessments'"
ON_MACHINES = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.compute/virtualmachines/[^/]+"
    r"/providers/microsoft\.security/assessments/[^/]+",
    re.IGNORECASE,
)


def of_type(rows, kind):
    return [row for row in rows if row["type"] == kind]


def test_a_row_comes_back_with_all_sixteen_columns_as_it_was_made(ask, fleet):
    made = {row["id"]: row for row in fleet.tables["resources"]}
    found = {row["id"]: row for row in ask("Resources")}
    assert found == made
    assert all(tuple(row) == kql.COLUMNS for row in found.values())


def test_a_type_is_stored_in_lower_case_and_compared_by_its_operator(ask, fleet):
    machines = of_type(fleet.tables["resources"], "microsoft.compute/virtualmachines")
    assert len(ask("Resources | where type =~ 'Microsoft.Compute/VirtualMachines'")) == len(machines)
    assert ask("Resources | where type == 'Microsoft.Compute/virtualMachines'") == []


def test_an_order_by_id_is_that_of_code_points(ask, fleet):
    found = [row["id"] for row in ask("Resources | project id | order by id asc")]
    assert found == sorted(row["id"] for row in fleet.tables["resources"])


def test_the_assessments_of_machines_are_told_from_those_that_look_alike(ask, fleet):
    query = (
        ASSESSMENTS + r" | where id matches regex @'(?i)^/subscriptions/[^/]+/resourcegroups/[^/]+/providers"
        r"/microsoft\.compute/virtualmachines/[^/]+/providers/microsoft\.security/assessments/[^/]+$' | project id"
    )
    expected = {
        row["id"]
        for row in of_type(fleet.tables["securityresources"], "microsoft.security/assessments")
        if ON_MACHINES.fullmatch(row["id"])
    }
    assert {row["id"] for row in ask(query)} == expected
    assert len(expected) < len(ask(ASSESSMENTS))


def test_a_path_that_is_not_there_is_null_and_a_missing_string_is_empty(ask):
    (row,) = ask(
        f"{MACHINES} and name == 'vm-new' | project none = properties.extended.instanceView.nosuch, "
        "text = tostring(properties.extended), wrong = properties.VmId, there = isnotempty(properties.vmId), "
        "isnull = isnull(properties.extended), kind"
    )
    assert row == {"none": None, "text": "", "wrong": None, "there": True, "isnull": True, "kind": ""}


@pytest.fixture(scope="module")
def few():
    store = small_store(
        {
            "resources": [
                {"id": "/A", "name": "a", "properties": {"n": 3, "list": ["x", "y"], "s": "Größe \"1\" 'x'"}},
                {"id": "/b", "name": "b", "properties": {"n": 1, "list": [], "t": "2026-02-03T10:51:36.3376828Z"}},
                {"id": "/c", "name": "c", "properties": {"n": None}},
                {"id": "/d", "name": "d", "properties": None, "tags": {"k k": "v"}, "zones": ["1"]},
            ],
            "resourcecontainers": [{"id": "/x", "name": "a"}, {"id": "/y", "name": "a"}],
        }
    )
    yield store
    store.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("project s = properties.s, t = tostring(properties.s) | where t != ''", [{"s": "Größe \"1\" 'x'"}] * 2),
        ("where properties.n > 0 | project name | order by name desc", [{"name": "b"}, {"name": "a"}]),
        ("where tostring(properties.n) in~ ('3') | project name", [{"name": "a"}]),
        ("where name in~ ('A', 'D') | project name | order by name asc", [{"name": "a"}, {"name": "d"}]),
        ("where isnotempty(tags) | project v = tags['k k'], z = zones[0]", [{"v": "v", "z": "1"}]),
        ("where id has 'A' or name startswith 'D' | project name | order by name asc", [{"name": "a"}, {"name": "d"}]),
        ("extend n = toint(properties.n) | summarize s = sum(n), c = count()", [{"s": 4, "c": 4}]),
        ("mv-expand x = properties.list | where name == 'a' | project x | order by tostring(x) asc", None),
        (
            "where isnotempty(properties.t) | project t = todatetime(properties.t)",
            [{"t": "2026-02-03T10:51:36.3376820Z"}],
        ),
        ("project l = array_length(properties.list) | where l == 2", [{"l": 2}]),
        ("project a = strcat(name, '-', id), b = split(id, '/')[1], c = iff(name == 'a', 1, 2) | limit 1", None),
        ("top 1 by name desc | project name", [{"name": "d"}]),
        ("distinct kind", [{"kind": ""}]),
        ("where name == 'nosuch'", []),
        ("project x = coalesce(tostring(properties.s), 'none') | where x == 'none'", [{"x": "none"}] * 3),
    ],
)
def test_a_query_finds_what_kusto_would(few, text, expected):
    found = [json.loads(row) for row in rows(few, text).texts]
    match text.split()[0]:
        case "mv-expand":
            assert [row["x"] for row in found] == ["x", "y"]
        case "project" if "strcat" in text:
            assert found[0]["a"] == f"{found[0]['a'][0]}-/{found[0]['b']}"
            assert found[0]["c"] == (1 if found[0]["a"].startswith("a") else 2)
        case "project" if "s =" in text and "t =" in text:
            assert [row["s"] for row in found] == [row["t"] for row in found] == [expected[0]["s"]]
        case _:
            assert found == expected


def test_mv_expand_drops_an_empty_array_and_keeps_a_missing_one(few):
    found = [json.loads(row) for row in rows(few, "mv-expand x = properties.list | project name, x").texts]
    assert sorted((row["name"], row["x"]) for row in found if row["x"]) == [("a", "x"), ("a", "y")]
    assert {row["name"] for row in found} == {"a", "c", "d"}


def test_the_default_join_takes_one_left_row_per_key_and_names_doubles(few):
    query = "Resources | project name, id | join (ResourceContainers | project name, id) on name"
    found = [json.loads(row) for row in rows(few, query).texts]
    assert sorted(row["id1"] for row in found) == ["/x", "/y"]
    assert {row["name1"] for row in found} == {"a"}


def test_count_is_one_row_named_count(ask, store, fleet):
    assert ask(f"{MACHINES} | count") == [{"Count": fleet.machines}]
    assert rows(store, f"{MACHINES} | count").total == 1
    assert ask("Resources | where name == 'nosuch' | count") == [{"Count": 0}]
    assert ask("Resources | where hash(id) % 2 == 0 | count")[0]["Count"] > 0


@pytest.mark.parametrize("modulus", [1, 2, 7, 16])
def test_the_partitions_of_a_query_are_its_rows_each_once(ask, modulus):
    query = ASSESSMENTS + " | where hash(tolower(id)) % {} == {} | project id | order by id asc"
    parts = [[row["id"] for row in ask(query.format(modulus, part))] for part in range(modulus)]
    whole = [row["id"] for row in ask(f"{ASSESSMENTS} | project id | order by id asc")]
    assert sorted(chain.from_iterable(parts)) == whole
    assert all(part == sorted(part) for part in parts)
    assert ask(query.format(modulus, modulus)) == []


@pytest.mark.parametrize(("group", "modulus"), [("", 8), ("| where hash(tolower(id)) % 3 == 1", 6), ("", 1000)])
def test_one_question_counts_the_rows_of_many_partitions(ask, group, modulus):
    head = f"{ASSESSMENTS} | project id {group}"
    counted = {
        row["part"]: row["n"] for row in ask(f"{head} | summarize n = count() by part = hash(tolower(id)) % {modulus}")
    }
    for part in {0, 1, modulus - 1, *list(counted)[:3]}:
        assert len(ask(f"{head} | where hash(tolower(id)) % {modulus} == {part}")) == counted.get(part, 0)
    assert sum(counted.values()) == len(ask(head))


@pytest.mark.parametrize(
    "where", ["{} | project id, name", "project id, name | {}", "order by id asc | {} | project id"]
)
def test_a_partition_is_the_same_wherever_its_condition_stands(ask, where):
    condition = "where hash(tolower(id)) % 3 == 1"
    expected = ask(f"Resources | {condition} | order by id asc | project id")
    found = ask(f"Resources | {where.format(condition)} | order by id asc | project id")
    assert found == expected


def test_a_hash_depends_on_the_value_alone_and_the_second_argument_bounds_it(ask):
    found = ask("Resources | project id, a = hash(id), b = hash(tolower(id)), c = hash(id, 9), d = hash(id) % 9")
    assert len({row["a"] for row in found}) == len(found)
    assert {row["a"] < 0 for row in found} == {True, False}
    assert all(0 <= row["c"] == row["d"] < 9 for row in found)
    assert {row["a"] == row["b"] for row in found if row["id"] == row["id"].lower()} <= {True}


def test_a_hash_is_the_one_that_kusto_documents(ask):
    (row,) = ask("Resources | take 1 | project world = hash('World'), hello = hash('Hello'), nothing = hash('')")
    assert row == {"world": 1846988464401551951, "hello": 753694413698530628, "nothing": -1205034819632174695}


@pytest.mark.parametrize(
    "condition", ["hash(tolower(id)) % 5", "hash(tolower(tolower(id)), 5)", "hash(tolower(id), 5)"]
)
def test_each_way_to_ask_for_a_hash_gives_the_same(ask, condition):
    expected = ask("Resources | where hash(tolower(id)) % 5 == 2 | project id | order by id asc")
    assert ask(f"Resources | where {condition} == 2 | project id | order by id asc") == expected
    assert ask(f"Resources | extend id = tolower(id) | where {condition} == 2 | count") == [{"Count": len(expected)}]


def test_a_partition_is_the_remainder_of_the_hash_of_the_id_in_lower_case(ask, fleet):
    expected = sorted(row["id"] for row in fleet.tables["resources"] if signed_xxh64(row["id"].lower()) % 7 == 3)
    found = ask("Resources | where hash(tolower(id)) % 7 == 3 | project id | order by id asc")
    assert [row["id"] for row in found] == expected


@given(text=st.text(max_size=300))
def test_a_hash_is_xxh64_of_the_text_in_utf_8(text):
    (number,) = struct.unpack(">q", xxhash.xxh64_digest(text.encode()))
    assert signed_xxh64(text) == number


def test_a_service_may_hash_by_an_algorithm_of_its_own():
    store = small_store({"resources": [{"id": f"/{n}"} for n in range(200)]}, hash_mode=HashMode.OTHER)
    found = [rows(store, f"Resources | where hash(tolower(id)) % 4 == {part} | project id").texts for part in range(4)]
    again = rows(store, "Resources | where hash(tolower(id)) % 4 == 2 | project id", number=9).texts
    store.close()
    assert len({text for part in found for text in part}) == sum(map(len, found)) == 200
    assert set(again) == set(found[2])
    assert any(signed_xxh64(json.loads(text)["id"]) % 4 for text in found[0])


def test_a_service_that_hashes_differently_each_time_loses_rows_and_doubles_others():
    store = small_store({"resources": [{"id": f"/{n}"} for n in range(200)]}, hash_mode=HashMode.PER_REQUEST)
    query = "Resources | where hash(id) % 4 == {} | project id | order by id asc"
    found = [row for part in range(4) for row in rows(store, query.format(part), number=part).texts]
    store.close()
    assert len(set(found)) < 200
    assert len(set(found)) < len(found)


def test_a_service_that_signs_the_remainder_hides_rows_with_a_negative_hash():
    store = small_store({"resources": [{"id": f"/{n}"} for n in range(200)]}, hash_mode=HashMode.SIGNED)
    query = "Resources | where hash(id) % 4 == {}"
    found = {part: rows(store, query.format(part)).total for part in range(-3, 4)}
    store.close()
    assert sum(found.values()) == 200
    assert all(found.values())


def metadata(row, name):
    return row["properties"].get("metadata", {}).get(name) or ""


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (
            "tostring(properties.metadata.severity) in~ ('HIGH', 'critical')",
            lambda row: metadata(row, "severity").lower() in {"high", "critical"},
        ),
        (
            "tostring(split(id, '/')[4]) in~ ('RG-ODD', 'größe.(prod)_1')",
            lambda row: row["id"].split("/")[4].lower() in {"rg-odd", "größe.(prod)_1"},
        ),
        (
            r"""tostring(properties.metadata.recommendationCategory) in~ ('', 'unknown')
            and tostring(properties.metadata.categories) matches regex @'(?i)"networking"'""",
            lambda row: (
                metadata(row, "recommendationCategory").lower() in {"", "unknown"}
                and "Networking" in metadata(row, "categories")
            ),
        ),
        (
            "iff(isempty(tostring(properties.metadata.recommendationCategory)), 'none', 'some') == 'none'",
            lambda row: not metadata(row, "recommendationCategory"),
        ),
        (
            "case(isnull(properties.risk), 'no', tostring(properties.risk.level) =~ 'None', 'none', 'some') == 'no'",
            lambda row: row["properties"].get("risk") is None,
        ),
        (
            "coalesce(tostring(properties.risk.level), strcat('n', 'o')) in~ ('no', 'high')",
            lambda row: ((row["properties"].get("risk") or {}).get("level") or "no").lower() in {"no", "high"},
        ),
        (
            "array_length(properties.metadata.categories) > 1",
            lambda row: len(metadata(row, "categories")) > 1,
        ),
        (
            "isnotempty(properties.status.cause) and properties.status.code !~ 'healthy'",
            lambda row: row["properties"]["status"].get("cause") and row["properties"]["status"]["code"] != "Healthy",
        ),
    ],
)
def test_a_filter_finds_what_the_same_condition_finds_in_the_rows(ask, fleet, condition, holds):
    everything = of_type(fleet.tables["securityresources"], "microsoft.security/assessments")
    expected = sorted(row["id"] for row in everything if holds(row))
    assert [row["id"] for row in ask(f"{ASSESSMENTS} | where {condition} | project id | order by id asc")] == expected
    assert 0 < len(expected) < len(everything)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (r'"shield":"🛡️"', "vm-odd-tags"),
        (r'"Owner":"one"', "vm-odd-tags"),
        (r"\"it''s \(prod\)\":\"100% \\\"sure\\\"\"", "vm-odd-tags"),
        (r'"":"nameless"', "vm-third-party"),
    ],
)
def test_tags_are_found_in_their_text(ask, pattern, name):
    assert [row["name"] for row in ask(f"{MACHINES} | where tostring(tags) matches regex @'{pattern}'")] == [name]


@pytest.mark.parametrize("pack", ["pack", "bag_pack"])
@pytest.mark.parametrize(
    "head",
    [
        "Resources | where type =~ 'microsoft.compute/virtualmachines'",
        "Resources | where hash(tolower(id)) % 3 == 1",
        "Resources | extend code = tostring(properties.extended.instanceView.powerState.code) | order by id asc",
        "Resources | where name == 'nosuch'",
    ],
)
def test_rows_packed_into_one_are_those_of_the_plain_query(ask, head, pack):
    plain = ask(f"{head} | project id, properties, vm = properties.vmId, t = tostring(tags)")
    members = "'id', id, 'properties', properties, 'vm', properties.vmId, 't', tostring(tags)"
    query = f"{head} | summarize n = count(), rows = make_list({pack}({members}))"
    (row,) = ask(query)
    (cells,) = ask(query, as_table=True)
    assert (row["n"], cells[0]) == (len(plain), len(plain))
    assert by_id(row["rows"]) == by_id(cells[1]) == by_id(plain)
    if "order by" in head:
        assert row["rows"] == cells[1] == sorted(plain, key=lambda row: row["id"])


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


def test_a_packed_answer_has_a_number_and_an_object(store):
    found = rows(store, "Resources | summarize rows = make_list(pack('id', id)), n = count()")
    assert (found.total, found.columns) == (1, [("rows", "object"), ("n", "integer")])


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("summarize n = count(), rows = make_list(pack('id', id))", 40),
        ("summarize n = count(), rows = make_list(pack('id', id), 30)", 30),
        ("summarize n = count(), rows = make_list(pack('id', id), 50)", 40),
        ("summarize n = count(), rows = make_list(id)", 40),
        ("summarize n = count(), rows = make_list(pack('id', id)) by type", 40),
        ("summarize n = count(), rows = make_list(id, 30)", 30),
        ("summarize n = count(), rows = make_list(id, 50)", 40),
        ("summarize n = count(), rows = make_list(pack('id', id), 30) by type", 30),
    ],
)
def test_a_list_ends_where_the_service_cuts_it(query, kept):
    store = small_store({"resources": [{"id": f"/{n}", "type": "x"} for n in range(100)]}, list_limit=40)
    (text,) = rows(store, query).texts
    store.close()
    row = json.loads(text)
    assert (row["n"], len(row["rows"])) == (100, kept)


def test_a_list_leaves_nulls_out_and_keeps_bags_of_them(few):
    (text,) = rows(
        few, "Resources | summarize n = count(), a = make_list(properties.n), b = make_list(pack('n', properties.n))"
    ).texts
    row = json.loads(text)
    assert (row["n"], sorted(row["a"])) == (4, [1, 3])
    assert sorted(row["b"], key=str) == [{"n": 1}, {"n": 3}, {"n": None}, {"n": None}]


def test_pages_of_an_ordered_query_follow_one_another(ask):
    query = "Resources | project id | order by id asc"
    pages = [ask(query, offset=offset, top=40) for offset in range(0, 240, 40)]
    assert [row for page in pages for row in page] == ask(query)


def test_without_an_order_each_request_has_its_own(ask):
    query = "Resources | project id"
    first, second, again = (ask(query, number=number) for number in (1, 2, 1))
    assert first != second
    assert first == again
    assert sorted(row["id"] for row in first) == sorted(row["id"] for row in second)


def test_rows_equal_by_the_order_change_places_from_request_to_request(ask):
    query = "Resources | project id, type | order by type asc"
    first, second = ask(query, number=1), ask(query, number=2)
    assert [row["type"] for row in first] == [row["type"] for row in second]
    assert first != second


def test_an_order_survives_many_rows():
    store = Store(seed=1)
    numbers = range(150_000)
    lines = (b'{"id":"/%d","name":"%d"}' % (number * 7919 % 150_001, number % 10) for number in numbers)
    store.load({"resources": lines})
    query = "Resources | where name != '3' | project id, name | order by id asc"
    found = rows(store, query, offset=100_000, top=500)
    store.close()
    expected = sorted(f"/{number * 7919 % 150_001}" for number in numbers if number % 10 != 3)
    assert found.total == len(expected)
    assert [json.loads(row)["id"] for row in found.texts] == expected[100_000:100_500]


def test_the_table_form_has_names_and_types_of_columns(few):
    query = "Resources | where name == 'a' | project id, properties.n, n = toint(properties.n), b = name == 'a'"
    found = rows(few, query, as_table=True)
    assert found.columns == [("id", "string"), ("properties_n", "object"), ("n", "integer"), ("b", "boolean")]
    assert json.loads(found.texts[0]) == ["/A", 3, 3, True]


def test_only_what_a_request_may_see_is_seen(store, fleet):
    subscription = fleet.ordinary[0].id
    seen = {"resources": f"\"subscriptionId\" = '{subscription}'"}
    found = rows(store, "Resources | project subscriptionId", conditions=seen)
    assert {json.loads(row)["subscriptionId"] for row in found.texts} == {subscription}
    both = (
        "Resources | project id, subscriptionId | union (SecurityResources | project id, subscriptionId) | project id"
    )
    total = sum(row["subscriptionId"] == subscription for row in fleet.tables["resources"])
    assert rows(store, both, conditions=seen).total == total + len(fleet.tables["securityresources"])


def test_many_threads_get_the_same_answers(ask):
    queries = [f"{ASSESSMENTS} | where hash(id) % 8 == {n % 8} | project id | order by id asc" for n in range(64)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, queries)) == [ask(query) for query in queries]


def test_a_query_that_duckdb_can_not_execute_is_refused(store):
    query = kql.understood("Resources | where id + 1 == 2")
    with pytest.raises(kql.QueryRefusedError):
        store.answer(query, View(number=1))


def test_queries_can_read_no_other_files(store, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"a": 1}')
    with pytest.raises(duckdb.Error):
        store._cursor().execute(f"SELECT * FROM read_json('{secret}')")


def test_closing_leaves_no_files():
    store = small_store({"resources": [{"id": "/a"}]})
    folder = store._archives["resources"].path.parent
    assert folder.is_dir()
    store.close()
    assert not folder.exists()


def test_rows_come_and_go_at_their_moments():
    store = Store(seed=1)
    line = orjson.dumps({"id": "/stays"})
    store.load({"resources": [line, b'{"_born":3,"_gone":5,' + orjson.dumps({"id": "/guest"})[1:]]})
    seen = {number: {"resources": f"_born <= {number} AND {number} < _gone"} for number in range(2, 7)}
    found = {number: rows(store, "project id", conditions=seen[number]).total for number in seen}
    store.close()
    assert found == {2: 1, 3: 2, 4: 2, 5: 1, 6: 1}


def test_a_closed_store_holds_nothing_of_duckdb_that_the_end_of_the_process_would_complain_of():
    store = Store(seed=1)
    store.load({})
    store.answer(kql.understood("Resources | count"), View(1))
    store.close()
    assert [value for value in vars(store).values() if type(value).__module__.startswith("_duckdb")] == []
    assert not hasattr(store, "_per_thread")
