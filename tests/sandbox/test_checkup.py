"""The check-up against sandboxes that keep to the tap's assumptions, and against such as break one."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
from click.testing import CliRunner

from tap_mdc_vm.checkup.assumptions import ASSUMPTIONS
from tap_mdc_vm.checkup.command import checkup, main
from tap_mdc_vm.settings import Settings
from tap_mdc_vm_sandbox import Fleet, HashMode, Limits, Quota, Sandbox
from tap_mdc_vm_sandbox.faults import Fault, Kind

pytestmark = pytest.mark.usefixtures("bare_environment", "impatient")

PLENTY = Quota(limit=10_000)


@pytest.fixture(scope="module")
def fleet():
    return Fleet(machines=30, assessments_per_machine=40)


def report_of(fleet, **behaviour):
    with Sandbox(fleet, **({"quota": PLENTY} | behaviour)) as sandbox:
        return checkup(Settings.from_config(sandbox.config))


def failing(report):
    return {each.key for each in report.assumptions if each.verdict == "does not hold"}


@pytest.fixture(scope="module")
def usual(fleet):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        return report_of(fleet)


def test_a_sandbox_passes_its_own_check_up(usual):
    assert failing(usual) == set()
    assert usual.passed
    assert [each.key for each in usual.assumptions] == [each.key for each in ASSUMPTIONS]


def test_a_check_up_takes_fewer_than_forty_requests(usual):
    assert 20 < int(usual.figures["requests"]) < 40


BROKEN = {
    "another hash": ({"hash_mode": HashMode.OTHER}, {"hash"}),
    "negative remainders": ({"hash_mode": HashMode.SIGNED}, {"remainder", "halves"}),
    "lists that are cut": ({"limits": Limits(list_length=128)}, {"packed", "long-lists"}),
    "no lists": ({"limits": Limits(lacking=frozenset({"make_list"}))}, {"packed", "long-lists"}),
    "no quota headers": ({"quota": None}, {"quota-headers"}),
    "a longer window": ({"quota": Quota(limit=10_000, seconds=60)}, {"quota"}),
    "a service that fails once": ({"faults": [Fault(kind=Kind.ERROR_503_HTML, after=3)]}, set()),
}
"""What a sandbox can do otherwise that a sync outlasts, and the assumptions that it breaks."""


@pytest.mark.parametrize("behaviour", BROKEN)
def test_what_a_sandbox_does_otherwise_shows_in_its_own_line(fleet, behaviour):
    behaves, broken = BROKEN[behaviour]
    report = report_of(fleet, **behaves)
    assert failing(report) == broken
    assert report.passed


def test_a_hash_for_each_request_shows_as_another_hash(fleet):
    assert "hash" in failing(report_of(fleet, hash_mode=HashMode.PER_REQUEST))


@pytest.mark.parametrize(
    ("kind", "broken"), [(Kind.TRUNCATED, "truncated"), (Kind.SHORT, "token"), (Kind.EMPTY_PAGE, "pages")]
)
def test_what_no_sync_outlasts_ends_the_check_up_with_status_one(fleet, kind, broken):
    report = report_of(fleet, faults=[Fault(kind=kind, times=None, containing="virtualmachines")])
    assert broken in failing(report)
    assert not report.passed


def test_what_can_not_be_read_leaves_the_rest_as_it_is(fleet):
    assert failing(report_of(fleet, unreadable=[fleet.subscriptions[0].id])) == set()


def test_what_fails_and_is_needed_ends_with_status_one_and_says_what_follows(fleet):
    limits = Limits(lacking=frozenset({"securityresources"}))
    with Sandbox(fleet, quota=PLENTY, limits=limits) as sandbox:
        ended = CliRunner().invoke(main, env=sandbox.environment)
    assert ended.exit_code == 1
    assert "missing: SecurityResources" in ended.output
    assert "What follows: The streams of a missing table end with an error that names it." in ended.output


def test_nothing_that_can_be_read_is_one_line_and_status_one(fleet):
    with Sandbox(fleet, quota=PLENTY, unreadable=[each.id for each in fleet.subscriptions]) as sandbox:
        ended = CliRunner().invoke(main, env=sandbox.environment)
    assert ended.exit_code == 1
    assert len(ended.output.splitlines()) == 1
    assert "can't read any subscription" in ended.output


@pytest.mark.parametrize("option", ["--json", "--markdown"])
def test_a_file_that_cannot_be_written_is_named_below_the_report(fleet, tmp_path, option):
    file = tmp_path / "nowhere" / "report"
    with Sandbox(fleet, quota=PLENTY) as sandbox:
        ended = CliRunner().invoke(main, [option, str(file)], env=sandbox.environment)
    assert ended.exit_code == 1
    assert "Tables and rights" in ended.stdout
    assert ended.stderr == f"tap-mdc-vm-checkup: {option} '{file}' can't be written: No such file or directory\n"


def test_a_report_holds_no_value_of_the_tenant_whatever_is_logged(tmp_path):
    odd, log = Fleet(machines=80), io.StringIO()
    files = [tmp_path / "report.json", tmp_path / "report.md"]
    handler, root = logging.StreamHandler(log), logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with Sandbox(odd, quota=PLENTY) as sandbox:
        ended = CliRunner().invoke(
            main, ["--json", str(files[0]), "--markdown", str(files[1])], env=sandbox.environment
        )
    root.removeHandler(handler)
    written = [ended.output, log.getvalue(), *(file.read_text(encoding="utf-8") for file in files)]
    assert json.loads(written[2])["assumptions"]
    assert "| assumption |" in written[3]
    values = set(_values(odd))
    assert len(values) > 5_000
    assert {value for value in values if any(value in text for text in written)} == set()


_MICROSOFTS = re.compile(r"[A-Za-z ]{0,40}|microsoft\..*", re.IGNORECASE)
_CHOSEN = {"name", "id", "resourceGroup", "computerName", "tags", "resourceId"}


def _values(fleet):
    """Yield what this tenant's people chose, and what is theirs: everything that is no word of Microsoft's."""
    for rows in fleet.tables.values():
        for row in rows:
            if row["type"] != "microsoft.security/pricings":  # whose names are Microsoft's
                yield from _texts(row, chosen=False)


def _texts(value, *, chosen):
    match value:
        case dict():
            for key, inner in value.items():
                if chosen and len(key) > 5:
                    yield key
                yield from _texts(inner, chosen=chosen or key in _CHOSEN)
        case list():
            for inner in value:
                yield from _texts(inner, chosen=chosen)
        case str() if len(value) > 5 and (chosen or not _MICROSOFTS.fullmatch(value)):
            yield value
