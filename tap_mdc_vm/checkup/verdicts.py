"""How a tenant's answers judge each assumption. What is found is said in numbers, forms and Microsoft's own words."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tap_mdc_vm import resource_ids
from tap_mdc_vm.azure.resource_graph.partitions import hashed
from tap_mdc_vm.azure.transport.answer import seconds
from tap_mdc_vm.checkup import masks
from tap_mdc_vm.errors import PayloadTooLargeError, TableMissingError
from tap_mdc_vm.rows.fields import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_mdc_vm.checkup.asking import Exchange
    from tap_mdc_vm.checkup.evidence import Evidence

_MB = 1_000_000
_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer at most, by Azure's own error."""

_BUILT_IN = {"BuiltIn", "BuiltInPolicy", "DynamicBuiltIn", "ManualBuiltIn", "ManualBuiltInPolicy"}
"""Types of assessments whose words and keys are Microsoft's. Those that customers and partners define are left out."""

_FINDING = re.compile(
    "/subscriptions/[{]guid[}]/resourcegroups/[{]name[}]/providers/microsoft[.]compute/virtualmachines/[{]name[}]"
    "/providers/microsoft[.]security/assessments/[{](guid|name)[}]"
)


class Judgement(StrEnum):
    """What a tenant's answers say of an assumption."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "can't be told here"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement, and what it rests on."""

    judgement: Judgement
    found: str


def _judged(fits: bool, found: str) -> Verdict:  # noqa: FBT001 - the one question
    return _holds(found) if fits else _fails(found)


def _holds(found: str) -> Verdict:
    return Verdict(Judgement.HOLDS, found)


def _fails(found: str) -> Verdict:
    return Verdict(Judgement.FAILS, found)


def _open(why: str) -> Verdict:
    return Verdict(Judgement.OPEN, why)


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def _refused(exchange: Exchange | None) -> str:
    return f"refused with {exchange.refusal.code or exchange.status}" if exchange and exchange.refusal else "no answer"


# Tables and rights


def tables(evidence: Evidence) -> Verdict:
    """Each table answers."""
    asked = {"ResourceContainers": "subscriptions", "Resources": "machines counted", "SecurityResources": "types"}
    missing = [table for table, name in asked.items() if isinstance(evidence.answers[name].refusal, TableMissingError)]
    return _judged(not missing, f"missing: {', '.join(missing)}" if missing else "all three answered")


def empty_subscriptions_show(evidence: Evidence) -> Verdict:
    """A subscription without any resource is in ResourceContainers."""
    listed = {row.get("subscriptionId") for row in evidence.rows("subscriptions")}
    used = {row.get("subscriptionId") for row in evidence.rows("resources by subscription")}
    if not listed or not used:
        return _open("no subscriptions, or no resources, were listed")
    if used - listed:
        return _fails(f"{len(used - listed)} subscriptions have resources and are not listed")
    empty = len(listed - used)
    return _holds(f"{empty:,} of {len(listed):,} have none") if empty else _open("each subscription has resources")


def plans_can_be_read(evidence: Evidence) -> Verdict:
    """Rows of pricings come for subscriptions."""
    subscriptions = {row.get("subscriptionId") for row in evidence.rows("subscriptions")}
    plans = evidence.rows("plans")
    having = {row.get("subscriptionId") for row in plans} & subscriptions
    if not plans:
        return _open("no plans came: they can't be read, or Microsoft.Security is registered nowhere")
    return _holds(f"{len(plans):,} plans of {_share(len(having), len(subscriptions))} subscriptions")


def own_tenant(evidence: Evidence) -> Verdict:
    """All subscriptions are of one tenant."""
    tenants = {row.get("tenantId") for row in evidence.rows("subscriptions")}
    return _judged(len(tenants) == 1, f"{len(tenants)} tenants") if tenants else _open("no subscriptions were listed")


# Answers

_PAGES = ("first page", "machines", "interfaces", "findings", "software", "plans")


def rows_are_objects(evidence: Evidence) -> Verdict:
    """Each row has every column, null where Azure has nothing."""
    rows = evidence.rows("machines", "findings")
    if not rows:
        return _open("no rows came")
    columns = Counter(frozenset(row) for row in rows)
    return _judged(
        len(columns) <= 2, f"{len(rows):,} rows of {len(columns)} queries with {len(columns)} sets of columns"
    )


