"""Which subscriptions are asked for, which can be read, and in which scopes the queries go out."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest

from tap_mdc_vm.azure.resource_graph.model import Page, RawRow, Scope
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.coverage import BATCH, check, survey
from tap_mdc_vm.errors import MalformedAnswerError, NoAccessError, QueryRefusedError, RequestRefusedError, TapError


@dataclass
class Tenant:
    """Subscriptions and the groups above them, as Resource Graph shows them to somebody with few rights."""

    subscriptions: dict[str, list[str]]
    groups: set[str] = field(default_factory=set)
    states: dict[str, str] = field(default_factory=dict)
    asked: list[Scope] = field(default_factory=list)
    refusal: TapError = field(default_factory=lambda: NoAccessError("nothing there"))
    limit_hit: bool = False
    named: bool = True
    odd: dict[str, object] = field(default_factory=dict)

    def ask(self, name, text, scope, *, top, skip_token=None, urgent=False):
        self.asked.append(scope)
        if name == "management_groups":
            there = [group for group in scope.management_groups if group in self.groups]
            rows = [{"id": f"/mg/{group}"} | ({"name": group} if self.named else {}) for group in there]
        else:
            rows = [self.row(subscription) for subscription in self.visible(scope)]
            if not rows and (scope.subscriptions or scope.management_groups):
                raise self.refusal
        start = int(skip_token or 0)
        page = sorted(rows, key=lambda row: row["id"])[start : start + top]
        more = start + len(page) < len(rows)
        page = [RawRow(row["id"], msgspec.Raw(msgspec.json.encode(row))) for row in page]
        return Page(page, len(rows), str(start + top) if more else None, limit_hit=self.limit_hit)

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
        } | self.odd


@dataclass
class Chosen:
    subscription_ids: tuple[str, ...] = ()
    management_group_ids: tuple[str, ...] = ()


@pytest.fixture
def look():
    workers = Workers(4)
    yield lambda tenant, *, tolerant=False, **chosen: survey(
        Reader(tenant, workers, page_size=1000, tolerant=tolerant), Chosen(**chosen)
    )
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
    coverage = look(Tenant({}), **chosen)
    assert coverage.unreadable == (("x",) if chosen else ())  # for the summary of the run that this ends
    with pytest.raises(NoAccessError, match="Reader role"):
        check(coverage, tolerant=True)


def test_an_unreadable_subscription_is_an_error_unless_that_is_tolerated(look):
    coverage = look(Tenant({"a": []}), subscription_ids=("a", "c"))
    check(coverage, tolerant=True)
    with pytest.raises(NoAccessError, match="can't read c"):
        check(coverage, tolerant=False)


def test_a_group_that_azure_refuses_to_look_into_is_named_whatever_it_answers(look):
    """Whether an unknown group gives 403 or 400, and with which code, is not known."""
    refusal = RequestRefusedError("no such group", code="ManagementGroupNotFound", correlation_id="1-2")
    coverage = look(Tenant({"a": ["prod"]}, refusal=refusal), management_group_ids=("prod", "nope"))
    assert coverage.unreadable == ("nope",)
    with pytest.raises(NoAccessError, match=r"can't read nope.*ManagementGroupNotFound.*1-2"):
        check(coverage, tolerant=False)


def test_a_query_that_azure_does_not_understand_is_no_lack_of_rights(look):
    refusal = QueryRefusedError("bad query", code="InvalidQuery")
    with pytest.raises(QueryRefusedError, match="bad query"):
        look(Tenant({}, refusal=refusal), management_group_ids=("nope",))


def test_subscriptions_that_cannot_be_proven_to_be_all_are_a_shortcoming(look):
    groups = tuple(f"g{number}" for number in range(12))
    tenant = Tenant({"a": list(groups)}, limit_hit=True)
    assert "10,000" in look(tenant, tolerant=True, management_group_ids=groups).shortcomings[0]
    assert look(Tenant({"a": []}), tolerant=True).shortcomings == ()


def test_states_and_tenants_are_kept(look):
    coverage = look(Tenant({"a": ["Root"]}, states={"a": "Disabled"}))
    (only,) = coverage.readable
    assert (only.state, only.tenant_id) == ("Disabled", "t")


@pytest.mark.parametrize("own", [None, "", 7, {}])
@pytest.mark.parametrize("form", ["/subscriptions/A", "/Subscriptions/A/"])
def test_a_subscription_whose_column_is_empty_is_known_by_its_resource_id(look, own, form):
    coverage = look(Tenant({"a": []}, odd={"subscriptionId": own, "id": form}))
    assert [subscription.id for subscription in coverage.readable] == ["a"]


@pytest.mark.parametrize("id_", ["/a", "/subscriptions/", "/subscriptions/a/resourceGroups/b"])
def test_a_subscription_without_any_id_is_a_malformed_answer_in_one_line(look, id_):
    with pytest.raises(MalformedAnswerError, match="without its id") as caught:
        look(Tenant({"a": []}, odd={"subscriptionId": None, "id": id_}))
    assert "\n" not in str(caught.value)


def test_a_management_group_without_a_name_is_known_by_its_resource_id(look):
    tenant = Tenant({}, groups={"empty"}, named=False)
    assert look(tenant, management_group_ids=("empty",)).unreadable == ()
