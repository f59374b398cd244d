"""What the tap takes for granted about Azure: what, why, how sure one can be, and what a tenant's answers say of it.

Each function is one assumption. Its docstring says what is taken for granted, and why; the line above it, for how sure,
and what follows for a sync where it does not hold; its body, what a tenant's answers say. ``docs/azure-facts.md`` is
made of this list, and ``tap-mdc-vm-checkup`` holds a tenant against it. What is found is said in numbers, forms and
Microsoft's own words.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tap_mdc_vm.azure.resource_graph.model import Quota
from tap_mdc_vm.azure.resource_graph.partitions import hashed
from tap_mdc_vm.checkup import masks
from tap_mdc_vm.checkup.evidence import list_at, machine_of, object_at, text_at
from tap_mdc_vm.checkup.judging import ASSUMPTIONS, Certainty, Verdict, about, all_of, counted, share
from tap_mdc_vm.errors import PayloadTooLargeError, TableMissingError
from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.fields import instant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_mdc_vm.checkup.asking import Exchange
    from tap_mdc_vm.checkup.evidence import Evidence

__all__ = ["ASSUMPTIONS"]

DOCUMENTED, RECORDED, MEASURED, INFERRED = Certainty

_MB = 1_000_000
_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer at most, by Azure's own error."""

_PAGES = ("first page", "machines", "interfaces", "findings", "software", "plans")

_BUILT_IN = {"BuiltIn", "BuiltInPolicy", "DynamicBuiltIn", "ManualBuiltIn", "ManualBuiltInPolicy"}
"""Types of assessments whose words and keys are Microsoft's. Those that customers and partners define are left out."""
_OTHERS = {"CustomPolicy", "CustomerManaged", "VerifiedPartner", "Custom", "ManualCustomPolicy", "Unknown"}

_RESOURCE_TYPES = ("virtualmachines", "microsoft.compute/virtualmachines", "none")

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

_NO_FINDINGS, _NO_MACHINES = "there are no findings", "there are no machines"

_POWER_STATES = {"running", "deallocated", "stopped", "starting", "stopping", "deallocating", "unknown"}

_tables = about("Tables and rights")


@_tables("tables", MEASURED, "The streams of a missing table end with an error that names it.", needed=True)
def tables(evidence: Evidence) -> Verdict:
    """The tables Resources, ResourceContainers and SecurityResources exist.

    They hold all that the tap reads. Some tables are missing in some national clouds.
    """
    asked = {"ResourceContainers": "subscriptions", "Resources": "machines counted", "SecurityResources": "types"}
    missing = [table for table, name in asked.items() if isinstance(evidence.answers[name].refusal, TableMissingError)]
    return not missing, f"missing: {', '.join(missing)}" if missing else "all three answered"


@_tables("empty-subscriptions", MEASURED, "A sync may call an empty subscription unreadable. Please report it.")
def empty_subscriptions_show(evidence: Evidence) -> Verdict:
    """A subscription without a single resource is listed in ResourceContainers.

    A configured subscription that is not listed counts as unreadable.
    """
    listed = {row.get("subscriptionId") for row in evidence.rows("subscriptions")}
    used = {row.get("subscriptionId") for row in evidence.rows("resources by subscription")}
    if not listed or not used:
        return None, "no subscriptions, or no resources, were listed"
    if used - listed:
        return False, f"{len(used - listed)} subscriptions have resources and are not listed"
    empty = len(listed - used)
    return (True, f"{empty:,} of {len(listed):,} have none") if empty else (None, "each subscription has resources")


@_tables("plans", MEASURED, "The reason is not told.")
def plans_can_be_read(evidence: Evidence) -> Verdict:
    """The plans of Defender for Cloud can be read in the table SecurityResources.

    They tell why a subscription has machines and no findings.
    """
    subscriptions = {row.get("subscriptionId") for row in evidence.rows("subscriptions")}
    plans = evidence.rows("plans")
    having = {row.get("subscriptionId") for row in plans} & subscriptions
    if not plans:
        return None, "no plans came: they can't be read, or Microsoft.Security is registered nowhere"
    return True, f"{len(plans):,} plans of {share(len(having), len(subscriptions))} subscriptions"


@_tables("one-tenant", DOCUMENTED, "Nothing.")
def own_tenant(evidence: Evidence) -> Verdict:
    """All subscriptions belong to one tenant.

    With Azure Lighthouse, rows of other tenants come too, which the tap keeps apart by tenantId.
    """
    tenants = {row.get("tenantId") for row in evidence.rows("subscriptions")}
    return (len(tenants) == 1, f"{len(tenants)} tenants") if tenants else (None, "no subscriptions were listed")


