"""What a tenant's answers say of each assumption, in numbers, forms and Microsoft's own words.

Each function ``on_…`` judges the assumption of its name in ``assumptions.yml``.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from tap_mdc_vm.azure.resource_graph.model import Quota
from tap_mdc_vm.azure.resource_graph.partitions import hashed
from tap_mdc_vm.checkup import masks
from tap_mdc_vm.checkup.asking import Exchange, at
from tap_mdc_vm.checkup.assumptions import KNOWN
from tap_mdc_vm.checkup.evidence import Evidence, machine_of
from tap_mdc_vm.errors import PayloadTooLargeError, TableMissingError
from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.fields import instant

Verdict = tuple[bool | None, str]
"""Whether an assumption holds, None where a tenant can't tell; and what that rests on."""

_MB = 1_000_000
_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer at most, by Azure's own error."""

_PAGES = ("first page", "machines", "interfaces", "findings", "software", "plans")

_BUILT_IN = {each for each in KNOWN["assessment-types"] if "BuiltIn" in each}
"""Types of assessments whose words and keys are Microsoft's. Those that customers and partners define are left out."""

_RESOURCE_TYPES = {*map(str.lower, KNOWN["resource-details"]), "none"}
_KEYS = set(map(str.lower, KNOWN["keys"]))

_NO_FINDINGS, _NO_MACHINES = "there are no findings", "there are no machines"


# Tables and rights


def on_tables(evidence: Evidence) -> Verdict:
    asked = {"ResourceContainers": "subscriptions", "Resources": "machines counted", "SecurityResources": "types"}
    missing = [table for table, name in asked.items() if isinstance(evidence.answers[name].refusal, TableMissingError)]
    return not missing, f"missing: {', '.join(missing)}" if missing else "all three answered"


def on_empty_subscriptions(evidence: Evidence) -> Verdict:
    listed = evidence.column("subscriptionId", "subscriptions")
    used = evidence.column("subscriptionId", "resources by subscription")
    if not listed or not used:
        return None, "no subscriptions, or no resources, were listed"
    if used - listed:
        return False, f"{len(used - listed)} subscriptions have resources and are not listed"
    empty = len(listed - used)
    return (True, f"{empty:,} of {len(listed):,} have none") if empty else (None, "each subscription has resources")


def on_plans(evidence: Evidence) -> Verdict:
    plans, subscriptions = evidence.rows("plans"), evidence.column("subscriptionId", "subscriptions")
    if not plans:
        return None, "no plans came: they can't be read, or Microsoft.Security is registered nowhere"
    having = evidence.column("subscriptionId", "plans") & subscriptions
    return True, f"{len(plans):,} plans of {share(len(having), len(subscriptions))} subscriptions"


def on_one_tenant(evidence: Evidence) -> Verdict:
    tenants = evidence.column("tenantId", "subscriptions")
    return (len(tenants) == 1, f"{len(tenants)} tenants") if tenants else (None, "no subscriptions were listed")


# Answers


def on_rows_are_objects(evidence: Evidence) -> Verdict:
    rows = evidence.rows("machines", "findings")
    columns = {frozenset(row) for row in rows}
    found = f"{len(rows):,} rows of 2 queries with {len(columns)} sets of columns"
    return (len(columns) <= 2, found) if rows else (None, "no rows came")


def on_top(evidence: Evidence) -> Verdict:
    first = evidence.answers["first page"]
    return len(first.rows) <= 5, f"{len(first.rows)} rows for $top 5, of {first.total:,}"


def on_token(evidence: Evidence) -> Verdict:
    pages = [evidence.answers[name] for name in _PAGES if name in evidence.answers]
    fits = (bool(page.token) == (len(page.rows) < page.total) for page in pages if page.status == 200)
    return all_of(fits, "answers", "no answers came")


