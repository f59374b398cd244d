"""The page of what the tap takes for granted is made of the list that the check-up goes by."""

import runpy
from pathlib import Path

from tap_mdc_vm.checkup import verdicts
from tap_mdc_vm.checkup.assumptions import ASSUMPTIONS

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_what_the_list_says():
    written = runpy.run_path(str(ROOT / "scripts" / "write_azure_facts.py"))["page"]()
    assert (ROOT / "docs" / "azure-facts.md").read_text(encoding="utf-8") == written
    assert all(each.claim in written and each.why in written for each in ASSUMPTIONS)
    assert all(f"\n| {each.certainty} | " in written for each in ASSUMPTIONS), "the page says what the word means"


def test_each_assumption_has_a_name_and_a_verdict_of_its_own_and_says_what_follows():
    assert len({each.key for each in ASSUMPTIONS}) == len(ASSUMPTIONS)
    assert {f"on_{each.key.replace('-', '_')}" for each in ASSUMPTIONS} == {
        name for name in vars(verdicts) if name.startswith("on_")
    }
    assert all(each.otherwise.endswith(".") and each.claim.endswith(".") for each in ASSUMPTIONS)