_answers = about("Answers")


@_answers("rows-are-objects", RECORDED, "Nothing.")
def rows_are_objects(evidence: Evidence) -> Verdict:
    """A row is an object with every column that was asked for, null where Azure has nothing.

    A missing key would be a missing value.
    """
    rows = evidence.rows("machines", "findings")
    if not rows:
        return None, "no rows came"
    columns = Counter(frozenset(row) for row in rows)
    return len(columns) <= 2, f"{len(rows):,} rows of {len(columns)} queries with {len(columns)} sets of columns"


@_answers("top", DOCUMENTED, "Please report it.")
def top_bounds(evidence: Evidence) -> Verdict:
    """$top bounds the rows of an answer.

    A page holds 1,000 rows at most.
    """
    first = evidence.answers["first page"]
    return len(first.rows) <= 5, f"{len(first.rows)} rows for $top 5, of {first.total:,}"


@_answers("token", RECORDED, "A sync ends with an error rather than short. Please report it.", needed=True)
def token_means_more(evidence: Evidence) -> Verdict:
    """A skip token is present exactly while there are more rows.

    It is the only sign that a result goes on.
    """
    pages = [evidence.answers[name] for name in _PAGES if name in evidence.answers]
    fits = (bool(page.token) == (len(page.rows) < page.total) for page in pages if page.status == 200)
    return all_of(fits, "answers", "no answers came")


@_answers("truncated", RECORDED, "A sync ends with an error. Please report it.", needed=True)
def not_truncated(evidence: Evidence) -> Verdict:
    """ResultTruncated is the text "false" on pages that others follow.

    The tap takes "true" for rows that can't be had.
    """
    pages = [evidence.answers[name] for name in _PAGES if name in evidence.answers and evidence.answers[name].rows]
    given = Counter(
        f"{type(flag).__name__} {masks.word(flag)}" for each in pages for flag in [each.body.get("resultTruncated")]
    )
    if not given:
        return None, "no rows came"
    return set(given) == {"str false"}, f"{counted(given)}; {sum(bool(each.token) for each in pages)} with a token"


@_answers("totals", RECORDED, "A sync ends with an error rather than short. Please report it.", needed=True)
def totals_are_counts(evidence: Evidence) -> Verdict:
    """TotalRecords is the number of rows that count gives.

    A stream is complete if as many rows came as Azure counts.
    """
    before, after = evidence.answers["first page"].total, evidence.answers["machines"].total
    counted = evidence.count("machines counted")
    if counted is None:
        return None, "no count came"
    found = f"{before:,} before, {counted:,} counted, {after:,} after"
    if min(before, after) <= counted <= max(before, after):
        return True, found
    return (None, f"{found}: the tenant changes") if before != after else (False, found)


@_answers("pages", DOCUMENTED, "Please report it.", needed=True)
def pages_continue(evidence: Evidence) -> Verdict:
    """Ordered by id, a second page goes on where the first one ended.

    Where partitions can't be used, pages are read one after the other.
    """
    if "second page" not in evidence.answers:
        return None, "there is no second page of five"
    first, second = evidence.rows("first page"), evidence.rows("second page")
    exact = [row["id"] for row in first + second]
    ids = [lower(each) for each in exact]
    ordered = exact == sorted(exact) or ids == sorted(ids)
    found = f"{len(first)} and {len(second)} rows, {len(set(ids))} ids, {'in order' if ordered else 'not in order'}"
    return bool(first and second) and ordered and len(set(ids)) == len(ids), found


@_answers("ties", DOCUMENTED, "Nothing.")
def ties_come_in_any_order(evidence: Evidence) -> Verdict:
    """Rows with equal keys come in an order that can't be relied on.

    So the tap orders by id alone.
    """
    once, again = ([row["id"] for row in evidence.rows(name)] for name in ("ties", "ties again"))
    if once == again:
        return None, f"{len(once)} rows came in the same order twice, which proves nothing"
    same = sum(one == other for one, other in zip(once, again, strict=False))
    return True, share(same, len(once)) + " rows in the same place the second time"


_partitions = about("Partitions and packed answers")