def top_bounds(evidence: Evidence) -> Verdict:
    """``$top`` 5 brings five rows at most."""
    first = evidence.answers["first page"]
    return _judged(len(first.rows) <= 5, f"{len(first.rows)} rows for $top 5, of {first.total:,}")


def token_means_more(evidence: Evidence) -> Verdict:
    """A skip token comes if and only if there are more rows."""
    fits = [
        bool(exchange.token) == (len(exchange.rows) < exchange.total)
        for name, exchange in evidence.answers.items()
        if exchange.status == 200 and name in _PAGES
    ]
    return _judged(all(fits), _share(sum(fits), len(fits)) + " answers") if fits else _open("no answers came")


def not_truncated(evidence: Evidence) -> Verdict:
    """``resultTruncated`` is the text "false", on pages that others follow too."""
    pages = [evidence.answers[name] for name in _PAGES if name in evidence.answers and evidence.answers[name].rows]
    given = Counter(
        f"{type(flag).__name__} {masks.word(flag)}" for each in pages for flag in [each.body.get("resultTruncated")]
    )
    if not given:
        return _open("no rows came")
    return _judged(
        set(given) == {"str false"}, f"{_counted(given)}; {sum(bool(each.token) for each in pages)} with a token"
    )


def totals_are_counts(evidence: Evidence) -> Verdict:
    """``totalRecords`` is what ``count`` says."""
    before, after = evidence.answers["first page"].total, evidence.answers["machines"].total
    counted = evidence.count("machines counted")
    if counted is None:
        return _open("no count came")
    found = f"{before:,} before, {counted:,} counted, {after:,} after"
    if min(before, after) <= counted <= max(before, after):
        return _holds(found)
    return _open(f"{found}: the tenant changes") if before != after else _fails(found)


def pages_continue(evidence: Evidence) -> Verdict:
    """The second page goes on where the first ended, in the order of ids."""
    if "second page" not in evidence.answers:
        return _open("there is no second page of five")
    first, second = evidence.rows("first page"), evidence.rows("second page")
    exact = [row["id"] for row in first + second]
    ids = [resource_ids.lower(each) for each in exact]
    ordered = exact == sorted(exact) or ids == sorted(ids)
    found = f"{len(first)} and {len(second)} rows, {len(set(ids))} ids, {'in order' if ordered else 'not in order'}"
    return _judged(bool(first and second) and ordered and len(set(ids)) == len(ids), found)


def ties_come_in_any_order(evidence: Evidence) -> Verdict:
    """Rows with equal keys come in another order the second time."""
    once, again = ([row["id"] for row in evidence.rows(name)] for name in ("ties", "ties again"))
    if once == again:
        return _open(f"{len(once)} rows came in the same order twice, which proves nothing")
    same = sum(one == other for one, other in zip(once, again, strict=False))
    return _holds(_share(same, len(once)) + " rows in the same place the second time")


# Hashes and packed answers


def hash_is_xxh64(evidence: Evidence) -> Verdict:
    """``hash()`` is XXH64 of the UTF-8 text, signed."""
    rows = [row for row in evidence.rows("hashes of machines", "hashes of findings") if row["id"].isascii()]
    if not rows:
        refused = evidence.answers["hashes of machines"].refusal
        return _fails(_refused(evidence.answers["hashes of machines"])) if refused else _open("no rows came")
    right = sum(str(row["hash"]) == str(hashed(resource_ids.lower(row["id"]))) for row in rows)
    return _judged(right == len(rows), _share(right, len(rows)) + " ids")


def remainders_are_not_negative(evidence: Evidence) -> Verdict:
    """``%`` of a negative hash is from 0 to the divisor less one."""
    rows = evidence.rows("hashes of machines", "hashes of findings")
    below = [row for row in rows if str(row["hash"]).startswith("-")]
    if not below:
        return _open("no hash was negative")
    right = sum(row["remainder"] == int(row["hash"]) % 7 for row in below)
    return _judged(right == len(below), _share(right, len(below)) + " negative hashes")


