"""A compiled map gives what the SDK's own gives, value and type, or both refuse; and it opens no door."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import json
import logging
from types import SimpleNamespace
from unittest import mock

import pytest
from generated_expressions import CONFIG, FIELDS, FORBIDDEN, RECORDS, SCHEMA, expressions
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from singer_sdk.mapper import CustomStreamMap

from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.stream_maps import Mapper, TransformMap
from tap_mdc_vm.stream_maps import compile as compiling
from tap_mdc_vm.stream_maps import expressions as parsing
from tap_mdc_vm.stream_maps.expressions import ExpressionError, parse

LOGGER = logging.getLogger("tap-mdc-vm")
ONE_LABEL = {"__else__": None, "__key_properties__": None}


def ours(content, schema=SCHEMA, *, changing=False):
    """Return our map of one stream, past all checks: they refuse some of what is made up here."""
    content = {"made": {"__source__": "source", **content}}
    transform_map = TransformMap(
        stream_maps=content, config=CONFIG, schemas={"source": SCHEMA}, changing=changing, remarks=()
    )
    mapper = Mapper({}, LOGGER, transform_map)
    mapper.register_raw_stream_schema("source", schema, ["id"])
    return mapper.stream_maps["source"][1]


def the_sdks(content):
    """Return the SDK's own map, untouched."""
    return CustomStreamMap("made", dict(CONFIG), {}, SCHEMA, ["id"], content, None, stream_name="source")


def usable(text, label="label"):
    """Return whether a map with this expression passes the check before a run."""
    try:
        expression = parse(text)
    except ExpressionError:
        return False
    return set(expression.fields) <= set(FIELDS) and (label in FIELDS or not expression.reads_self)


def outcome(stream_map, record):
    """Return all there is to see of a result, types and order included; None for a refusal, whatever its kind."""
    try:
        mapped = stream_map.transform(json.loads(json.dumps(record)))
    except Exception:  # noqa: BLE001
        return None  # whatever the kind
    return "nothing" if mapped is None else repr(list(mapped.items()))


def code(stream_map, content):
    return compiling.source_code(stream_map._plan(content))


@settings(max_examples=120)
@given(expressions(), RECORDS, st.sets(st.sampled_from([name for name in FIELDS if name != "id"])))
@example("record[1]", {"id": "i"}, set())
@example("int(config['table'].get((text or 'default').lower(), config['table']['default']))", {"id": "i"}, set())
def test_a_value_is_the_sdks_and_a_missing_field_is_null(text, record, missing):
    assume(usable(text))
    content = {**ONE_LABEL, "label": text}
    sparse = {name: value for name, value in record.items() if name not in missing}
    padded = dict.fromkeys(FIELDS) | sparse
    assert outcome(ours(content), sparse) == outcome(the_sdks(content), padded)


@settings(max_examples=80)
@given(expressions(whole=True), RECORDS)
def test_an_expression_that_looks_at_the_whole_record_sees_what_it_sees_in_the_sdk(text, record):
    assume(usable(text))
    content = {**ONE_LABEL, "label": text}
    assert outcome(ours(content), record) == outcome(the_sdks(content), record)


@settings(max_examples=120)
@given(expressions(whole=True), RECORDS)
def test_the_python_alone_gives_the_value_where_a_record_is_whole(text, record):
    """Without the evaluator to fall back on: what was translated needs no second try."""
    assume(usable(text))
    content = {**ONE_LABEL, "label": text}

    def refuse(_):
        raise AssertionError

    plan = dataclasses.replace(ours(content)._plan(content), interpreted=refuse)
    assert outcome(SimpleNamespace(transform=compiling.compiled(plan)), record) == outcome(the_sdks(content), record)


@settings(max_examples=80)
@given(
    st.dictionaries(st.sampled_from([*FIELDS[1:], "new", "other"]), expressions() | st.none(), max_size=4),
    st.none() | expressions(),
    st.booleans(),
    st.sampled_from([["id"], ["id", "text"], None]),
    RECORDS,
)
def test_a_whole_map_gives_the_records_of_the_sdk_label_by_label_in_its_order(labels, condition, only, keys, record):
    assume(all(usable(text, label) for label, text in {**labels, "__filter__": condition}.items() if text))
    content = {**labels, "__key_properties__": keys}
    content |= {"__filter__": condition} if condition else {}
    content |= {"__else__": None} if only else {}
    try:
        sdk = the_sdks(content)
    except Exception:  # noqa: BLE001 - a key is taken away: both refuse before any record
        assume(False)
    assert outcome(ours(content), record) == outcome(sdk, record)


def trees_compiled(content):
    """Return the trees of everything that Python is given to compile for a map of one stream."""
    given_to_python = []

    def spy(source, *arguments, **options):
        given_to_python.append(ast.parse(source) if isinstance(source, str) else source)
        return builtins.compile(source, *arguments, **options)

    with mock.patch.object(compiling, "compile", spy, create=True):
        ours(content)
    return given_to_python


FUNCTIONS = {"bool", "dict", "float", "int", "list", "md5", "set", "sha256", "str", "tuple"}
PURE_METHODS = {
    *("capitalize", "casefold", "copy", "count", "endswith", "find", "get", "index", "isalnum", "isalpha", "isdigit"),
    *("islower", "isupper", "items", "join", "keys", "lower", "lstrip", "partition", "pop", "removeprefix"),
    *("removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines"),
    *("startswith", "strip", "swapcase", "title", "upper", "values"),
}