@_partitions("hash", DOCUMENTED, "Pages are read in order. A sync is slower, and still proven. Please report it.")
def hash_is_xxh64(evidence: Evidence) -> Verdict:
    """hash() is XXH64 of the UTF-8 text, as a signed number of 64 bits.

    The tap computes each row's partition, and holds the row against the one that it asked for.
    """
    rows = [row for row in evidence.rows("hashes of machines", "hashes of findings") if row["id"].isascii()]
    asked = evidence.answers["hashes of machines"]
    if asked.refusal and not rows:
        return False, _refused(asked)
    return all_of((str(row["hash"]) == str(hashed(lower(row["id"]))) for row in rows), "ids", "no rows came")


@_partitions("remainder", DOCUMENTED, "As above. Please report it.")
def remainders_are_not_negative(evidence: Evidence) -> Verdict:
    """The remainder of a negative hash is not negative.

    As above.
    """
    rows = evidence.rows("hashes of machines", "hashes of findings")
    fits = (row["remainder"] == int(row["hash"]) % 7 for row in rows if str(row["hash"]).startswith("-"))
    return all_of(fits, "negative hashes", "no hash was negative")


@_partitions("halves", DOCUMENTED, "Pages are read in order. A sync is slower, and still proven. Please report it.")
def partitions_hold_their_own(evidence: Evidence) -> Verdict:
    """The two halves of a result by hash are the whole.

    A result is read in partitions, side by side.
    """
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


@_partitions("packed", MEASURED, "Rows come 1,000 a request. A sync is slower, and still proven. Please report it.")
def packed_is_whole(evidence: Evidence) -> Verdict:
    """Rows come whole out of summarize with make_list(pack(…)), with the columns that they have by themselves.

    One request then brings thousands of rows instead of 1,000.
    """
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


@_partitions("long-lists", INFERRED, "As above. Please report it.")
def long_lists_are_whole(evidence: Evidence) -> Verdict:
    """A packed list of thousands is whole.

    As above. A list that is cut shows by its length.
    """
    packed = evidence.packed("packed ids")
    if packed is None:
        return False, _refused(evidence.answers.get("packed ids"))
    number, ids = packed
    found = f"{len(ids):,} of {number:,} ids in {evidence.answers['packed ids'].size / _MB:,.1f} MB"
    if len(ids) != number:
        return False, found
    return (True, found) if number > 1000 else (None, f"{found}: too few to tell")


@_partitions("size", RECORDED, "Please report it.")
def large_answers_are_refused(evidence: Evidence) -> Verdict:
    """An answer over 16 MiB is refused as ResponsePayloadTooLarge.

    The tap then asks for less at once.
    """
    largest = max(exchange.size for exchange in evidence.answers.values()) / _MB
    found = f"the largest answer had {largest:,.1f} MB"
    large = evidence.answers.get("large answer")
    if large is None:
        return None, f"{found}; the tenant has too little for a larger one"
    if large.status == 200:
        return large.size <= _LIMIT, f"{found}; {large.size / _MB:,.1f} MB came where more were expected"
    return isinstance(large.refusal, PayloadTooLargeError), f"{found}; a larger one was {_refused(large)}"


_quota = about("Quota, time and errors")


@_quota("quota-headers", RECORDED, "The pace is found by what is refused.")
def quota_is_told(evidence: Evidence) -> Verdict:
    """Each answer tells how many queries remain, and when the count starts anew.

    The tap keeps to the quota by these headers.
    """
    quotas = {name: Quota.from_headers(exchange.headers) for name, exchange in evidence.answers.items()}
    told = [name for name, each in quotas.items() if each.remaining is not None and each.resets_after is not None]
    given = (evidence.answers[name].headers["x-ms-user-quota-resets-after"].strip() for name in told)
    forms = ", ".join(sorted({re.sub(r"\d", "#", text) for text in given}))
    found = f"{share(len(told), len(quotas))} answers" + (f"; form {forms}" if forms else "")
    return len(told) == len(quotas), found


@_quota("quota", DOCUMENTED, "A sync takes longer.")
def quota_is_fifteen(evidence: Evidence) -> Verdict:
    """The quota is 15 queries in 5 seconds, or more.

    The times in the documentation rest on it. The tap reads what holds.
    """
    quotas = [Quota.from_headers(exchange.headers) for exchange in evidence.answers.values()]
    remaining = [each.remaining for each in quotas if each.remaining is not None]
    resets = [each.resets_after for each in quotas if each.resets_after is not None]
    if not remaining or not resets:
        return None, "no answer told"
    quota, window = max(remaining) + 1, max(resets)
    return quota >= 15 and window <= 5, f"at least {quota} queries, {window:g} s until the count starts anew"