def partitions_hold_their_own(evidence: Evidence) -> Verdict:
    """Two halves by hash are the whole."""
    one, other = evidence.count("half 0"), evidence.count("half 1")
    whole = evidence.count("findings counted")
    if one is None or other is None or whole is None:
        return _fails(_refused(evidence.answers["half 0"]))
    if not whole:
        return _open("there are no findings")
    found = f"{one:,} + {other:,} of {whole:,}"
    if one + other != whole and evidence.count("findings counted again") != whole:
        return _open(f"{found}: the tenant changes")
    return _judged(one + other == whole, found)


def packed_is_whole(evidence: Evidence) -> Verdict:
    """A packed answer has all its rows, with the columns that plain rows have."""
    packed, plain = evidence.packed("packed findings"), evidence.rows("findings")
    if packed is None:
        return _fails(_refused(evidence.answers.get("packed findings")))
    counted, rows = packed
    if not counted:
        return _open("there are no findings")
    by_id = {row["id"]: row for row in plain}
    same = sum(by_id.get(row["id"]) == row for row in rows if isinstance(row, dict))
    whole = len(rows) == counted
    found = f"{len(rows):,} packed of {counted:,} counted, {same:,} equal to plain rows"
    if whole and len(plain) == counted and same < len(rows):
        return _open(found + ": the tenant changes, or a packed row is another") if same else _fails(found)
    return _judged(whole, found)


def long_lists_are_whole(evidence: Evidence) -> Verdict:
    """``make_list`` packs thousands."""
    packed = evidence.packed("packed ids")
    if packed is None:
        return _fails(_refused(evidence.answers.get("packed ids")))
    counted, ids = packed
    size = evidence.answers["packed ids"].size / _MB
    found = f"{len(ids):,} of {counted:,} ids in {size:,.1f} MB"
    if len(ids) != counted:
        return _fails(found)
    return _holds(found) if counted > 1000 else _open(f"{found}: too few to tell")


def large_answers_are_refused(evidence: Evidence) -> Verdict:
    """An answer over 16 MiB is refused by name."""
    largest = max(exchange.size for exchange in evidence.answers.values()) / _MB
    found = f"the largest answer had {largest:,.1f} MB"
    large = evidence.answers.get("large answer")
    if large is None:
        return _open(f"{found}; the tenant has too little for a larger one")
    if large.status == 200:
        return _judged(large.size <= _LIMIT, f"{found}; {large.size / _MB:,.1f} MB came where more were expected")
    return _judged(isinstance(large.refusal, PayloadTooLargeError), f"{found}; a larger one was {_refused(large)}")


# Quota, clock, errors


def quota_is_told(evidence: Evidence) -> Verdict:
    """Each answer tells how many queries remain, and when the count starts anew."""
    told = [
        exchange
        for exchange in evidence.answers.values()
        if exchange.headers.get("x-ms-user-quota-remaining", "").strip().isdigit()
        and seconds(exchange.headers.get("x-ms-user-quota-resets-after", "")) is not None
    ]
    forms = {re.sub(r"\d", "#", exchange.headers["x-ms-user-quota-resets-after"].strip()) for exchange in told}
    found = _share(len(told), len(evidence.answers)) + " answers"
    return _judged(len(told) == len(evidence.answers), f"{found}; form {', '.join(sorted(forms))}" if forms else found)


def quota_is_fifteen(evidence: Evidence) -> Verdict:
    """Fifteen queries in five seconds."""
    headers = [exchange.headers for exchange in evidence.answers.values()]
    remaining = [int(text) for each in headers if (text := each.get("x-ms-user-quota-remaining", "").strip()).isdigit()]
    resets = [left for each in headers if (left := seconds(each.get("x-ms-user-quota-resets-after", ""))) is not None]
    if not remaining or not resets:
        return _open("no answer told")
    quota, window = max(remaining) + 1, max(resets)
    return _judged(quota >= 15 and window <= 5, f"at least {quota} queries, {window:g} s until the count starts anew")


def clocks_agree(evidence: Evidence) -> Verdict:
    """This machine's clock is within a minute of Azure's."""
    ahead = [
        exchange.at - parsedate_to_datetime(exchange.headers["date"]).timestamp()
        for exchange in evidence.answers.values()
        if "date" in exchange.headers
    ]
    if not ahead:
        return _open("no answer had a Date")
    median = statistics.median(ahead)
    return _judged(abs(median) < 60, f"{abs(median):,.0f} s {'ahead' if median > 0 else 'behind'}")


