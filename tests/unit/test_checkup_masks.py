"""What a report may hold of a tenant: forms, and Microsoft's own words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.checkup.masks import date_form, id_form, key, type_name, word

A = "/subscriptions/00000000-0000-0000-0000-0000000000a1"
MACHINE = f"{A}/resourceGroups/rg-app/providers/Microsoft.Compute/virtualMachines/web-01"
FINDING = f"{MACHINE}/providers/Microsoft.Security/assessments"
FORM = (
    "/subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/virtualMachines/{name}"
    "/providers/Microsoft.Security/assessments"
)


@pytest.mark.parametrize(
    ("given_id", "form"),
    [
        (A, "/subscriptions/{guid}"),
        (f"{FINDING}/6a1b1c1d-0000-4000-8000-000000000001", f"{FORM}/{{guid}}"),
        (f"{FINDING}/curl_8", f"{FORM}/{{name}}"),
        (f"{A}/providers/Contoso.Secret/vaults/x", "/subscriptions/{guid}/providers/{namespace}/{type}/{name}"),
        (f"{A}/resourceGroups/microsoft.plans/x/y", "/subscriptions/{guid}/resourceGroups/{name}/{type}/{name}"),
        ("no id", "{no id}"),
        ("", "{no id}"),
    ],
)
def test_the_form_of_an_id_has_no_name_in_it(given_id, form):
    assert id_form(given_id) == form


@pytest.mark.parametrize(
    ("date", "form"),
    [
        ("2026-08-28T04:11:02.1234567Z", "####-##-##T##:##:##.#######Z"),
        ("2026-08-28 04:11:02+02:00", "####-##-## ##:##:##+##:##"),
        ("yesterday, said Ann", "no date"),
        (7, "int"),
        (None, "NoneType"),
    ],
)
def test_the_form_of_a_date_has_no_digit_in_it(date, form):
    assert date_form(date) == form


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("SoftwareUpdate", "SoftwareUpdate"),
        ("", "none"),
        (None, "none"),
        ("Ann's own", "text of 9 characters"),
        ([], "list"),
    ],
)
def test_a_word_is_shown_if_it_can_be_microsofts(value, shown):
    assert word(value) == shown


@given(st.text())
def test_what_is_shown_of_a_key_is_letters_or_a_length(name):
    assert re.fullmatch(r"[A-Za-z_]+|key of \d+ characters", key(name))


def test_types_of_others_are_not_named():
    assert type_name("microsoft.security/assessments") == "microsoft.security/assessments"
    assert type_name("contoso.secret/vaults") == "another type"