def on_truncated(evidence: Evidence) -> Verdict:
    pages = [evidence.answers[name] for name in _PAGES if name in evidence.answers and evidence.answers[name].rows]
    flags = [each.body.get("resultTruncated") for each in pages]
    given = Counter(f"{type(flag).__name__} {masks.word(flag)}" for flag in flags)
    found = f"{counted(given)}; {sum(bool(each.token) for each in pages)} with a token"
    return (set(given) == {"str false"}, found) if given else (None, "no rows came")


def on_totals(evidence: Evidence) -> Verdict:
    before, after = evidence.answers["first page"].total, evidence.answers["machines"].total
    count = evidence.count("machines counted")
    if count is None:
        return None, "no count came"
    found = f"{before:,} before, {count:,} counted, {after:,} after"
    if min(before, after) <= count <= max(before, after):
        return True, found
    return (None, f"{found}: the tenant changes") if before != after else (False, found)


def on_pages(evidence: Evidence) -> Verdict:
    if "second page" not in evidence.answers:
        return None, "there is no second page of five"
    first, second = evidence.rows("first page"), evidence.rows("second page")
    exact = [row["id"] for row in first + second]
    ids = [lower(each) for each in exact]
    ordered = exact == sorted(exact) or ids == sorted(ids)
    found = f"{len(first)} and {len(second)} rows, {len(set(ids))} ids, {'in order' if ordered else 'not in order'}"
    return bool(first and second) and ordered and len(set(ids)) == len(ids), found


def on_ties(evidence: Evidence) -> Verdict:
    once, again = ([row["id"] for row in evidence.rows(name)] for name in ("ties", "ties again"))
    if once == again:
        return None, f"{len(once)} rows came in the same order twice, which proves nothing"
    same = sum(one == other for one, other in zip(once, again, strict=False))
    return True, share(same, len(once)) + " rows in the same place the second time"


# Partitions and packed answers


def on_hash(evidence: Evidence) -> Verdict:
    rows = [row for row in evidence.rows("hashes of machines", "hashes of findings") if row["id"].isascii()]
    asked = evidence.answers["hashes of machines"]
    if asked.refusal and not rows:
        return False, _refused(asked)
    return all_of((str(row["hash"]) == str(hashed(lower(row["id"]))) for row in rows), "ids", "no rows came")


def on_remainder(evidence: Evidence) -> Verdict:
    rows = evidence.rows("hashes of machines", "hashes of findings")
    fits = (row["remainder"] == int(row["hash"]) % 7 for row in rows if str(row["hash"]).startswith("-"))
    return all_of(fits, "negative hashes", "no hash was negative")


def on_halves(evidence: Evidence) -> Verdict:
    one, other = evidence.count("half 0"), evidence.count("half 1")
    whole = evidence.count("findings counted")
    if one is None or other is None or whole is None:
        return False, _refused(evidence.answers["half 0"])
    if not whole:
        return None, _NO_FINDINGS
    found = f"{one:,} + {other:,} of {whole:,}"
    if one + other != whole and evidence.count("findings counted again") != whole:
        return None, f"{found}: the tenant changes"
    return one + other == whole, found


def on_packed(evidence: Evidence) -> Verdict:
    packed, plain = evidence.packed("packed findings"), evidence.rows("findings")
    if packed is None:
        return False, _refused(evidence.answers.get("packed findings"))
    number, rows = packed
    if not number:
        return None, _NO_FINDINGS
    by_id = {row["id"]: row for row in plain}
    same = sum(by_id.get(row["id"]) == row for row in rows if isinstance(row, dict))
    found = f"{len(rows):,} packed of {number:,} counted, {same:,} equal to plain rows"
    if len(rows) == number == len(plain) and same < number:
        return (None, f"{found}: the tenant changes, or a packed row is another") if same else (False, found)
    return len(rows) == number, found


