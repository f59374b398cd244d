"""What a state remembers of a run, and what a later run lacks of that."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.coverage import Coverage, Subscription
from tap_mdc_vm.covered import Covered
from tap_mdc_vm.errors import ConfigurationError

FILTERS = ("assessment_statuses", "assessment_severities", "recommendation_categories", "resource_groups")


def covered(*subscriptions, tenant="t", scope=None, filters=None):
    return Covered(tenant=tenant, scope=scope or {}, filters=filters or {}, subscriptions=sorted(subscriptions))


def settings(**changes):
    nothing = dict.fromkeys((*FILTERS, "subscription_ids", "management_group_ids"), ())
    return SimpleNamespace(**(nothing | {"tenant_id": "t", "machine_tags": {}} | changes))


def coverage(*subscriptions, tenant="T"):
    return Coverage(1, tuple(Subscription(each, "", tenant) for each in subscriptions), (), ())


words = st.lists(st.sampled_from(["A", "b", "C"]), unique=True)
tags = st.dictionaries(st.sampled_from(["Env", "owner"]), words.map(tuple), max_size=2)
filters = st.fixed_dictionaries(dict.fromkeys(FILTERS, words)) | st.fixed_dictionaries({"machine_tags": tags})


def passes(chosen, machine):
    """Whether something passes filters, judged by the filters themselves."""
    for name in FILTERS:
        if (values := chosen.get(name)) and machine[name] not in [value.lower() for value in values]:
            return False
    return all(
        name.lower() in machine["tags"] and (not values or machine["tags"][name.lower()] in values)
        for name, values in chosen.get("machine_tags", {}).items()
    )


things = st.fixed_dictionaries(
    dict.fromkeys(FILTERS, st.sampled_from(["a", "b", "c"]))
    | {"tags": st.dictionaries(st.sampled_from(["env", "owner"]), st.sampled_from(["A", "b", "C"]))}
)


@given(filters, filters, things)
def test_filters_that_lack_nothing_let_all_pass_that_passed_before(before, now, thing):
    lacking = list(Covered.by(settings(**now), coverage("a")).lacks(Covered.by(settings(**before), coverage("a"))))
    if not lacking and passes(before, thing):
        assert passes(now, thing)


@given(filters)
def test_the_same_filters_lack_nothing_in_whatever_order_and_letter_case(chosen):
    other = {
        name: values if name == "machine_tags" else [value.swapcase() for value in reversed(values)]
        for name, values in chosen.items()
    }
    before = Covered.by(settings(**chosen), coverage("a"))
    assert list(Covered.by(settings(**other), coverage("a")).lacks(before)) == []


def test_a_subscription_that_can_not_be_read_any_more_is_named():
    assert list(covered("a").lacks(covered("a", "b", "c"))) == ["b, c can't be read any more"]


def test_a_subscription_outside_a_scope_that_is_another_now_is_named_as_that():
    now = covered("a", scope={"subscription_ids": ["a"]})
    assert list(now.lacks(covered("a", "b"))) == ["b is out of the scope that is set now"]


def test_more_than_before_lacks_nothing():
    now = covered("a", "b", filters={"assessment_statuses": ["healthy", "unhealthy"]})
    before = covered("a", scope={"subscription_ids": ["a"]}, filters={"assessment_statuses": ["unhealthy"]})
    assert list(now.lacks(before)) == []


def test_another_tenant_is_all_that_is_said_of_it():
    assert list(covered("a", tenant="sandbox").lacks(covered("b"))) == [
        "it reads the tenant sandbox, and that one read t"
    ]


@pytest.mark.parametrize(
    ("now", "before", "says"),
    [
        ({"resource_groups": ["a"]}, {}, "resource_groups is now a, and was not set"),
        ({"resource_groups": ["a"]}, {"resource_groups": ["a", "b"]}, "resource_groups is now a, and was a, b"),
        ({"machine_tags.env": ["x"]}, {"machine_tags.env": ["*"]}, "machine_tags.env is now x, and was *"),
    ],
)
def test_a_narrower_filter_is_named_with_what_it_was(now, before, says):
    assert list(covered("a", filters=now).lacks(covered("a", filters=before))) == [says]


def test_subscriptions_are_kept_with_those_of_another_run_of_the_same_tenant_only():
    assert covered("a", "b").with_those_of(covered("b", "c")) == covered("a", "b", "c")
    assert covered("a").with_those_of(covered("c", tenant="sandbox")) == covered("a")


@given(filters)
def test_a_state_gives_back_what_was_put_into_it(chosen):
    now = Covered.by(settings(**chosen), coverage("b", "a"))
    assert Covered.in_state(json.loads(json.dumps({"bookmarks": {}} | now.as_state()))) == now


def test_the_tenant_is_that_of_most_subscriptions_where_no_setting_names_it():
    several = Coverage(
        1, (*coverage("a", "b", tenant="MINE").readable, *coverage("c", tenant="by-lighthouse").readable), (), ()
    )
    assert Covered.by(settings(tenant_id=""), several).tenant == "mine"


@pytest.mark.parametrize("state", [{}, {"bookmarks": {}}, {"covered": None}])
def test_a_state_that_says_nothing_is_none(state):
    assert Covered.in_state(state) is None


@pytest.mark.parametrize(
    "odd", ["all", {"tenant": "t"}, {"tenant": "t", "scope": {}, "filters": {}, "subscriptions": [1]}]
)
def test_a_state_in_another_form_is_refused_before_any_call_with_the_way_out(odd):
    with pytest.raises(ConfigurationError, match="--full-refresh"):
        Covered.in_state({"covered": odd})


@pytest.mark.parametrize(
    "odd",
    [
        {"bookmarks": None},
        {"bookmarks": []},
        {"bookmarks": {"virtual_machines": None}},
        {"singer_state": {"bookmarks": {}}},
        {"type": "STATE", "value": {"bookmarks": {}}},
    ],
)
def test_what_is_no_state_or_holds_one_within_is_not_taken_for_that_of_a_first_run(odd):
    with pytest.raises(ConfigurationError, match="--full-refresh"):
        Covered.in_state(odd)
