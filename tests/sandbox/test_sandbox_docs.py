"""The page about the sandbox says what the sandbox does."""

import re
from pathlib import Path

import pytest

from tap_mdc_vm_sandbox import AuthMethod, HashMode, Kind, Trouble, Window, cli
from tap_mdc_vm_sandbox.kql import TABLES
from tap_mdc_vm_sandbox.oddities import ODDITIES

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
TABLE_ROWS = dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", PAGE, re.MULTILINE))
ACTIONS = [action for action in cli.build_parser()._actions if action.option_strings != ["-h", "--help"]]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.option_strings[0])
def test_every_option_is_on_the_page_with_its_default(action):
    (option,) = action.option_strings
    row = next(line for line in PAGE.splitlines() if line.startswith((f"| `{option} ", f"| `{option}`")))
    default = action.default
    if isinstance(default, int | float | str) and default != 0:
        assert f"| {default} |" in row or f"| `{default}` |" in row


def test_the_page_has_no_option_that_does_not_exist():
    known = {option for action in ACTIONS for option in action.option_strings}
    ours = "\n".join(re.findall(r"^\| `--.*|tap-mdc-vm-sandbox[^`\n]*? -- |serve .*", PAGE, re.MULTILINE))
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours))
    assert mentioned == known


def test_every_kind_of_fault_is_in_the_table():
    assert set(Kind) <= TABLE_ROWS.keys()


@pytest.mark.parametrize("words", [AuthMethod, HashMode, Trouble, Window])
def test_every_choice_is_named(words):
    assert all(f"`{word}`" in PAGE for word in words)


def test_every_table_is_named():
    assert all(f"`{table}`" in PAGE.lower() for table in TABLES)


def test_the_oddities_are_those_of_the_code():
    assert {name: TABLE_ROWS.get(name) for name in ODDITIES} == ODDITIES


def test_the_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found = {}
    exec(compile(example, "docs/sandbox.md", "exec"), found)
    assert found["config"]["authority_host"].startswith("https://127.0.0.1:")
    assert found["asked"] == []