def on_long_lists(evidence: Evidence) -> Verdict:
    packed = evidence.packed("packed ids")
    if packed is None:
        return False, _refused(evidence.answers.get("packed ids"))
    number, ids = packed
    found = f"{len(ids):,} of {number:,} ids in {evidence.answers['packed ids'].size / _MB:,.1f} MB"
    if len(ids) != number:
        return False, found
    return (True, found) if number > 1000 else (None, f"{found}: too few to tell")


def on_size(evidence: Evidence) -> Verdict:
    largest = max(exchange.size for exchange in evidence.answers.values()) / _MB
    found = f"the largest answer had {largest:,.1f} MB"
    large = evidence.answers.get("large answer")
    if large is None:
        return None, f"{found}; the tenant has too little for a larger one"
    if large.status == 200:
        return large.size <= _LIMIT, f"{found}; {large.size / _MB:,.1f} MB came where more were expected"
    return isinstance(large.refusal, PayloadTooLargeError), f"{found}; a larger one was {_refused(large)}"


# Quota, time and errors


def on_quota_headers(evidence: Evidence) -> Verdict:
    quotas = {name: Quota.from_headers(exchange.headers) for name, exchange in evidence.answers.items()}
    told = [name for name, each in quotas.items() if each.remaining is not None and each.resets_after is not None]
    given = (evidence.answers[name].headers["x-ms-user-quota-resets-after"].strip() for name in told)
    forms = ", ".join(sorted({re.sub(r"\d", "#", text) for text in given}))
    found = f"{share(len(told), len(quotas))} answers" + (f"; form {forms}" if forms else "")
    return len(told) == len(quotas), found


def on_quota(evidence: Evidence) -> Verdict:
    quotas = [Quota.from_headers(exchange.headers) for exchange in evidence.answers.values()]
    remaining = [each.remaining for each in quotas if each.remaining is not None]
    resets = [each.resets_after for each in quotas if each.resets_after is not None]
    if not remaining or not resets:
        return None, "no answer told"
    quota, window = max(remaining) + 1, max(resets)
    return quota >= 15 and window <= 5, f"at least {quota} queries, {window:g} s until the count starts anew"


def on_clock(evidence: Evidence) -> Verdict:
    ahead = [
        exchange.at - parsedate_to_datetime(exchange.headers["date"]).timestamp()
        for exchange in evidence.answers.values()
        if "date" in exchange.headers
    ]
    if not ahead:
        return None, "no answer had a Date"
    median = statistics.median(ahead)
    return abs(median) < 60, f"{abs(median):,.0f} s {'ahead' if median > 0 else 'behind'}"


def on_error_form(evidence: Evidence) -> Verdict:
    answer = evidence.answers["broken query"]
    error = at(dict, answer.body, "error")
    codes = [masks.word(part.get("code")) for part in at(list, error, "details") if isinstance(part, dict)]
    fits = answer.status == 400 and "InvalidQuery" in codes
    return fits, f"HTTP {answer.status} {masks.word(error.get('code'))}: {', '.join(codes) or 'no details'}"


def on_correlation_id(evidence: Evidence) -> Verdict:
    traced = ("x-ms-correlation-request-id" in exchange.headers for exchange in evidence.answers.values())
    return all_of(traced, "answers", "no answers came")


# Identity


def on_unique_ids(evidence: Evidence) -> Verdict:
    names = ("machines", "interfaces", "findings", "software", "plans")
    ids = [(name, lower(row["id"])) for name in names for row in evidence.rows(name)]
    doubles = len(ids) - len(set(ids))
    return (not doubles, f"{doubles} of {len(ids):,} rows have another's id") if ids else (None, "no rows came")


def on_letter_case(evidence: Evidence) -> Verdict:
    machines = {lower(row["id"]): row["id"] for row in evidence.rows("machines", "machines of findings")}
    given = [at(str, row, "properties", "virtualMachine", "id") for row in evidence.rows("interfaces")]
    given += [machine_of(row["id"]) for row in evidence.rows("findings")]
    known = [reference for reference in given if lower(reference) in machines]
    if not known:
        return None, "no reference to a machine of the samples"
    other = sum(machines[lower(reference)] != reference for reference in known)
    return True, f"{share(other, len(known))} references spell it in other letter case"