@_quota("clock", INFERRED, "Set the clock of this machine.")
def clocks_agree(evidence: Evidence) -> Verdict:
    """This machine's clock is within a minute of Azure's.

    Certificates and federated tokens are refused where clocks differ by minutes.
    """
    ahead = [
        exchange.at - parsedate_to_datetime(exchange.headers["date"]).timestamp()
        for exchange in evidence.answers.values()
        if "date" in exchange.headers
    ]
    if not ahead:
        return None, "no answer had a Date"
    median = statistics.median(ahead)
    return abs(median) < 60, f"{abs(median):,.0f} s {'ahead' if median > 0 else 'behind'}"


@_quota("error-form", RECORDED, "Errors are less clear. Please report it.")
def errors_have_reasons(evidence: Evidence) -> Verdict:
    """A query that can't be parsed is a 400 whose reason stands in details.

    Errors are told apart by the codes there.
    """
    answer = evidence.answers["broken query"]
    error = answer.body.get("error")
    error = error if isinstance(error, dict) else {}
    details = [part for part in error.get("details") or [] if isinstance(part, dict)]
    codes = [masks.word(part.get("code")) for part in details]
    fits = answer.status == 400 and "InvalidQuery" in codes
    return fits, f"HTTP {answer.status} {masks.word(error.get('code'))}: {', '.join(codes) or 'no details'}"


@_quota("correlation-id", RECORDED, "Errors lack it.")
def answers_can_be_traced(evidence: Evidence) -> Verdict:
    """Each answer has the header x-ms-correlation-request-id.

    Microsoft's support asks for it.
    """
    traced = ("x-ms-correlation-request-id" in exchange.headers for exchange in evidence.answers.values())
    return all_of(traced, "answers", "no answers came")


_identity = about("Identity")


@_identity("unique-ids", INFERRED, "The newer of two rows is taken. Please report it.")
def ids_are_unique(evidence: Evidence) -> Verdict:
    """No id comes twice in an answer, whatever its letter case.

    The id in lower case is the key of each record.
    """
    names = ("machines", "interfaces", "findings", "software", "plans")
    ids = [(name, lower(row["id"])) for name in names for row in evidence.rows(name)]
    doubles = len(ids) - len(set(ids))
    return (not doubles, f"{doubles} of {len(ids):,} rows have another's id") if ids else (None, "no rows came")


@_identity("letter-case", RECORDED, "Machine and finding are not joined. Please report it.")
def ids_differ_by_case_alone(evidence: Evidence) -> Verdict:
    """References to a machine differ from its own id by letter case at most.

    Ids are joined in lower case.
    """
    machines = {lower(row["id"]): row["id"] for row in evidence.rows("machines", "machines of findings")}
    given = [text_at(row, "properties", "virtualMachine", "id") for row in evidence.rows("interfaces")]
    given += [machine_of(row["id"]) for row in evidence.rows("findings")]
    known = [reference for reference in given if lower(reference) in machines]
    if not known:
        return None, "no reference to a machine of the samples"
    other = sum(machines[lower(reference)] != reference for reference in known)
    return True, f"{share(other, len(known))} references spell it in other letter case"


@_identity("interfaces", RECORDED, "Addresses may be null. Please report it.")
def interfaces_name_their_machines(evidence: Evidence) -> Verdict:
    """The interfaces in a machine's list name that machine.

    MAC and addresses of a machine come from its interfaces.
    """
    owners = {
        lower(row["id"]): lower(text_at(row, "properties", "virtualMachine", "id"))
        for row in evidence.rows("interfaces")
    }
    pairs = [
        (lower(row["id"]), lower(text_at(each, "id")))
        for row in evidence.rows("machines")
        for each in list_at(row, "properties", "networkProfile", "networkInterfaces")
    ]
    fits = (owners[interface] == machine for machine, interface in pairs if interface in owners)
    return all_of(fits, "interfaces", "no machine and interface of the samples belong together")


@_identity("finding-ids", INFERRED, "Those findings are left out, and each sync warns of it. Please report it.")
def finding_ids_have_the_known_form(evidence: Evidence) -> Verdict:
    """A finding that is said to be a virtual machine's has an id that begins with the machine's.

    The stream assessments takes findings by the form of their ids.
    """
    odd = evidence.answers["unknown ids"]
    if odd.refusal:
        return None, _refused(odd)
    forms = sorted({masks.id_form(row["id"]) for row in odd.rows})
    found = f"{odd.total:,} with another form" + (f", such as {forms[0]}" if forms else "")
    return odd.total == 0, found