def errors_have_reasons(evidence: Evidence) -> Verdict:
    """A query that can't be parsed is a 400 with its reason in ``details``."""
    answer = evidence.answers["broken query"]
    error = answer.body.get("error")
    error = error if isinstance(error, dict) else {}
    details = [part for part in error.get("details") or [] if isinstance(part, dict)]
    codes = [masks.word(part.get("code")) for part in details]
    fits = answer.status == 400 and "InvalidQuery" in codes
    return _judged(fits, f"HTTP {answer.status} {masks.word(error.get('code'))}: {', '.join(codes) or 'no details'}")


def answers_can_be_traced(evidence: Evidence) -> Verdict:
    """Each answer has a correlation id."""
    traced = sum("x-ms-correlation-request-id" in exchange.headers for exchange in evidence.answers.values())
    return _judged(traced == len(evidence.answers), _share(traced, len(evidence.answers)) + " answers")


# Identity


def ids_differ_by_case_alone(evidence: Evidence) -> Verdict:
    """What refers to a machine spells its id like the machine does, but for letter case."""
    machines = {resource_ids.lower(row["id"]): row["id"] for row in evidence.rows("machines", "machines of findings")}
    given = [_text(row, "properties", "virtualMachine", "id") for row in evidence.rows("interfaces")]
    given += [_machine(row["id"]) for row in evidence.rows("findings")]
    known = [reference for reference in given if resource_ids.lower(reference) in machines]
    if not known:
        return _open("no reference to a machine of the samples")
    other = sum(machines[resource_ids.lower(reference)] != reference for reference in known)
    return _holds(f"{_share(other, len(known))} references spell it in other letter case")


def ids_are_unique(evidence: Evidence) -> Verdict:
    """No id comes twice in one answer, whatever its letter case."""
    names = ("machines", "interfaces", "findings", "software", "plans")
    ids = [(name, resource_ids.lower(row["id"])) for name in names for row in evidence.rows(name)]
    doubles = len(ids) - len(set(ids))
    return _judged(not doubles, f"{doubles} of {len(ids):,} rows have another's id") if ids else _open("no rows came")


def interfaces_name_their_machines(evidence: Evidence) -> Verdict:
    """The interfaces of a machine's list name the machine themselves."""
    owners = {
        resource_ids.lower(row["id"]): resource_ids.lower(_text(row, "properties", "virtualMachine", "id"))
        for row in evidence.rows("interfaces")
    }
    pairs = [
        (resource_ids.lower(row["id"]), resource_ids.lower(_text(each, "id")))
        for row in evidence.rows("machines")
        for each in _list(row, "properties", "networkProfile", "networkInterfaces")
    ]
    known = [(machine, interface) for machine, interface in pairs if interface in owners]
    if not known:
        return _open("no machine and interface of the samples belong together")
    right = sum(owners[interface] == machine for machine, interface in known)
    return _judged(right == len(known), _share(right, len(known)) + " interfaces")


def finding_ids_have_the_known_form(evidence: Evidence) -> Verdict:
    """What ``resourceDetails`` calls a virtual machine's has an id that begins with the machine's."""
    odd = evidence.answers["unknown ids"]
    if odd.refusal:
        return _open(_refused(odd))
    forms = sorted({masks.id_form(row["id"]) for row in odd.rows})
    found = f"{odd.total:,} with another form" + (f", such as {forms[0]}" if forms else "")
    return _judged(odd.total == 0, found)


def finding_keys_are_guids(evidence: Evidence) -> Verdict:
    """The last part of a finding's id is a GUID, and its name."""
    rows = evidence.rows("findings")
    if not rows:
        return _open("there are no findings")
    right = sum(
        bool(masks.GUID.fullmatch(str(row.get("name"))))
        and row["id"].rpartition("/")[2].lower() == str(row["name"]).lower()
        for row in rows
    )
    return _judged(right == len(rows), _share(right, len(rows)) + " findings")