def on_interfaces(evidence: Evidence) -> Verdict:
    owners = {
        lower(row["id"]): lower(at(str, row, "properties", "virtualMachine", "id"))
        for row in evidence.rows("interfaces")
    }
    pairs = [
        (lower(row["id"]), lower(at(str, each, "id")))
        for row in evidence.rows("machines")
        for each in at(list, row, "properties", "networkProfile", "networkInterfaces")
    ]
    fits = (owners[interface] == machine for machine, interface in pairs if interface in owners)
    return all_of(fits, "interfaces", "no machine and interface of the samples belong together")


def on_finding_ids(evidence: Evidence) -> Verdict:
    odd = evidence.answers["unknown ids"]
    if odd.refusal:
        return None, _refused(odd)
    forms = sorted({masks.id_form(row["id"]) for row in odd.rows})
    found = f"{odd.total:,} with another form" + (f", such as {forms[0]}" if forms else "")
    return odd.total == 0, found


def on_finding_keys(evidence: Evidence) -> Verdict:
    fits = (
        bool(masks.GUID.fullmatch(str(row.get("name"))))
        and row["id"].rpartition("/")[2].lower() == str(row["name"]).lower()
        for row in evidence.rows("findings")
    )
    return all_of(fits, "findings", _NO_FINDINGS)


def on_resource_details(evidence: Evidence) -> Verdict:
    kinds = Counter(_resource_kind(at(dict, row, "properties", "resourceDetails")) for row in evidence.rows("findings"))
    fits = all(source in {"Azure", "none"} and kind.lower() in _RESOURCE_TYPES for source, kind in kinds)
    return (
        (fits, counted({" ".join(kind): number for kind, number in kinds.items()})) if kinds else (None, _NO_FINDINGS)
    )


# Findings


def on_categories(evidence: Evidence) -> Verdict:
    return _words(evidence, "category", KNOWN["categories"])


def on_severities(evidence: Evidence) -> Verdict:
    return _words(evidence, "severity", KNOWN["severities"])


def on_statuses(evidence: Evidence) -> Verdict:
    return _words(evidence, "status", KNOWN["statuses"])


def on_assessment_types(evidence: Evidence) -> Verdict:
    return _words(evidence, "assessmentType", KNOWN["assessment-types"])


def on_subassessments(evidence: Evidence) -> Verdict:
    by_type = {str(row.get("type")).lower(): row.get("n") for row in evidence.rows("types")}
    if not by_type:
        return None, "the table is empty, or can't be read"
    left = by_type.get("microsoft.security/assessments/subassessments", 0)
    return not left, f"{left:,} rows" if isinstance(left, int) else "some"


def on_cves(evidence: Evidence) -> Verdict:
    updates = [
        row
        for row in _built_in(evidence)
        if at(str, row, "properties", "metadata", "recommendationCategory") == "SoftwareUpdate"
        and at(str, row, "properties", "status", "code") == "Unhealthy"
    ]
    if not updates:
        return None, "no software update is due on the sampled machines"
    naming = sum("cvesdetails" in map(str.lower, at(dict, row, "properties", "additionalData")) for row in updates)
    return naming > 0, share(naming, len(updates)) + " software updates"


def on_risk(evidence: Evidence) -> Verdict:
    levels = Counter(masks.word(at(dict, row, "properties", "risk").get("level")) for row in _built_in(evidence))
    return (set(levels) != {"none"}, counted(levels)) if levels else (None, "there are no findings of Microsoft's")


def on_machines_exist(evidence: Evidence) -> Verdict:
    if "machines of findings" not in evidence.answers:
        return None, _NO_FINDINGS
    asked, there = evidence.machines_looked_up(), {lower(row["id"]) for row in evidence.rows("machines of findings")}
    gone = sum(machine not in there for machine in asked)
    return gone == 0, f"{share(gone, len(asked))} machines that have findings are gone"