@_identity("finding-keys", INFERRED, "Nothing. Please report it.")
def finding_keys_are_guids(evidence: Evidence) -> Verdict:
    """The last part of a finding's id is a GUID, and is its name.

    The tap does not rely on it.
    """
    fits = (
        bool(masks.GUID.fullmatch(str(row.get("name"))))
        and row["id"].rpartition("/")[2].lower() == str(row["name"]).lower()
        for row in evidence.rows("findings")
    )
    return all_of(fits, "findings", _NO_FINDINGS)


@_identity("resource-details", DOCUMENTED, "Please report it.")
def resources_are_virtual_machines(evidence: Evidence) -> Verdict:
    """The type and the source in resourceDetails are known.

    resourceType, resourceProvider and resourceSource come from there, else from the id.
    """
    details = [object_at(row, "properties", "resourceDetails") for row in evidence.rows("findings")]
    if not details:
        return None, _NO_FINDINGS
    kinds = Counter(_resource_kind(each) for each in details)
    fits = all(source in {"Azure", "none"} and kind.lower() in _RESOURCE_TYPES for source, kind in kinds)
    return fits, counted({" ".join(kind): number for kind, number in kinds.items()})


_findings = about("Findings")


@_findings("categories", DOCUMENTED, "ETM's type of such a finding is Misconfiguration. Please report it.")
def categories_are_known(evidence: Evidence) -> Verdict:
    """Each category of recommendations is known.

    ETM's type of a finding follows from it.
    """
    return _words(
        evidence,
        "category",
        {
            *("SoftwareUpdate", "SystemUpdate", "HostMisconfigurations", "ExposedSecrets", "ServiceUpgrade"),
            *("CodeVulnerabilities", "IacVulnerabilities", "ApiVulnerabilities", "Unknown"),
        },
    )


@_findings("severities", DOCUMENTED, "ETM's number of such a finding is 0. Please report it.")
def severities_are_known(evidence: Evidence) -> Verdict:
    """Each severity is Low, Medium, High or Critical.

    ETM's number follows from it.
    """
    return _words(evidence, "severity", {"Low", "Medium", "High", "Critical"})


@_findings("statuses", DOCUMENTED, "ETM's status of such a finding is null. Please report it.")
def statuses_are_known(evidence: Evidence) -> Verdict:
    """Each status is Healthy, Unhealthy or NotApplicable.

    ETM's status follows from it.
    """
    return _words(evidence, "status", {"Healthy", "Unhealthy", "NotApplicable"})


@_findings("assessment-types", DOCUMENTED, "Nothing. Please report it.")
def types_are_known(evidence: Evidence) -> Verdict:
    """Each type of assessment is known.

    The tap passes it on.
    """
    return _words(evidence, "assessmentType", _BUILT_IN | _OTHERS)


@_findings("subassessments", MEASURED, "Older vulnerabilities are not read. Please report it.")
def subassessments_are_gone(evidence: Evidence) -> Verdict:
    """Sub-assessments are gone.

    Vulnerabilities are assessments of their own since 2026. The tap reads those alone.
    """
    by_type = {str(row.get("type")).lower(): row.get("n") for row in evidence.rows("types")}
    if not by_type:
        return None, "the table is empty, or can't be read"
    left = by_type.get("microsoft.security/assessments/subassessments", 0)
    return not left, f"{left:,} rows" if isinstance(left, int) else "some"


@_findings("cves", DOCUMENTED, "cves is null. Please report it.")
def updates_name_their_cves(evidence: Evidence) -> Verdict:
    """A software update that is due lists its CVEs in additionalData.

    cves, and the stream vulnerabilities, come from there.
    """
    updates = [
        row
        for row in _built_in(evidence.rows("findings"))
        if text_at(row, "properties", "metadata", "recommendationCategory") == "SoftwareUpdate"
        and text_at(row, "properties", "status", "code") == "Unhealthy"
    ]
    if not updates:
        return None, "no software update is due on the sampled machines"
    naming = sum("cvesdetails" in map(str.lower, object_at(row, "properties", "additionalData")) for row in updates)
    return naming > 0, share(naming, len(updates)) + " software updates"


