"""What finds a text in JSON finds it in every rendering, and finds nothing else."""

from __future__ import annotations

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from tap_mdc_vm.queries import json_patterns

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["it's", "a/b", "Straße", "ΣΑΣ", "ÉTÉ", '"', "\\", "{", ',"env":"prod"', "a, b", "😀", "", " ", "(x)", "\\u0041"]
)
names = texts.filter(lambda name: name.lower().upper().lower() == name.lower() and len(name.lower()) == len(name))
documents = st.dictionaries(names, texts | st.none(), max_size=4)


@st.composite
def rendered(draw, value):
    """A value as JSON, with blanks or without, letters as they are or escaped, slashes escaped or not."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators)
    for character, code in draw(st.sampled_from([[], [("'", r"\u0027"), ("+", r"\u002B"), ("<", r"\u003C")]])):
        text = text.replace(character, code)
    return text.replace("/", r"\/") if draw(st.booleans()) else text


def carries(tags, name, values):
    return any(key.lower() == name.lower() and (not values or value in values) for key, value in tags.items())


@given(st.data(), documents, names, st.lists(texts, max_size=2))
def test_an_object_is_found_exactly_if_it_has_the_entry(data, tags, name, values):
    if tags and data.draw(st.booleans()):
        name, value = data.draw(st.sampled_from(sorted(tags.items(), key=str)))
        name, values = (
            data.draw(st.sampled_from([name, name.lower(), name.upper()])),
            [value or "", *values][: len(values)],
        )
        if name.lower() not in map(str.lower, tags):
            return
    found = re.search(json_patterns.with_entry(name, values), data.draw(rendered(tags)))
    assert (found is not None) == carries(tags, name, values)


@given(st.data(), names, texts)
def test_an_entry_of_its_own_is_found_whatever_stands_in_it(data, name, value):
    tags = {"before": ',"x":"y"', name: value, "after": "}"}
    assert re.search(json_patterns.with_entry(name, [value]), data.draw(rendered(tags)))


def joined(categories):
    """The field as a record has it, in lower case."""
    given = [each for each in categories if each not in ("", None, {}, [])] if isinstance(categories, list) else []
    return ", ".join(given).lower()


kinds = st.sampled_from(["Compute", "Networking", "IdentityAndAccess", "A, B", "A", "B", "it's", "Ünlü"])
arrays = st.lists(kinds | st.sampled_from(["", None, {}, []]), max_size=3)


@given(st.data(), arrays, st.lists(kinds, min_size=1, max_size=2))
@example(None, ["A, B"], ["A", "B"])
def test_an_array_is_found_exactly_if_its_texts_joined_are_the_whole(data, categories, wanted):
    text = data.draw(rendered(categories)) if data else json.dumps(categories)
    found = re.search(json_patterns.joined(", ".join(wanted)), text)
    assert (found is not None) == (joined(categories) == ", ".join(wanted).lower())


@given(st.data(), arrays | st.sampled_from([None, "Compute", {"a": 1}]))
def test_what_has_no_text_is_found_exactly_if_nothing_comes_of_it(data, categories):
    text = "" if categories is None else categories if isinstance(categories, str) else data.draw(rendered(categories))
    assert (re.search(json_patterns.NO_TEXTS, text) is not None) == (joined(categories) == "")
