"""What the sandbox takes for a query of Resource Graph, and what it refuses, with Azure's codes."""

import pytest

from tap_mdc_vm_sandbox import kql


def refusal(text):
    with pytest.raises(kql.QueryRefusedError) as caught:
        kql.understood(text)
    return caught.value.details[0]


@pytest.mark.parametrize("name", ["Resources", "resources", "RESOURCES", "SecurityResources", "ResourceContainers"])
def test_the_names_of_tables_are_taken_in_any_letter_case(name):
    assert kql.understood(f"{name} | count").plan.table == name.lower()


@pytest.mark.parametrize("text", ["project id", "// a remark\n  where type == ''", "limit 2", "mv-expand tags"])
def test_a_query_without_a_table_is_one_of_resources(text):
    assert kql.understood(text).plan.table == "resources"


def test_a_syntax_error_says_where_it_is():
    assert refusal("Resources\n| where id ==\n") == {
        "code": "ParserFailure",
        "message": "ParserFailure",
        "line": 3,
        "characterPositionInLine": 0,
        "token": "<EOF>",
        "expectedToken": "Ǐ",
    }


@pytest.mark.parametrize(
    ("text", "line", "position"),
    [
        ("where type == == 'x'", 1, 14),
        ("where kind == 'x' | where", 1, 18),
        ("where kind == 'x'\n| where properties.kind == == 'y'", 2, 27),
        ("Resources | where hash(tolower(id)) % 1000 == 1 and kind == == 1", 1, 60),
    ],
)
def test_a_syntax_error_points_into_the_text_as_it_was_sent(text, line, position):
    detail = refusal(text)
    assert (detail["line"], detail["characterPositionInLine"]) == (line, position)


@pytest.mark.parametrize(
    ("text", "token", "line", "position"),
    [
        ("Resources | where nosuch == 1", "nosuch", 1, 18),
        ("Resources\n| project ID", "ID", 2, 10),
        ("Resources | project id | where name == ''", "name", 1, 31),
        ("Resources | project-away properties | extend a = properties.x", "properties", 1, 25),
        ("Resources | summarize count() by kindness", "kindness", 1, 33),
        ("Resources | order by Name", "Name", 1, 21),
        ("where nosuch == 1", "nosuch", 1, 6),
        ("// a remark\nwhere kind == 'x' and\n kind != 'y' and nosuch == 1", "nosuch", 3, 17),
        ("Resources | where properties.kind.kind == 1 | where nosuch == 2", "nosuch", 1, 52),
        ("where hash(tolower(id)) % 1000 == 1 | where nosuch == 1", "nosuch", 1, 44),
        ("Resources | mv-expand nics", "nics", 1, 22),
        ("Resources | join kind=inner (ResourceContainers) on subscriptionid", "subscriptionid", 1, 52),
    ],
)
def test_a_column_that_is_not_there_is_refused_by_name_and_letter_case(text, token, line, position):
    detail = refusal(text)
    assert (detail["code"], detail["token"]) == ("ParserFailure", token)
    assert (detail["line"], detail["characterPositionInLine"]) == (line, position)


@pytest.mark.parametrize(
    "text",
    [
        "Resources | where name = 'x'",
        "Resources | where id",
        "Resources | where",
        "Resources | project",
        "Resources | where name ~= 'x'",
        "Resources || count",
        "Resources where name == 'x'",
        "Resources | whre name == 'x'",
    ],
)
def test_a_slip_of_the_pen_is_refused(text):
    assert refusal(text)["code"] == "ParserFailure"


@pytest.mark.parametrize("table", ["Machines", "cluster('x').database('y').Resources", "database('main').resources"])
def test_a_table_that_is_not_there_is_refused(table):
    assert refusal(f"{table} | count")["code"] == "DisallowedLogicalTableName"


@pytest.mark.parametrize(
    "text",
    [
        "let n = 1; Resources | limit n",
        "set truncationmaxsize = 1; Resources",
        "declare query_parameters(a: string); Resources",
        "Resources | invoke f()",
        "Resources | evaluate bag_unpack(properties)",
        "Resources | project-rename key = id",
        "Resources | lookup (ResourceContainers) on subscriptionId",
        "Resources | where f(id) == 1",
        "Resources | getschema",
        "datatable(x: long)[1]",
        "print 1",
        "range x from 1 to 3 step 1",
        ".show tables",
        "externaldata(x: string)['/etc/hostname']",
    ],
)
def test_what_resource_graph_lacks_is_refused(text):
    assert refusal(text)["code"] == "InvalidQueryLanguage"


@pytest.mark.parametrize(("kind", "said"), [("leftsemi", "LeftSemi"), ("leftanti", "LeftAnti"), ("rightouter", None)])
def test_kinds_of_join_that_resource_graph_lacks_are_refused(kind, said):
    detail = refusal(f"Resources | join kind={kind} (ResourceContainers) on subscriptionId")
    assert detail["code"] == "UnsupportedJoinFlavor"
    assert f'The join kind "{said or kind}" is not supported or not allowed.' == detail["message"]