def resources_are_virtual_machines(evidence: Evidence) -> Verdict:
    """``resourceDetails`` gives a known type and source."""
    details = [_object(row, "properties", "resourceDetails") for row in evidence.rows("findings")]
    if not details:
        return _open("there are no findings")
    kinds = Counter(_resource_kind(each) for each in details)
    fits = all(kind in _RESOURCE_KINDS for kind in kinds)
    return _judged(fits, _counted({" ".join(kind): number for kind, number in kinds.items()}))


_RESOURCE_KINDS = {
    (source, kind)
    for source in ("Azure", "none")
    for kind in ("virtualMachines", "microsoft.compute/virtualmachines", "none")
}


def _resource_kind(details: dict[str, Any]) -> tuple[str, str]:
    given = {str(name).lower(): value for name, value in details.items()}
    kind = str(given.get("resourcetype") or "none")
    known = kind.lower() in {"virtualmachines", "microsoft.compute/virtualmachines", "none"}
    return masks.word(given.get("source")), kind if known else masks.word(kind)


# Findings


def _words(column: str, known: set[str], what: str) -> Callable[[Evidence], Verdict]:
    """Return a judge of the words in one column of the question ``words``."""

    def judge(evidence: Evidence) -> Verdict:
        counted: Counter[str] = Counter()
        for row in evidence.rows("words"):
            if row.get("assessmentType") in _BUILT_IN or column == "assessmentType":
                counted[masks.word(row.get(column))] += int(row["n"])
        if not counted:
            return _open(f"no finding has a {what} of Microsoft's")
        return _judged(all(word in known | {"none"} for word in counted), _counted(counted))

    judge.__doc__ = f"Each {what} is known."
    return judge


categories_are_known = _words(
    "category",
    {
        *("SoftwareUpdate", "SystemUpdate", "HostMisconfigurations", "ExposedSecrets", "ServiceUpgrade"),
        *("CodeVulnerabilities", "IacVulnerabilities", "ApiVulnerabilities", "Unknown"),
    },
    "category",
)
severities_are_known = _words("severity", {"Low", "Medium", "High", "Critical"}, "severity")
statuses_are_known = _words("status", {"Healthy", "Unhealthy", "NotApplicable"}, "status")
types_are_known = _words(
    "assessmentType",
    {*_BUILT_IN, "CustomPolicy", "CustomerManaged", "VerifiedPartner", "Custom", "ManualCustomPolicy", "Unknown"},
    "type of assessment",
)


def subassessments_are_gone(evidence: Evidence) -> Verdict:
    """Sub-assessments, of which vulnerabilities were made before 2026, are gone."""
    by_type = {str(row.get("type")).lower(): row.get("n") for row in evidence.rows("types")}
    if not by_type:
        return _open("the table is empty, or can't be read")
    left = by_type.get("microsoft.security/assessments/subassessments", 0)
    return _judged(not left, f"{left:,} rows" if isinstance(left, int) else "some")


def updates_name_their_cves(evidence: Evidence) -> Verdict:
    """A software update's ``additionalData`` lists CVEs by id."""
    updates = [
        row
        for row in _built_in(evidence.rows("findings"))
        if _text(row, "properties", "metadata", "recommendationCategory") == "SoftwareUpdate"
        and _text(row, "properties", "status", "code") == "Unhealthy"
    ]
    if not updates:
        return _open("no software update is due on the sampled machines")
    naming = sum("cvesdetails" in map(str.lower, _object(row, "properties", "additionalData")) for row in updates)
    return _judged(naming > 0, _share(naming, len(updates)) + " software updates")


def risk_is_told(evidence: Evidence) -> Verdict:
    """Findings carry a risk level."""
    rows = _built_in(evidence.rows("findings"))
    if not rows:
        return _open("there are no findings of Microsoft's")
    levels = Counter(masks.word(_object(row, "properties", "risk").get("level")) for row in rows)
    return _judged(len(levels) > 1 or "none" not in levels, _counted(levels))


def machines_of_findings_exist(evidence: Evidence) -> Verdict:
    """The machines of findings are there."""
    asked = sorted({resource_ids.lower(_machine(row["id"])) for row in evidence.rows("findings")} - {""})[:100]
    if "machines of findings" not in evidence.answers:
        return _open("there are no findings")
    there = {resource_ids.lower(row["id"]) for row in evidence.rows("machines of findings")}
    gone = sum(machine not in there for machine in asked)
    return _judged(gone == 0, f"{_share(gone, len(asked))} machines that have findings are gone")


