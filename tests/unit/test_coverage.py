"""Which subscriptions are asked for, which can be read, and in which scopes the queries go out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tap_mdc_vm.coverage import BATCH, survey
from tap_mdc_vm.errors import NoAccessError
from tap_mdc_vm.resource_graph.model import Page, Scope
from tap_mdc_vm.resource_graph.reader import Reader
from tap_mdc_vm.resource_graph.workers import Workers


@dataclass
class Tenant:
    """Subscriptions and the groups above them, as Resource Graph shows them to somebody with few rights."""

    subscriptions: dict[str, list[str]]
    groups: set[str] = field(default_factory=set)
    states: dict[str, str] = field(default_factory=dict)
    asked: list[Scope] = field(default_factory=list)

    def ask(self, name, text, scope, *, top, skip_token=None):
        self.asked.append(scope)
        if name == "management_groups":
            rows = [{"id": f"/mg/{group}", "name": group} for group in scope.management_groups if group in self.groups]
        else:
            rows = [self.row(subscription) for subscription in self.visible(scope)]
            if not rows and (scope.subscriptions or scope.management_groups):
                raise NoAccessError("nothing there")
        start = int(skip_token or 0)
        page = sorted(rows, key=lambda row: row["id"])[start : start + top]
        more = start + len(page) < len(rows)
        return Page(page, len(rows), str(start + top) if more else None)

    def visible(self, scope):
        if scope.management_groups:
            return [s for s, above in self.subscriptions.items() if set(above) & set(scope.management_groups)]
        return [s for s in self.subscriptions if not scope.subscriptions or s in scope.subscriptions]

    def row(self, subscription):
        return {
            "id": f"/subscriptions/{subscription}",
            "subscriptionId": subscription.upper(),
            "name": "n",
            "tenantId": "t",
            "state": self.states.get(subscription, "Enabled"),
            "managementGroups": [{"name": group} for group in self.subscriptions[subscription]] or None,
        }


@dataclass
class Chosen:
    subscription_ids: tuple[str, ...] = ()
    management_group_ids: tuple[str, ...] = ()


@pytest.fixture
def look():
    workers = Workers(4)
    yield lambda tenant, **chosen: survey(Reader(tenant, workers, page_size=1000), Chosen(**chosen))
    workers.close()


def test_without_a_choice_everything_readable_is_covered_in_one_scope(look):
    coverage = look(Tenant({"a": [], "b": []}))
    assert (coverage.requested, coverage.unreadable, coverage.scopes) == (2, (), (Scope(),))
    assert [subscription.id for subscription in coverage.readable] == ["a", "b"]


def test_a_subscription_without_a_row_is_unreadable_and_not_asked_again(look):
    coverage = look(Tenant({"a": [], "b": []}), subscription_ids=("a", "c", "b"))
    assert (coverage.requested, coverage.unreadable) == (3, ("c",))
    assert coverage.scopes == (Scope(subscriptions=("a", "b")),)


def test_hundreds_of_subscriptions_are_asked_for_in_batches_that_share_none(look):
    ids = tuple(f"s{number:04}" for number in range(1_200))
    tenant = Tenant({key: [] for key in ids})
    coverage = look(tenant, subscription_ids=ids)
    assert [id_ for scope in coverage.scopes for id_ in scope.subscriptions] == list(ids)
    assert max(len(scope.subscriptions) for scope in tenant.asked) == BATCH < 300
    assert coverage.unreadable == ()


def test_a_batch_in_which_nothing_is_readable_does_not_hide_the_others(look):
    ids = tuple(f"s{number:04}" for number in range(BATCH + 10))
    coverage = look(Tenant({key: [] for key in ids[BATCH:]}), subscription_ids=ids)
    assert len(coverage.readable) == 10
    assert coverage.unreadable == ids[:BATCH]


def test_a_management_group_that_cannot_be_read_is_named_and_an_empty_one_is_not(look):
    tenant = Tenant({"a": ["root", "prod"], "b": ["root"]}, groups={"root", "prod", "empty"})
    coverage = look(tenant, management_group_ids=("prod", "empty", "nope"))
    assert coverage.unreadable == ("nope",)
    assert coverage.scopes == (Scope(management_groups=("prod", "empty")),)
    assert [subscription.id for subscription in coverage.readable] == ["a"]


def test_many_groups_become_subscriptions_so_that_groups_within_groups_are_read_once(look):
    groups = tuple(f"g{number}" for number in range(12))
    coverage = look(Tenant({"a": list(groups), "b": ["g3"]}, groups=set(groups)), management_group_ids=groups)
    assert [sorted(scope.subscriptions) for scope in coverage.scopes] == [["a", "b"]]


@pytest.mark.parametrize(
    "chosen", [{}, {"subscription_ids": ("x",)}, {"management_group_ids": ("x",)}], ids=["tenant", "ids", "groups"]
)
def test_nothing_readable_is_an_error_that_says_what_to_do(look, chosen):
    with pytest.raises(NoAccessError, match="Reader role"):
        look(Tenant({}), **chosen)


def test_states_and_groups_are_kept(look):
    coverage = look(Tenant({"a": ["Root"]}, states={"a": "Disabled"}))
    (only,) = coverage.readable
    assert (only.state, only.groups, only.tenant_id) == ("Disabled", frozenset({"root"}), "t")
