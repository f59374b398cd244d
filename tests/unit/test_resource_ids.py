from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.resource_ids import lower


def test_an_id_is_in_lower_case():
    assert lower("/subscriptions/A1/resourceGroups/RG-App") == "/subscriptions/a1/resourcegroups/rg-app"


def test_a_greek_name_in_capitals_and_in_small_letters_is_one():
    assert lower("/resourceGroups/ΣΑΣ") == lower("/resourcegroups/σασ")


@given(st.text(), st.text())
def test_what_stands_before_or_behind_a_part_does_not_change_it(one, other):
    assert lower(one + other) == lower(one) + lower(other)
