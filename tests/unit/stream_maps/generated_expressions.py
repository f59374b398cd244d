"""Expressions of the SDK's language, made up by Hypothesis, over records of one small schema.

Mostly the parts of an expression fit together, so that it has a value; now and then one does not, and all is refused.
"""

from __future__ import annotations

import re

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

# What the evaluator refuses for every record, and how it is refused when a map is loaded.
FORBIDDEN = {
    "text.__class__": "uses .__class__, which is not allowed",
    "().__class__.__bases__": "which is not allowed",
    "record.__class__": "uses .__class__",
    "''.join.__self__": "uses .__self__",
    "text.func_globals": "uses .func_globals",
    "'{0.x}'.format(text)": "uses .format,",
    "'{x}'.format_map(tags)": "uses .format_map",
    "int.mro()": "uses .mro",
    "__import__('os')": "calls the unknown function __import__",
    "open('/etc/passwd')": "calls the unknown function open",
    "eval('1')": "calls the unknown function eval",
    "getattr(text, 'x')": "calls the unknown function getattr",
    "vars()": "calls the unknown function vars",
    "json.codecs": "uses .codecs, which is not available",
    "datetime.sys": "uses .sys, which is not available",
    "json.nothing": "uses .nothing, which is not available",
    "lambda: 1": "uses Lambda",
    "(lambda: 1)()": "calls something other than a function",
    "(found := text)": "uses NamedExpr",
    "await text": "uses Await",
    "{z for z in zones}": "uses SetComp",
    "count @ count": "uses MatMult",
    "str(*zones)": "uses Starred",
    "(*zones, 1)": "uses Starred",
    "f'{text.__class__}'": "uses .__class__",
    "[z.__class__ for z in zones]": "uses .__class__",
}

WORDS = st.sampled_from(["", "a", "A", "b", " a b ", "ab", "default", "x" * 30, "ä", "7", "-1.5"])
VALUES = {
    "string": WORDS,
    "integer": st.integers(-3, 40),
    "number": st.sampled_from([0.0, -1.5, 2.0, 1e300]) | st.integers(-2, 2),
    "boolean": st.booleans(),
    "array": st.lists(WORDS, max_size=3),
    "object": st.dictionaries(WORDS, WORDS | st.integers(0, 3) | st.none(), max_size=3),
}


def _value(types):
    values = VALUES[types if isinstance(types, str) else types[0]]
    return values if isinstance(types, str) else st.one_of(values, values, values, st.none())


RECORDS = st.fixed_dictionaries({name: _value(schema["type"]) for name, schema in SCHEMA["properties"].items()})