def on_keys(evidence: Evidence) -> Verdict:
    found = Counter(
        ".".join((*branch, masks.key(name)))
        for row in _built_in(evidence)
        for branch in ((), ("metadata",), ("status",), ("risk",))
        for name in at(dict, row, "properties", *branch)
        if ".".join((*branch, name.lower())) not in _KEYS
    )
    return (not found, counted(found) or "none is new") if evidence.rows("findings") else (None, _NO_FINDINGS)


# Machines and dates


def on_vm_id(evidence: Evidence) -> Verdict:
    fits = (bool(at(str, row, "properties", "vmId")) for row in evidence.rows("machines"))
    return all_of(fits, "machines", _NO_MACHINES)


def on_power_states(evidence: Evidence) -> Verdict:
    return all_known(map(_power_state, evidence.rows("machines")), KNOWN["power-states"], _NO_MACHINES)


def on_dates(evidence: Evidence) -> Verdict:
    dates = [at(str, row, "properties", "timeCreated") for row in evidence.rows("machines")]
    for name in ("firstEvaluationDate", "statusChangeDate"):
        dates += [at(str, row, "properties", "status", name) for row in evidence.rows("findings")]
    forms = Counter(masks.date_form(date) for date in dates if date)
    unread = any(instant(date) is None for date in dates if date)
    return (not unread, counted(forms)) if forms else (None, "no dates came")


# What several of them look at, and how they say it


def all_of(fits: Iterable[bool], noun: str, without: str) -> Verdict:
    """Return whether it holds for each of several things; without any, why this tenant can't tell."""
    each = list(fits)
    return (all(each), f"{share(sum(each), len(each))} {noun}") if each else (None, without)


def all_known(words: Iterable[str], known: Collection[str], without: str) -> Verdict:
    """Return whether none but known words came; without any word, why this tenant can't tell."""
    numbers = Counter(words)
    return (set(numbers) <= {*known, "none"}, counted(numbers)) if numbers else (None, without)


def share(part: int, whole: int) -> str:
    """Return a part of a whole in numbers and percent."""
    return f"{part:,} of {whole:,}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def counted(numbers: Mapping[str, int], most: int = 8) -> str:
    """Return words with their numbers, the most frequent first."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    rest = len(ordered) - most
    shown = ", ".join(f"{word} {number:,}" for word, number in ordered[:most])
    return shown + (f" and {rest} more" if rest > 0 else "")


def _refused(exchange: Exchange | None) -> str:
    return f"refused with {exchange.refusal.code or exchange.status}" if exchange and exchange.refusal else "no answer"


def _resource_kind(details: dict[str, Any]) -> tuple[str, str]:
    given = {str(name).lower(): value for name, value in details.items()}
    kind = str(given.get("resourcetype") or "none")
    return masks.word(given.get("source")), kind if kind.lower() in _RESOURCE_TYPES else masks.word(kind)


def _words(evidence: Evidence, column: str, known: Collection[str]) -> Verdict:
    """Judge the words in one column of the question ``words``."""
    words = Counter[str]()
    for row in evidence.rows("words"):
        if row.get("assessmentType") in _BUILT_IN or column == "assessmentType":
            words[masks.word(row.get(column))] += int(row["n"])
    return all_known(words, known, "no finding of Microsoft's has one")


def _power_state(row: dict[str, Any]) -> str:
    code = at(str, row, "properties", "extended", "instanceView", "powerState", "code")
    kind, _, state = code.partition("/")
    return state if kind == "PowerState" and state in KNOWN["power-states"] else "another" if code else "none"


def _built_in(evidence: Evidence) -> list[dict[str, Any]]:
    rows = evidence.rows("findings")
    return [row for row in rows if at(str, row, "properties", "metadata", "assessmentType") in _BUILT_IN]