@_findings("risk", DOCUMENTED, "riskLevel is null.")
def risk_is_told(evidence: Evidence) -> Verdict:
    """Findings tell a level of risk.

    riskLevel comes from there.
    """
    rows = _built_in(evidence.rows("findings"))
    if not rows:
        return None, "there are no findings of Microsoft's"
    levels = Counter(masks.word(object_at(row, "properties", "risk").get("level")) for row in rows)
    return len(levels) > 1 or "none" not in levels, counted(levels)


@_findings("machines-exist", DOCUMENTED, "Nothing.")
def machines_of_findings_exist(evidence: Evidence) -> Verdict:
    """The machines of findings are there.

    Microsoft keeps findings of deleted machines for a while. They are records, without a machine's name.
    """
    asked = evidence.machines_looked_up()
    if "machines of findings" not in evidence.answers:
        return None, _NO_FINDINGS
    there = {lower(row["id"]) for row in evidence.rows("machines of findings")}
    gone = sum(machine not in there for machine in asked)
    return gone == 0, f"{share(gone, len(asked))} machines that have findings are gone"


@_findings("keys", INFERRED, "Nothing. Please report it.")
def every_key_has_a_column(evidence: Evidence) -> Verdict:
    """Each key below a finding's properties is known.

    What has no column goes to otherProperties.
    """
    found = Counter(
        f"{branch}{masks.key(name)}"
        for row in _built_in(evidence.rows("findings"))
        for branch, known in _KEYS.items()
        for name in object_at(row, "properties", *filter(None, [branch.rstrip(".")]))
        if name.lower() not in known
    )
    if not evidence.rows("findings"):
        return None, _NO_FINDINGS
    return not found, counted(found) or "none is new"


_machines = about("Machines and dates")


@_machines("vm-id", RECORDED, "The machine's resource id is taken instead.")
def machines_have_a_vm_id(evidence: Evidence) -> Verdict:
    """Each machine has a vmId.

    It is ETM's id of an asset.
    """
    fits = (bool(text_at(row, "properties", "vmId")) for row in evidence.rows("machines"))
    return all_of(fits, "machines", _NO_MACHINES)


@_machines("power-states", INFERRED, "powerState is passed on, or null. Please report it.")
def power_states_are_known(evidence: Evidence) -> Verdict:
    """Each power state is known.

    powerState is taken from PowerState/….
    """
    rows = evidence.rows("machines")
    if not rows:
        return None, _NO_MACHINES
    codes = Counter(_power_state(row) for row in rows)
    return "another" not in codes, counted(codes)


@_machines("dates", RECORDED, "Such a date is null, and the sync warns of it. Please report it.")
def dates_can_be_read(evidence: Evidence) -> Verdict:
    """Each date is of a form that the tap reads.

    Targets get dates in one form.
    """
    dates = [text_at(row, "properties", "timeCreated") for row in evidence.rows("machines")]
    for name in ("firstEvaluationDate", "statusChangeDate"):
        dates += [text_at(row, "properties", "status", name) for row in evidence.rows("findings")]
    dates = list(filter(None, dates))
    if not dates:
        return None, "no dates came"
    unread = sum(instant(date) is None for date in dates)
    forms = Counter(map(masks.date_form, dates))
    return not unread, counted(forms)


# What several of them look at


def _refused(exchange: Exchange | None) -> str:
    return f"refused with {exchange.refusal.code or exchange.status}" if exchange and exchange.refusal else "no answer"


def _resource_kind(details: dict[str, Any]) -> tuple[str, str]:
    given = {str(name).lower(): value for name, value in details.items()}
    kind = str(given.get("resourcetype") or "none")
    return masks.word(given.get("source")), kind if kind.lower() in _RESOURCE_TYPES else masks.word(kind)


def _words(evidence: Evidence, column: str, known: set[str]) -> Verdict:
    """Judge the words in one column of the question ``words``."""
    found: Counter[str] = Counter()
    for row in evidence.rows("words"):
        if row.get("assessmentType") in _BUILT_IN or column == "assessmentType":
            found[masks.word(row.get(column))] += int(row["n"])
    if not found:
        return None, "no finding of Microsoft's has one"
    return all(word in known | {"none"} for word in found), counted(found)


def _power_state(row: dict[str, Any]) -> str:
    code = text_at(row, "properties", "extended", "instanceView", "powerState", "code")
    kind, _, state = code.partition("/")
    return state if kind == "PowerState" and state in _POWER_STATES else "another" if code else "none"


def _built_in(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if text_at(row, "properties", "metadata", "assessmentType") in _BUILT_IN]