LEAVES = {
    "text": [
        *("id", "text", "word", "when", "label", "record['text']", "_['word']", "record.word", "record.get('when')"),
        *("self", "__stream_name__", "__original_stream_name__", "''", "'a'", "'A b'", "'%s-%s'", "'7'"),
    ],
    "number": [
        *("count", "share", "_.count", "record['share']", "config['number']", "config['table']['a']"),
        *("0", "1", "-1", "2", "2.5", "1e400", "0x10"),
    ],
    "flag": ["flag", "record['flag']", "True", "False"],
    "list": ["zones", "record.get('zones')", "config['deep']['er']", "[]", "['a', 'b', 'a']"],
    "object": ["tags", "record['tags']", "config['table']", "config['words']", "{}", "{'a': 1}"],
    "null": ["None"],
}
WHOLE = ["record", "_", "config", "record.get('text', 'z')", "record.get('nothing', 'z')"]
SHAPES = {
    "text": [
        *("(<text> + <text>)", "(<text> * <number>)", "(<text> % (<text>, <number>))", "(<text> or <text>)"),
        *("(<text> and <text>)", "(<text> if <flag> else <text>)", "(<text>)[<number>]", "(<text>)[<number>:]"),
        *("(<text>)[:<number>]", "(<text>)[-1:<number>]", "(<list>)[<number>]", "str(<any>)", "md5(<text>)"),
        *("sha256(<text>)", "(<text>).lower()", "(<text>).upper()", "(<text>).strip()", "(<text>).strip('a')"),
        *("(<text>).title()", "(<text>).capitalize()", "(<text>).swapcase()", "(<text>).casefold()"),
        *("(<text>).replace('a', 'bb')", "(<text>).removeprefix('a')", "(<text>).zfill(4)", "(<text>).join(<list>)"),
        *("(<object>).get('a')", "(<object>).get(<text>, <text>)", "config['words'].get(<text>)", "(<object>).a"),
        *("f'{text}-{word!r}'", "f'{<number>}/{<flag>}'", "f'{text:>5}'", "json.dumps(<any>)"),
    ],
    "number": [
        *("(<number> + <number>)", "(<number> - <number>)", "(<number> * <number>)", "(<number> / <number>)"),
        *("(<number> // <number>)", "(<number> % <number>)", "(<number> ** <number>)", "(<number> << <number>)"),
        *("(<number> >> <number>)", "(<number> & <number>)", "(<number> | <number>)", "(<number> ^ <number>)"),
        *("(-<number>)", "(+<number>)", "(<number> or <number>)", "(<number> if <flag> else <number>)"),
        *("int(<text>)", "int(<number>)", "float(<text>)", "int(<text>, base=16)", "(<text>).count('a')"),
        *("(<text>).find('b')", "(<text>).index('b')", "(<list>).count('a')", "(<list>).index('a')"),
        *("config['table'].get(<text>, <number>)", "config['table'].get(<any>, <any>)", "config['table'][<text>]"),
        "config['table'].get((<text> or 'default').lower(), config['table']['default'])",
        "(<number>).bit_length()",
    ],
    "flag": [
        *("(<number> == <number>)", "(<text> != <text>)", "(<number> < <number>)", "(<number> <= <number>)"),
        *(
            "(<number> > <number>)",
            "(<text> >= <text>)",
            "(<number> < <number> <= <number>)",
            "(<any> == <any> != <any>)",
            *("(count < count)", "(id <= id < text)", "(id > id)", "(1 >= count > -1)"),
        ),
        *("(<text> in <text>)", "(<text> in <list>)", "(<text> not in <object>)", "(not <any>)", "bool(<any>)"),
        *("(<any> is None)", "(<any> is not None)", "(<flag> is True)", "(<text> is <text>)", "(<flag> and <flag>)"),
        *("(<flag> or <any>)", "(<text>).startswith('a')", "(<text>).endswith(('a', 'b'))", "(<text>).isdigit()"),
    ],
    "list": [
        *("[<any>, <any>]", "[*<list>, <any>]", "(<any>, <any>)", "{<text>, <number>}", "(<list> + <list>)"),
        *("(<text>).split()", "(<text>).split('a')", "(<text>).rsplit(' ', 1)", "(<text>).splitlines()"),
        *(
            "(<text>).partition('b')",
            "list(<text>)",
            "tuple(<list>)",
            "set(<list>)",
            "(<list>)[1:]",
            "(<list> * <number>)",
        ),
        *("[z for z in <list>]", "[<text> for z in <list> if <flag>]", "[(z or <text>) for z in <list>]"),
        *("(<object>).keys()", "(<object>).values()", "(<list>).copy()"),
    ],
    "object": [
        *("{<text>: <any>, <text>: <any>}", "{**<object>, 'k': <any>}", "{z: <any> for z in <list>}", "dict(<object>)"),
        *("(<object> or <object>)", "(<object>).copy()"),
    ],
    "null": ["(<any>).nothing()", "(<any>).nothing", "(<any>)[<any>]", "(<any> + <any>)"],
}
KINDS = [kind for kind in SHAPES for _ in range(1 if kind == "null" else 6)]


@st.composite
def expressions(draw, kind="any", depth=3, *, whole=False):
    """Texts of expressions; with ``whole``, also those that look at the record as a whole."""
    if kind == "any" or draw(st.integers(0, 15)) == 0:
        kind = draw(st.sampled_from(KINDS))
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([*LEAVES[kind], *(WHOLE if whole else [])]))
    shape = draw(st.sampled_from(SHAPES[kind]))
    return re.sub(r"<(\w+)>", lambda slot: draw(expressions(slot[1], depth - 1, whole=whole)), shape)
