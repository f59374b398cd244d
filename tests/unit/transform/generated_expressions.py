"""Expressions of the SDK's language, made up by Hypothesis, over records of one small schema."""

from __future__ import annotations

from hypothesis import strategies as st

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "text": {"type": ["string", "null"]},
        "word": {"type": ["string", "null"]},
        "when": {"type": ["string", "null"], "format": "date-time"},
        "count": {"type": ["integer", "null"]},
        "share": {"type": ["number", "null"]},
        "flag": {"type": ["boolean", "null"]},
        "zones": {"type": ["array", "null"], "items": {"type": "string"}},
        "tags": {"type": ["object", "null"]},
        "label": {"type": ["string", "null"]},
    },
}
FIELDS = tuple(SCHEMA["properties"])
CONFIG = {"table": {"default": 0, "a": 1, "b": 2}, "words": {"a": "x"}, "number": 7, "deep": {"er": [1, "a"]}}

WORDS = st.sampled_from(["", "a", "A", "b", " a b ", "ab", "default", "x" * 30, "ä", "7", "-1.5"])
VALUES = {
    "string": WORDS,
    "integer": st.integers(-3, 40),
    "number": st.sampled_from([0.0, -1.5, 2.0, 1e300]) | st.integers(-2, 2),
    "boolean": st.booleans(),
    "array": st.lists(WORDS, max_size=3),
    "object": st.dictionaries(WORDS, WORDS | st.integers(0, 3) | st.none(), max_size=3),
    "null": st.none(),
}


def _value(schema):
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([VALUES[kind] for kind in kinds])


RECORDS = st.fixed_dictionaries({name: _value(schema) for name, schema in SCHEMA["properties"].items()})

NAMED = [
    *FIELDS,
    *(f"record['{name}']" for name in FIELDS),
    *("_['text']", "record.word", "_.count", "record.get('zones')", "self"),
    *("config['table']", "config['number']", "config['words']", "config['deep']['er']", "config['table']['a']"),
    *("__stream_name__", "__original_stream_name__"),
]
CONSTANTS = ["''", "'a'", "'A b'", "'%s-%s'", "0", "1", "-1", "2", "2.5", "True", "False", "None", "1e400", "0x10"]
BINARY = ["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"]
COMPARED = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
METHODS = [
    *(
        "lower()",
        "upper()",
        "strip()",
        "strip('a')",
        "title()",
        "capitalize()",
        "swapcase()",
        "casefold()",
        "isdigit()",
    ),
    *("split()", "split('a')", "rsplit(' ', 1)", "splitlines()", "partition('b')", "replace('a', 'bb')", "count('a')"),
    *(
        "startswith('a')",
        "endswith(('a', 'b'))",
        "find('b')",
        "index('b')",
        "join(['a', 'b'])",
        "get('a')",
        "get('a', 0)",
    ),
    *("removeprefix('a')", "zfill(4)", "keys()", "values()", "copy()", "bit_length()", "nothing()"),
]
WHOLE = ["record", "_", "config", "record.get('text', 'z')", "record.get('nothing', 'z')"]


def expressions(*, whole=False):
    """Texts of expressions; with ``whole``, also those that look at the record as a whole."""
    leaves = st.sampled_from([*NAMED, *NAMED, *CONSTANTS, *(WHOLE if whole else [])])
    return st.recursive(leaves, _larger, max_leaves=8)


def _larger(inner):
    def shaped(shape, *choices):
        slots = [choice if isinstance(choice, st.SearchStrategy) else st.sampled_from(choice) for choice in choices]
        return st.tuples(*slots).map(lambda parts: shape.format(*parts))

    return st.one_of(
        shaped("({} {} {})", inner, BINARY, inner),
        shaped("({} {} {})", inner, ["and", "or"], inner),
        shaped("({} or {} or {})", inner, inner, inner),
        shaped("({} {} {})", inner, COMPARED, inner),
        shaped("({} {} {} {} {})", inner, COMPARED, inner, COMPARED, inner),
        shaped("({} {} {})", inner, ["is", "is not"], ["None", "True", "False"]),
        shaped("({} {})", ["not", "-", "+"], inner),
        shaped("({} if {} else {})", inner, inner, inner),
        shaped("({}).{}", inner, METHODS),
        shaped("({}).{}", inner, ["a", "b", "nothing"]),
        shaped("{}({})", ["int", "float", "str", "bool", "md5", "sha256", "list", "tuple", "set"], inner),
        shaped("int({}, base={})", inner, ["10", "16"]),
        shaped("({})[{}]", inner, inner),
        shaped("({})[{}:{}]", inner, ["", "0", "1", "-1", "count"], ["", "1", "-1", "id"]),
        shaped("config['table'].get({}, {})", inner, inner),
        shaped("config['table'].get(({} or 'default').lower(), config['table']['default'])", inner),
        shaped("config['words'].get({})", inner),
        shaped("[{}, {}]", inner, inner),
        shaped("[*{}, {}]", inner, inner),
        shaped("({}, {})", inner, inner),
        shaped("{{{}: {}, {}: {}}}", inner, inner, inner, inner),
        shaped("{{**{}, 'k': {}}}", inner, inner),
        shaped("{{{}, {}}}", inner, inner),
        shaped("f'{{{}}}-{{{}!r}}'", FIELDS, FIELDS),
        shaped("f'{{{}:>5}}'", FIELDS),
        shaped("[{} for z in {} if {}]", inner, inner, inner),
        shaped("[z for z in {}]", inner),
        shaped("{{z: {} for z in {}}}", inner, inner),
        shaped("json.dumps({})", inner),
    )
