from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_mdc_vm.errors import MalformedAnswerError
from tap_mdc_vm.rows import fields

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner))


@given(anything)
def test_text_is_a_string_that_says_something_or_none(value):
    result = fields.text(value)
    assert result is None if value in (None, "", [], {}) and value is not False else isinstance(result, str)
    assert result != ""


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_a_string_is_kept_as_it_is(value):
    assert fields.text(value) == value


@given(anything.filter(lambda value: value not in ("", [], {}) and not isinstance(value, str)))
def test_what_should_be_a_string_and_is_not_can_be_read_back(value):
    assert value is None or json.loads(fields.text(value)) == value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["1", "2"], ["1", "2"]),
        (["", None, "1", {}], ["1"]),
        ([1], ["1"]),
        ([], []),
        (None, None),
        ("1", None),
        ({}, None),
    ],
)
def test_an_array_of_strings_holds_strings_that_say_something(given, expected):
    assert fields.texts(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, True),
        (False, False),
        ("True", True),
        ("false", False),
        ("", None),
        (None, None),
        (1, None),
        ("yes", None),
        ([], None),
    ],
)
def test_a_truth_value_is_one_or_the_word_for_one(given, expected):
    assert fields.flag(given) is expected


@pytest.mark.parametrize("value", [None, "", "text", 0, 1.5, True, [], [{}]])
def test_what_should_be_an_object_and_is_not_has_no_fields(value):
    assert fields.at({"name": value}, "name", "below") is None
    assert fields.document(value) is None


def test_an_object_is_kept_even_when_it_is_empty():
    assert fields.document({}) == {}
    assert fields.document({"a": None}) == {"a": None}


def test_entries_that_are_no_objects_are_left_out():
    assert fields.objects([None, {"a": 1}, "text", [], {}]) == [{"a": 1}, {}]
    assert fields.objects({"a": 1}) is fields.objects(None) is None


def test_a_reference_is_lowered_as_python_lowers_and_never_folded():
    assert fields.reference("/X/GRÖßE/İ") == "/X/GRÖßE/İ".lower()
    assert fields.reference("") is fields.reference(None) is None


@pytest.mark.parametrize(
    ("marks", "primary"),
    [([], None), ([None], 0), ([False], 0), ([None, None], 0), ([False, True], 1), ([None, True, True], 1)],
)
def test_the_primary_one_is_the_only_one_else_the_marked_one_else_the_first(marks, primary):
    items = [{"primary": mark, "number": number} for number, mark in enumerate(marks)]
    assert fields.primary_of(items).get("number") == primary


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024-11-20T10:51:36.3376828Z", "2024-11-20T10:51:36.337682Z"),
        ("2023-09-28T09:36:20.316Z", "2023-09-28T09:36:20.316Z"),
        ("2023-09-28T09:36:20Z", "2023-09-28T09:36:20Z"),
        ("2025-07-23T18:35:43.8250461+00:00", "2025-07-23T18:35:43.825046Z"),
        ("2025-01-01T00:30:00.10+01:00", "2024-12-31T23:30:00.10Z"),
        ("2025-12-31T20:00:00-05:30", "2026-01-01T01:30:00Z"),
        ("2025-01-01T00:00:00.5", "2025-01-01T00:00:00.5Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("2021-01-26 15:48:56", "2021-01-26T15:48:56Z"),
        ("2021-01-26 15:48:56 +01:00", "2021-01-26T14:48:56Z"),
        ("2025-12-31T20:00:00.5-0530", "2026-01-01T01:30:00.5Z"),
        ("2024-11-20T10:51Z", "2024-11-20T10:51:00Z"),
        ("2024-11-20T10:51+01:00", "2024-11-20T09:51:00Z"),
        ("2024-11-20t10:51:36.3376828z", "2024-11-20T10:51:36.337682Z"),
        ("2024-11-20", "2024-11-20T00:00:00Z"),
    ],
)
def test_an_instant_is_in_utc_with_the_digits_given_but_six_at_most(given, expected):
    assert fields.instant(given) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            None,
            0,
            1700000000,
            [],
            {},
            True,
            "yesterday",
            "2024-11-20T",
            "2024-11-20  10:51:36Z",
            "20/11/2024",
            "2024-W47-3T10:51:36Z",
        ),
        *("2024-02-30T00:00:00Z", "2024-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "2024-01-01T24:00:00Z"),
        *("2024-01-01T10:60:00Z", "2024-01-01T10:00:61Z", "2024-01-01T10:00:00123Z", "2024-01-01T10:00:00.Z"),
        *("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2024-01-01T00:00:00+25:00"),
        *("\uff12024-01-01T00:00:00Z", "2024-01-01T00:00:00Z\n", " 2024-01-01T00:00:00Z", "2024-01-01T00:00:00 UTC"),
    ],
)
def test_what_is_no_instant_is_none(value):
    assert fields.instant(value) is None


FROM_YEAR_TWO_TO_9998 = st.integers(0, 9997 * 365 * 24 * 3600).map(
    lambda seconds: datetime(2, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(FROM_YEAR_TWO_TO_9998, st.integers(-14 * 60, 14 * 60), st.text(string.digits, max_size=9))
@example(datetime(2024, 2, 29, tzinfo=UTC), 1, "9999999")
def test_any_instant_of_any_zone_stays_the_same_instant(moment, minutes, digits):
    local = moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    result = fields.instant(local[:19] + (f".{digits}" if digits else "") + local[19:])
    whole, _, fraction = result.removesuffix("Z").partition(".")
    assert datetime.fromisoformat(whole + "+00:00") == moment
    assert fraction == digits[:6]


@pytest.mark.parametrize("text", [b'{"a": "\xff"}', b"1e999"])
def test_json_that_can_not_be_said_is_an_error_of_its_own(text):
    with pytest.raises(MalformedAnswerError, match="can't be read"):
        fields.properties_of({"id": "/a", "properties": text})


def test_a_row_without_properties_is_as_good_as_one_with_null():
    assert fields.properties_of({"id": "/a"}) is None