@pytest.mark.parametrize("kind", ["", "kind=innerunique", "kind=inner", "kind=leftouter", "kind=fullouter"])
def test_the_other_kinds_of_join_are_taken(kind):
    assert kql.understood(f"Resources | join {kind} (ResourceContainers) on subscriptionId | project id")


def joins(tables):
    return "Resources" + "".join(f" | join kind=leftouter ({table} | project id) on id" for table in tables)


@pytest.mark.parametrize(
    "text",
    [
        joins(["SecurityResources", "SecurityResources"]),
        joins(["SecurityResources", "ComputeResources"]),
        joins(["ResourceContainers"] * 4),
        "Resources" + " | union (ResourceContainers)" * 4,
    ],
)
def test_too_many_joins_or_further_tables_are_refused(text):
    assert refusal(text)["code"] == "DisallowedMaxNumberOfRemoteTables"


def test_three_joins_with_resource_containers_and_one_with_another_table_are_taken():
    assert kql.understood(joins(["ResourceContainers"] * 3))
    assert kql.understood(joins(["ResourceContainers", "SecurityResources"]))


def test_more_mv_expands_or_rows_of_one_than_allowed_are_refused():
    expand = " | mv-expand zones"
    assert refusal("Resources" + expand * 4)["code"] == "DisallowedMaxNumberOfOperators"
    assert refusal("Resources | mv-expand zones limit 401")["code"] == "InvalidQueryLanguage"
    assert kql.understood("Resources" + expand * 3 + " limit 400")


@pytest.mark.parametrize(
    "text",
    [
        "Resources | summarize count() by properties.vmId",
        "Resources | summarize count() by tags",
        "Resources | order by properties.timeCreated asc",
        "Resources | top 3 by properties.x",
        "Resources | distinct sku",
        "Resources | extend s = sku | order by s asc",
        "Resources | project p = properties.a | order by p asc",
        "Resources | join (ResourceContainers) on properties",
    ],
)
def test_a_dynamic_value_can_be_no_key(text):
    assert "type dynamic" in refusal(text)["message"]


@pytest.mark.parametrize(
    "text",
    [
        "Resources | summarize count() by tostring(properties.vmId)",
        "Resources | extend sku = tostring(sku) | order by sku asc",
        "Resources | project p = tostring(properties.a) | distinct p",
        "Resources | summarize properties = count() by type | order by properties asc",
    ],
)
def test_a_dynamic_value_made_a_string_can(text):
    assert kql.understood(text)


QUERY = "Resources | where hash(tolower(id)) % 7 == 3 | project id | order by id asc"


def test_the_partitions_of_a_query_share_one_plan():
    third, fourth = kql.understood(QUERY), kql.understood(QUERY.replace("== 3", "== 4"))
    assert (third.partition, fourth.partition) == (3, 4)
    assert third.plan is fourth.plan
    assert kql.understood(QUERY.replace("% 7", "% 8")).plan is not third.plan


@pytest.mark.parametrize(
    "text",
    [
        "Resources | where name == ') % 7 == 3'",
        "Resources | where hash(id) % 7 == 3 or name == ''",
        "Resources | where hash(id) % 7 == 3 | where hash(name) % 2 == 1",
        "Resources | where hash(id, 7) == 3",
    ],
)
def test_what_only_looks_like_a_partition_is_an_ordinary_query(text):
    assert kql.understood(text).partition is None


@pytest.mark.parametrize(
    ("text", "whole", "reads"),
    [
        ("Resources | where type == 'a' | project id, properties | order by id asc", True, False),
        ("Resources", True, False),
        ("Resources | project-away properties", True, False),
        ("Resources | where isnotempty(properties.a) | project id", True, True),
        ("Resources | project id, a = properties.a", False, True),
        ("Resources | project key = id", False, False),
        ("Resources | project properties | where isnotempty(properties.a)", True, True),
        ("Resources | extend a = 1", False, False),
        ("Resources | mv-expand properties", False, True),
        ("Resources | count", False, False),
    ],
)
def test_a_plan_knows_what_it_must_look_into(text, whole, reads):
    plan = kql.understood(text).plan
    assert (plan.whole_columns, plan.reads_properties) == (whole, reads)


@pytest.mark.parametrize(
    "text",
    [
        "Resources | where kind == '' | project kind, id",
        "Resources | where kind =~ 'kind' // kind",
        'Resources | where name == "kind = \\" kind" and kind != @"kind\\" | distinct kind',
        "Resources | join kind=inner (ResourceContainers | where kind == '') on kind",
        "Resources | project a = properties.kind, b = tags['kind']",
    ],
)
def test_the_column_kind_is_no_keyword(text):
    assert kql.understood(text)