def assert_harmless(tree):
    """Judge a tree by a list that does not come from the compiler."""
    for node in ast.walk(tree):
        assert not isinstance(
            node, ast.Lambda | ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.comprehension | ast.Starred
        )
        assert not isinstance(node, ast.Pow | ast.Mult | ast.Add | ast.LShift | ast.RShift), "has a limit to keep"
        if isinstance(node, ast.Attribute):
            assert node.attr in PURE_METHODS
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in dir(builtins):
            assert node.func.id in FUNCTIONS


@settings(max_examples=80)
@given(expressions(whole=True))
@example("text * 2 ** 3 + text")
@example("f'{text:>99999999}'")
def test_python_compiles_nothing_that_the_evaluator_forbids_or_limits(text):
    assume(usable(text))
    for tree in trees_compiled({**ONE_LABEL, "label": text, "__filter__": text}):
        assert_harmless(tree)


@pytest.fixture
def unchecked(monkeypatch):
    """Let expressions pass that are refused when a map is loaded."""
    parse.cache_clear()
    monkeypatch.setattr(parsing, "_check", lambda statement: None)
    yield
    parse.cache_clear()


@pytest.mark.parametrize("text", FORBIDDEN)
def test_python_would_not_compile_a_forbidden_expression_even_if_it_passed_the_check(text, unchecked):
    trees = trees_compiled({**ONE_LABEL, "label": text, "other": "text"})
    for tree in trees:
        assert_harmless(tree)
    assert trees, "the other label is compiled"


TRANSLATED = [
    *("text", "text or word", "text.lower()", "(text or '').upper()[:3]", "record['text']", "_.text", "self"),
    *("config['table']['a']", "config['table'].get(text, 0)", "int(count)", "count + 1", "f'{text}-{word}'"),
    *(
        "'x' if flag is True else None",
        "1 < count <= 3",
        "'a' in zones",
        "{'k': [text, (word, count)]}",
        "tags.get('a')",
    ),
    *("md5(text)", "not flag", "-count", "zones[0]", "__stream_name__", "count * 2 ** 3"),
]
EVALUATED = [
    *("json.dumps(tags)", "[z for z in zones]", "tags.a", "text is word", "rand()", "datetime.date.today()", "int"),
    *("int(text, base=16)", "[*zones]", "{**tags}", "f'{count:>5}'", "text.zfill(5)", "config['nothing']"),
    "config['nothing'].get(text)",
]


@pytest.mark.parametrize("text", TRANSLATED)
def test_an_everyday_expression_becomes_python(text):
    content = {**ONE_LABEL, "label": text}
    assert "evaluated" not in code(ours(content), content)[0]


@pytest.mark.parametrize("text", EVALUATED)
def test_an_expression_that_is_not_surely_the_same_in_python_is_left_to_the_sdk_alone(text):
    content = {**ONE_LABEL, "label": text, "other": "text"}
    source = code(ours(content), content)[0]
    assert "result['label'] = evaluated" in source
    assert "result['other'] = record['text']" in source


def test_a_field_that_is_deselected_is_looked_up_with_care_and_not_by_failing():
    kept = {name: schema for name, schema in SCHEMA["properties"].items() if name != "word"}
    content = {**ONE_LABEL, "label": "text or word"}
    source, _ = code(ours(content, {"type": "object", "properties": kept}), content)
    assert "record['text'] or record.get('word')" in source


def test_a_map_that_changes_its_record_is_run_by_the_sdk_as_it_is():
    content = {**ONE_LABEL, "first": "tags.pop('a')", "second": "tags.get('a', 'gone')"}
    assert parse("tags.pop('a')").changing
    changing = ours(content, changing=True)
    assert changing.transform({"id": "i", "tags": {"a": 1}}) == {"first": 1, "second": "gone"}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2 ** 10000000",
            "'a' * 200000",
            "[0] * 200001",
            "1 << 100000",
            "text * 9999999",
            "(text * 60000) + (text * 60000)",
        ),
        *("[1 for x in zones for y in zones for z in zones]", "count ** count ** count ** count"),
    ],
)
def test_what_would_take_forever_is_refused_as_by_the_sdk(text):
    content = {**ONE_LABEL, "label": text}
    record = {"id": "i", "text": "ab", "count": 99, "zones": ["z"] * 30}
    with pytest.raises(TransformMapError, match=r"made\.label can't be computed for 'i'"):
        ours(content).transform(record)
    assert outcome(the_sdks(content), record) is None


def test_an_expression_as_long_as_a_book_is_left_to_the_sdk_or_refused():
    deep = "(" * 150 + "text" + ")" * 150
    long = " or ".join(["text"] * 5000)
    nested = "not " * 400 + "text"
    for text in (deep, long, nested):
        content = {**ONE_LABEL, "label": text}
        record = {"id": "i", "text": "a"}
        assert outcome(ours(content), record) == outcome(the_sdks(content), dict.fromkeys(FIELDS) | record)
    with pytest.raises(ExpressionError, match=r"nested too deeply|does not parse"):
        parse("-" * 100_000 + "1")


def test_an_error_names_label_record_and_expression_on_one_line():
    with pytest.raises(TransformMapError) as caught:
        ours({**ONE_LABEL, "label": "text.upper()"}).transform({"id": "/subscriptions/1", "text": None})
    (problem,) = caught.value.problems
    assert problem.startswith("made.label can't be computed for '/subscriptions/1' (AttributeDoesNotExist: ")
    assert problem.endswith(": 'text.upper()'")
    assert "\n" not in problem