def every_key_has_a_column(evidence: Evidence) -> Verdict:
    """No key of an assessment's properties is new."""
    found = Counter(
        f"{branch}{masks.key(name)}"
        for row in _built_in(evidence.rows("findings"))
        for branch, known in _KEYS.items()
        for name in _object(row, "properties", *filter(None, [branch.rstrip(".")]))
        if name.lower() not in known
    )
    if not evidence.rows("findings"):
        return _open("there are no findings")
    return _judged(not found, _counted(found) or "none is new")


_KEYS = {
    "": {
        *("displayname", "resourcedetails", "status", "additionaldata", "metadata", "risk", "links", "scope"),
        *("statusperinitiative", "resourceadditionaldata", "partnersdata"),
    },
    "metadata.": {
        *("displayname", "description", "remediationdescription", "assessmenttype", "policydefinitionid", "severity"),
        *("categories", "userimpact", "implementationeffort", "threats", "tactics", "techniques", "preview"),
        *("recommendationcategory", "planneddeprecationdate", "publishdates", "partnerdata"),
    },
    "status.": {"code", "cause", "description", "firstevaluationdate", "statuschangedate"},
    "risk.": {"level", "riskfactors", "attackpathsreferences", "iscontextualrisk", "paths"},
}


# Machines and dates


def machines_have_a_vm_id(evidence: Evidence) -> Verdict:
    """Each machine has a ``vmId``."""
    rows = evidence.rows("machines")
    having = sum(bool(_text(row, "properties", "vmId")) for row in rows)
    return _judged(having == len(rows), _share(having, len(rows)) + " machines") if rows else _open("no machines")


def power_states_are_known(evidence: Evidence) -> Verdict:
    """Each power state is known; machines that are new have none."""
    rows = evidence.rows("machines")
    if not rows:
        return _open("there are no machines")
    codes = Counter(_power_state(row) for row in rows)
    return _judged("another" not in codes, _counted(codes))


def _power_state(row: dict[str, Any]) -> str:
    code = _text(row, "properties", "extended", "instanceView", "powerState", "code")
    kind, _, state = code.partition("/")
    return state if kind == "PowerState" and state in _POWER_STATES else "another" if code else "none"


_POWER_STATES = {"running", "deallocated", "stopped", "starting", "stopping", "deallocating", "unknown"}


def dates_can_be_read(evidence: Evidence) -> Verdict:
    """Each date is of a form that the tap reads."""
    dates = [_text(row, "properties", "timeCreated") for row in evidence.rows("machines")]
    for name in ("firstEvaluationDate", "statusChangeDate"):
        dates += [_text(row, "properties", "status", name) for row in evidence.rows("findings")]
    dates = list(filter(None, dates))
    if not dates:
        return _open("no dates came")
    unread = sum(instant(date) is None for date in dates)
    forms = Counter(map(masks.date_form, dates))
    return _judged(not unread, _counted(forms))


# Reading rows


def _built_in(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if _text(row, "properties", "metadata", "assessmentType") in _BUILT_IN]


def _machine(finding_id: str) -> str:
    """Return the id of a finding's machine as the finding spells it."""
    place = resource_ids.lower(finding_id).find("/providers/microsoft.security/assessments/")
    return finding_id[:place] if place >= 0 else ""


def _value(row: object, *path: str) -> object:
    for name in path:
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _text(row: object, *path: str) -> str:
    value = _value(row, *path)
    return value if isinstance(value, str) else ""


def _object(row: object, *path: str) -> dict[str, Any]:
    value = _value(row, *path)
    return value if isinstance(value, dict) else {}


def _list(row: object, *path: str) -> list[Any]:
    value = _value(row, *path)
    return value if isinstance(value, list) else []


def _counted(numbers: dict[str, int], most: int = 8) -> str:
    """Return words with their numbers, the most frequent first."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    rest = len(ordered) - most
    shown = ", ".join(f"{word} {number:,}" for word, number in ordered[:most])
    return shown + (f" and {rest} more" if rest > 0 else "")
