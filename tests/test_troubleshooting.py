"""The page on troubleshooting and the code say the same: every message, code and pointer, and no others."""

import ast
import itertools
import re
from pathlib import Path

import pytest

import tap_mdc_vm
from tap_mdc_vm import errors
from tap_mdc_vm.azure.credentials import azure_cli
from tap_mdc_vm.azure.credentials import token_endpoint as entra
from tap_mdc_vm.azure.credentials.token_endpoint import ADVICE, Advice
from tap_mdc_vm.azure.resource_graph import answers

PACKAGE = Path(tap_mdc_vm.__file__).parent
PAGE = PACKAGE.parent / "docs" / "troubleshooting.md"
SECTIONS = {
    heading.lower().replace(" ", "-"): body
    for heading, body in re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
}
TREES = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.TapError)}
# Their problems name a setting or a place in a map, and say themselves what is right.
KINDS -= {"ConfigurationError", "TransformMapError"}
# What the command line of the map says about its own input.
ELSEWHERE = {"stream_maps"}


def text(node):
    """Return the text of a literal, with … for what is only known when it is printed; None if it is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join("…" if isinstance(part, ast.FormattedValue) else part.value for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (text(node.left) or "…") + (text(node.right) or "…")
    return None


LITERALS = [found for tree in TREES.values() for node in ast.walk(tree) if (found := text(node))]


def quotes(section):
    return re.findall(r"^> (.+)$", SECTIONS[section], re.MULTILINE)


QUOTES = [(section, quote) for section in SECTIONS for quote in quotes(section)]


def fits(quote, literal):
    """Tell whether a quote, with its own … for what varies, is in a literal."""
    pattern = ".*".join(re.escape(part.strip(" ")) for part in quote.split("…"))
    return re.search(pattern, literal.replace("…", " … "), re.DOTALL) is not None


def name_of(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def raised():
    """Return what each error of the tree that is made in the code says first."""
    for path, tree in TREES.items():
        if ELSEWHERE & set(path.relative_to(PACKAGE).parts):
            continue
        for node in ast.walk(tree):
            # KindError("…"), or a function that is told the kind: fault(KindError, "…")
            called = [node.func, *node.args] if isinstance(node, ast.Call) else []
            for kind, what in itertools.pairwise(called):
                if (said := text(what)) and name_of(kind) in KINDS | {"kind"}:
                    yield pytest.param(said, id=f"{path.stem}:{node.lineno}")


@pytest.mark.parametrize("said", list(raised()))
def test_every_error_is_on_the_page(said):
    # A message made of nothing but parts is made of those of a table, which has a test of its own.
    assert not re.search(r"\w{3}", said) or any(fits(quote, said) for _, quote in QUOTES)


@pytest.mark.parametrize(("section", "quote"), QUOTES)
def test_every_message_on_the_page_is_one_that_the_tap_prints(section, quote):
    assert any(fits(quote, literal) for literal in LITERALS), section


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_says_what_one_sees_why_and_what_to_do(section):
    body = SECTIONS[section]
    assert quotes(section)
    assert body.index("**Cause.** ") < body.index("**Remedy.** ")


REFUSALS = sorted(
    {*ADVICE, *(each for module in (entra, azure_cli) for each in vars(module).values() if isinstance(each, Advice))},
    key=lambda advice: advice.section,
)


def pointers():
    sources = "".join(path.read_text() for path in TREES)
    return sorted(
        {
            *re.findall(r"docs/troubleshooting\.md#([\w-]+)", sources),
            *re.findall(r"see\([\"']([\w-]+)[\"']\)", sources),
            *(advice.section for advice in REFUSALS),
        }
    )


@pytest.mark.parametrize("section", pointers())
def test_every_pointer_leads_to_a_section(section):
    assert section in SECTIONS


@pytest.mark.parametrize(
    "advice", sorted(REFUSALS, key=lambda advice: advice.section), ids=lambda advice: advice.section
)
def test_every_refusal_of_entra_id_is_in_its_section_with_its_numbers(advice):
    assert advice.meaning in quotes(advice.section)
    assert set(re.findall(r"`AADSTS(\d+)`", SECTIONS[advice.section])) == set(advice.numbers)


@pytest.mark.parametrize("meaning", answers._MEANINGS, ids=lambda meaning: meaning[1].__name__)
def test_every_refusal_of_resource_graph_is_on_the_page(meaning):
    fits_code, _, what, _ = meaning
    (section,) = [section for section, quote in QUOTES if fits(quote, what)] or [None]
    assert section
    if isinstance(fits_code, str):
        assert f"`{fits_code}`" in SECTIONS[section]


def test_every_kind_of_error_is_used():
    """A class that nobody raises would be a promise that nobody keeps."""
    named = {name_of(node) for tree in TREES.values() for node in ast.walk(tree)}
    leaves = {name for name in KINDS if not getattr(errors, name).__subclasses__()}
    assert leaves <= named
