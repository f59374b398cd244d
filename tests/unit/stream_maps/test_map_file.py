"""A map file that can't be read says where, and nothing in it is lost in silence."""

from __future__ import annotations

import json

import pytest

from tap_mdc_vm.errors import TransformMapError
from tap_mdc_vm.stream_maps.map_file import names, read


@pytest.fixture
def file(tmp_path):
    def written(text, name="my.yml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


def problems(path):
    with pytest.raises(TransformMapError) as caught:
        read(path)
    assert all("\n" not in problem for problem in caught.value.problems)
    return [problem.replace(path, "FILE") for problem in caught.value.problems]


def test_the_maps_that_ship_are_known_by_name():
    assert names() == ["etm", "etm_extended"]
    for name in names():
        assert read(name).stream_maps.keys() == {"etm_assets", "etm_findings"}
    assert read("none").stream_maps == {}


def test_yaml_and_json_say_the_same(file):
    content = {"stream_maps": {"mine": {"a": "b"}}, "stream_map_config": {"table": {"x": 1}}}
    as_yaml = read(file("stream_maps: {mine: {a: b}}\nstream_map_config: {table: {x: 1}}\n"))
    as_json = read(file(json.dumps(content, indent="\t"), "my.json"))
    assert as_yaml.stream_maps == as_json.stream_maps == content["stream_maps"]
    assert as_yaml.stream_map_config == as_json.stream_map_config == content["stream_map_config"]


def test_a_line_is_known_for_each_key(file):
    lines = read(file("stream_maps:\n  mine:\n    a: b\n")).lines
    assert lines["stream_maps", "mine", "a"] == 3


def test_anchors_and_merges_work(file):
    text = "stream_maps:\n  one: &one {a: b, c: d}\n  two:\n    <<: *one\n    c: e\n"
    assert read(file(text)).stream_maps["two"] == {"a": "b", "c": "e"}


@pytest.mark.parametrize(
    ("text", "name", "problem"),
    [
        ("stream_maps:\n  a: b: c\n", "my.yml", "FILE:2: bad YAML: mapping values are not allowed here"),
        ("stream_maps:\n\t- a\n", "my.yml", "FILE:2: bad YAML: found character '\\t' that cannot start any token"),
        ("a: &a [*a]\nb: !!python/object:os.system x", "my.yml", "FILE:2: bad YAML: could not determine a constructor"),
        ('{"stream_maps": }', "my.json", "FILE: bad JSON: Expecting value: line 1 column 17"),
        ('{"stream_maps": {"a": {}, "a": {}}}', "my.json", "FILE: bad JSON: 'a' is there twice"),
        ("", "my.yml", "FILE: is no map: a map holds stream_maps and stream_map_config"),
        ("- a\n", "my.yml", "FILE: is no map: a map holds stream_maps and stream_map_config"),
        ("stream_map: {}\n", "my.yml", "FILE:1: unknown section 'stream_map'; did you mean stream_maps?"),
        ("vms: {}\n", "my.yml", "FILE:1: unknown section 'vms'; a map holds stream_maps and stream_map_config"),
        ("stream_maps: [a]\n", "my.yml", "FILE:1: stream_maps must be a list of names"),
        ("stream_maps:\n  m:\n    a: b\n    a: c\n", "my.yml", "FILE:4: 'a' is there already, on line 3"),
        ("stream_maps:\n  m:\n    1: b\n", "my.yml", "FILE:3: '1' must be text: put quotes around it"),
        (b"\xff\xfe\x00", "my.yml", "'FILE' can't be read: it is not text in UTF-8"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(file, text, name, problem):
    (found,) = problems(file(text, name))
    assert found.startswith(problem)


def test_a_file_that_is_not_there_is_named_and_a_misspelt_name_put_right():
    assert problems("nowhere/my.yml") == ["'FILE' can't be read: No such file or directory"]
    assert problems("etmm") == ["'FILE' can't be read: No such file or directory; did you mean etm?"]
