"""A compiled map gives what the SDK's own gives, value and type, or both refuse; and it opens no door."""

from __future__ import annotations

import ast
import builtins
import json
import logging
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


def ours(content, schema=SCHEMA):
    """Return our map of one stream, past all checks: they refuse some of what is made up here."""
    content = {"made": {"__source__": "source", **content}}
    transform_map = TransformMap(stream_maps=content, stream_map_config=CONFIG)
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


def refuse(*_):
    raise AssertionError("the SDK is asked")


def by_python_alone(text, label="label", fields=FIELDS):
    """Return what Python makes of an expression without the evaluator to fall back on."""
    names = {"config": CONFIG, "__stream_name__": "made", "__original_stream_name__": "source"}
    return compiling.compiled({label: parse(text)}, fields, names, refuse)


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
def test_python_alone_gives_the_value_where_a_record_is_whole(text, record):
    """What was compiled needs no second try by the evaluator, unless the expression is left to it as a whole."""
    assume(usable(text))
    try:
        alone = by_python_alone(text)(json.loads(json.dumps(record)))
    except AssertionError:
        assume(False)
    except Exception:  # noqa: BLE001
        alone = None  # whatever the kind
    assert (alone and repr(list(alone.items()))) == outcome(the_sdks({**ONE_LABEL, "label": text}), record)


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
    *("islower", "isupper", "join", "lower", "lstrip", "partition", "removeprefix"),
    *("removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines"),
    *("startswith", "strip", "swapcase", "title", "upper"),
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


RECORD = {"id": "i", "text": "a", "word": "b", "when": None, "count": 2, "share": 1.5, "flag": True, "zones": ["a"]}
RECORD |= {"tags": {"a": 1}, "label": "old"}
EVERYDAY = {
    "text": "a",
    "text or word": "a",
    "text.upper()": "A",
    "(text or '').upper()[:3]": "A",
    "record['text']": "a",
    "_.text": "a",
    "self": "old",
    "config['table']['a']": 1,
    "config['table'].get(text, 0)": 1,
    "int(count)": 2,
    "count + 1": 3,
    "text + '-' + word": "a-b",
    "'x' if flag is True else None": "x",
    "1 < count <= 3": True,
    "'a' in zones": True,
    "{'k': [text, (word, count)]}": {"k": ["a", ("b", 2)]},
    "tags.get('a')": 1,
    "md5(text)": "0cc175b9c0f1b6a831c399e269772661",
    "not flag": False,
    "-count": -2,
    "zones[0]": "a",
    "__stream_name__": "made",
    "count * 2 ** 3": 16,
}
LEFT_TO_THE_SDK = [
    *("json.dumps(tags)", "[z for z in zones]", "tags.a", "text is word", "rand()", "datetime.date.today()", "int"),
    *("int(text, base=16)", "[*zones]", "{**tags}", "f'{count:>5}'", "f'{text}-{word}'", "text.zfill(5)"),
]


@pytest.mark.parametrize("text", EVERYDAY)
def test_an_everyday_expression_is_pythons(text):
    assert by_python_alone(text)(RECORD) == {"label": EVERYDAY[text]}


def test_there_are_no_builtins():
    assert by_python_alone("text").__globals__["__builtins__"] == {}


@pytest.mark.parametrize("text", LEFT_TO_THE_SDK)
def test_an_expression_that_is_not_surely_the_same_in_python_is_left_to_the_sdk(text):
    with pytest.raises(AssertionError, match="the SDK is asked"):
        by_python_alone(text)(RECORD)


def test_a_field_that_is_deselected_is_null_without_asking_the_sdk():
    fields = [name for name in FIELDS if name != "word"]
    record = {name: value for name, value in RECORD.items() if name != "word"}
    assert by_python_alone("word or text", fields=fields)(record) == {"label": "a"}
    assert by_python_alone("record['word'] or _.word", fields=fields)(record) == {"label": None}


@pytest.mark.parametrize("hidden", ["config", "record", "int", "labels", "result", "evaluated"])
def test_a_field_with_the_name_of_something_else_means_what_it_means_in_the_sdk(hidden):
    schema = {"type": "object", "properties": {"id": {"type": "string"}, hidden: {"type": ["string", "null"]}}}
    record = {"id": "7", hidden: "x"}
    for text in (hidden, f"record['{hidden}']", f"({hidden} or id, int(id), config, record['id'], self)"):
        content = {**ONE_LABEL, hidden: text}
        sdk = CustomStreamMap("made", dict(CONFIG), {}, schema, ["id"], content, None, stream_name="source")
        assert outcome(ours(content, schema), record) == outcome(sdk, record)


def test_an_expression_that_changes_the_record_changes_it_for_those_below_as_in_the_sdk():
    content = {**ONE_LABEL, "first": "tags.pop('a')", "second": "tags.get('a', 'gone')"}
    for stream_map in (ours(content), the_sdks(content)):
        assert stream_map.transform({"id": "i", "tags": {"a": 1}}) == {"first": 1, "second": "gone"}


@pytest.mark.parametrize(
    "text",
    [
        *("tags.pop('a')", "tags.update({'b': id}) or tags", "tags.setdefault('b', id)", "zones.append(id)"),
        *("tags['deep'].append(id)", "record.pop('tags')"),
    ],
)
@pytest.mark.parametrize("option", ["label", "__filter__"])
def test_an_expression_that_changes_the_record_leaves_alone_what_other_records_share_with_it(text, option):
    shared = {"tags": {"a": 1, "deep": []}, "zones": ["1"]}
    stream_map = ours(ONE_LABEL | {"label": "id", option: text})
    first = stream_map.transform({"id": "i", **shared})
    assert shared == {"tags": {"a": 1, "deep": []}, "zones": ["1"]}
    assert stream_map.transform({"id": "i", **shared}) == first


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
