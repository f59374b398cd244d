"""What the tap takes for granted about Azure: what, why, how sure one can be, and what a tenant's answers say of it.

``docs/azure-facts.md`` is made of this list, and ``tap-mdc-vm-checkup`` holds a tenant against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tap_mdc_vm.checkup import verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_mdc_vm.checkup.evidence import Evidence
    from tap_mdc_vm.checkup.verdicts import Verdict


class Certainty(StrEnum):
    """How the tap knows."""

    DOCUMENTED = "documented"
    RECORDED = "recorded"
    MEASURED = "measured by others"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the tap takes for granted.

    Attributes:
        group: What it is about.
        key: A short name that stays.
        claim: What is taken for granted.
        why: What the tap needs it for.
        certainty: How it is known.
        judge: Says whether it holds, by the answers of a tenant.
        otherwise: What follows for a sync where it doesn't.
        needed: Whether a sync can't be right without.
    """

    group: str
    key: str
    claim: str
    why: str
    certainty: Certainty
    judge: Callable[[Evidence], Verdict]
    otherwise: str
    needed: bool = False


_REPORT = "Please report it."
_NOTHING = "Nothing."
_SLOWER = "A sync is slower, and still proven."

ASSUMPTIONS = (
    # Tables and rights
    Assumption(
        "Tables and rights",
        "tables",
        "The tables Resources, ResourceContainers and SecurityResources exist.",
        "They hold all that the tap reads. Some tables are missing in some national clouds.",
        Certainty.MEASURED,
        verdicts.tables,
        "The streams of a missing table end with an error that names it.",
        needed=True,
    ),
    Assumption(
        "Tables and rights",
        "empty-subscriptions",
        "A subscription without a single resource is listed in ResourceContainers.",
        "A configured subscription that is not listed counts as unreadable.",
        Certainty.MEASURED,
        verdicts.empty_subscriptions_show,
        f"A sync may call an empty subscription unreadable. {_REPORT}",
    ),
    Assumption(
        "Tables and rights",
        "plans",
        "The plans of Defender for Cloud can be read in the table SecurityResources.",
        "They tell why a subscription has machines and no findings.",
        Certainty.MEASURED,
        verdicts.plans_can_be_read,
        "The reason is not told.",
    ),
    Assumption(
        "Tables and rights",
        "one-tenant",
        "All subscriptions belong to one tenant.",
        "With Azure Lighthouse, rows of other tenants come too, which the tap keeps apart by tenantId.",
        Certainty.DOCUMENTED,
        verdicts.own_tenant,
        _NOTHING,
    ),
    # Answers
    Assumption(
        "Answers",
        "rows-are-objects",
        "A row is an object with every column that was asked for, null where Azure has nothing.",
        "A missing key would be a missing value.",
        Certainty.RECORDED,
        verdicts.rows_are_objects,
        _NOTHING,
    ),
    Assumption(
        "Answers",
        "top",
        "$top bounds the rows of an answer.",
        "A page holds 1,000 rows at most.",
        Certainty.DOCUMENTED,
        verdicts.top_bounds,
        _REPORT,
    ),
    Assumption(
        "Answers",
        "token",
        "A skip token is present exactly while there are more rows.",
        "It is the only sign that a result goes on.",
        Certainty.RECORDED,
        verdicts.token_means_more,
        f"A sync ends with an error rather than short. {_REPORT}",
        needed=True,
    ),
    Assumption(
        "Answers",
        "truncated",
        'resultTruncated is the text "false" on pages that others follow.',
        'The tap takes "true" for rows that can\'t be had.',
        Certainty.RECORDED,
        verdicts.not_truncated,
        f"A sync ends with an error. {_REPORT}",
        needed=True,
    ),
    Assumption(
        "Answers",
        "totals",
        "totalRecords is the number of rows that count gives.",
        "A stream is complete if as many rows came as Azure counts.",
        Certainty.RECORDED,
        verdicts.totals_are_counts,
        f"A sync ends with an error rather than short. {_REPORT}",
        needed=True,
    ),
    Assumption(
        "Answers",
        "pages",
        "Ordered by id, a second page goes on where the first one ended.",
        "Where partitions can't be used, pages are read one after the other.",
        Certainty.DOCUMENTED,
        verdicts.pages_continue,
        _REPORT,
        needed=True,
    ),
    Assumption(
        "Answers",
        "ties",
        "Rows with equal keys come in an order that can't be relied on.",
        "So the tap orders by id alone.",
        Certainty.DOCUMENTED,
        verdicts.ties_come_in_any_order,
        _NOTHING,
    ),
    # Partitions and packed answers
    Assumption(
        "Partitions and packed answers",
        "hash",
        "hash() is XXH64 of the UTF-8 text, as a signed number of 64 bits.",
        "The tap computes each row's partition, and holds the row against the one that it asked for.",
        Certainty.DOCUMENTED,
        verdicts.hash_is_xxh64,
        f"Pages are read in order, one after the other. {_SLOWER} {_REPORT}",
    ),
    Assumption(
        "Partitions and packed answers",
        "remainder",
        "The remainder of a negative hash is not negative.",
        "As above.",
        Certainty.DOCUMENTED,
        verdicts.remainders_are_not_negative,
        f"As above. {_REPORT}",
    ),
    Assumption(
        "Partitions and packed answers",
        "halves",
        "The two halves of a result by hash are the whole.",
        "A result is read in partitions, side by side.",
        Certainty.DOCUMENTED,
        verdicts.partitions_hold_their_own,
        f"Pages are read in order. {_SLOWER} {_REPORT}",
    ),
    Assumption(
        "Partitions and packed answers",
        "packed",
        "summarize with make_list(pack(…)) packs rows whole, with the columns that they have by themselves.",
        "One request then brings thousands of rows instead of 1,000.",
        Certainty.MEASURED,
        verdicts.packed_is_whole,
        f"Rows come 1,000 a request. {_SLOWER} {_REPORT}",
    ),
    Assumption(
        "Partitions and packed answers",
        "long-lists",
        "A packed list of thousands is whole.",
        "As above. A list that is cut shows by its length.",
        Certainty.INFERRED,
        verdicts.long_lists_are_whole,
        f"As above. {_REPORT}",
    ),
    Assumption(
        "Partitions and packed answers",
        "size",
        "An answer over 16 MiB is refused as ResponsePayloadTooLarge.",
        "The tap then asks for less at once.",
        Certainty.RECORDED,
        verdicts.large_answers_are_refused,
        _REPORT,
    ),
    # Quota, time and errors
    Assumption(
        "Quota, time and errors",
        "quota-headers",
        "Each answer tells how many queries remain, and when the count starts anew.",
        "The tap keeps to the quota by these headers.",
        Certainty.RECORDED,
        verdicts.quota_is_told,
        "The pace is found by what is refused.",
    ),
    Assumption(
        "Quota, time and errors",
        "quota",
        "The quota is 15 queries in 5 seconds, or more.",
        "The times in the documentation rest on it. The tap reads what holds.",
        Certainty.DOCUMENTED,
        verdicts.quota_is_fifteen,
        "A sync takes longer.",
    ),
    Assumption(
        "Quota, time and errors",
        "clock",
        "This machine's clock is within a minute of Azure's.",
        "Certificates and federated tokens are refused where clocks differ by minutes.",
        Certainty.INFERRED,
        verdicts.clocks_agree,
        "Set the clock of this machine.",
    ),
    Assumption(
        "Quota, time and errors",
        "error-form",
        "A query that can't be parsed is a 400 whose reason stands in details.",
        "Errors are told apart by the codes there.",
        Certainty.RECORDED,
        verdicts.errors_have_reasons,
        f"Errors are less clear. {_REPORT}",
    ),
    Assumption(
        "Quota, time and errors",
        "correlation-id",
        "Each answer has the header x-ms-correlation-request-id.",
        "Microsoft's support asks for it.",
        Certainty.RECORDED,
        verdicts.answers_can_be_traced,
        "Errors lack it.",
    ),
    # Identity
    Assumption(
        "Identity",
        "unique-ids",
        "No id comes twice in an answer, whatever its letter case.",
        "The id in lower case is the key of each record.",
        Certainty.INFERRED,
        verdicts.ids_are_unique,
        f"The newer of two rows is taken. {_REPORT}",
    ),
    Assumption(
        "Identity",
        "letter-case",
        "References to a machine differ from its own id by letter case at most.",
        "Ids are joined in lower case.",
        Certainty.RECORDED,
        verdicts.ids_differ_by_case_alone,
        f"Machine and finding are not joined. {_REPORT}",
    ),
    Assumption(
        "Identity",
        "interfaces",
        "The interfaces in a machine's list name that machine.",
        "MAC and addresses of a machine come from its interfaces.",
        Certainty.RECORDED,
        verdicts.interfaces_name_their_machines,
        f"Addresses may be null. {_REPORT}",
    ),
    Assumption(
        "Identity",
        "finding-ids",
        "A finding that is said to be a virtual machine's has an id that begins with the machine's.",
        "The stream assessments takes findings by the form of their ids.",
        Certainty.INFERRED,
        verdicts.finding_ids_have_the_known_form,
        f"Those findings are left out, and each sync warns of it. {_REPORT}",
    ),
    Assumption(
        "Identity",
        "finding-keys",
        "The last part of a finding's id is a GUID, and is its name.",
        "The tap does not rely on it.",
        Certainty.INFERRED,
        verdicts.finding_keys_are_guids,
        f"{_NOTHING} {_REPORT}",
    ),
    Assumption(
        "Identity",
        "resource-details",
        "resourceDetails gives a type and a source that are known.",
        "resourceType, resourceProvider and resourceSource come from there, else from the id.",
        Certainty.DOCUMENTED,
        verdicts.resources_are_virtual_machines,
        _REPORT,
    ),
    # Findings
    Assumption(
        "Findings",
        "categories",
        "Each category of recommendations is known.",
        "ETM's type of a finding follows from it.",
        Certainty.DOCUMENTED,
        verdicts.categories_are_known,
        f"ETM's type of such a finding is Misconfiguration. {_REPORT}",
    ),
    Assumption(
        "Findings",
        "severities",
        "Each severity is Low, Medium, High or Critical.",
        "ETM's number follows from it.",
        Certainty.DOCUMENTED,
        verdicts.severities_are_known,
        f"ETM's number of such a finding is 0. {_REPORT}",
    ),
    Assumption(
        "Findings",
        "statuses",
        "Each status is Healthy, Unhealthy or NotApplicable.",
        "ETM's status follows from it.",
        Certainty.DOCUMENTED,
        verdicts.statuses_are_known,
        f"ETM's status of such a finding is null. {_REPORT}",
    ),
    Assumption(
        "Findings",
        "assessment-types",
        "Each type of assessment is known.",
        "The tap passes it on.",
        Certainty.DOCUMENTED,
        verdicts.types_are_known,
        f"{_NOTHING} {_REPORT}",
    ),
    Assumption(
        "Findings",
        "subassessments",
        "Sub-assessments are gone.",
        "Vulnerabilities are assessments of their own since 2026. The tap reads those alone.",
        Certainty.MEASURED,
        verdicts.subassessments_are_gone,
        f"Older vulnerabilities are not read. {_REPORT}",
    ),
    Assumption(
        "Findings",
        "cves",
        "A software update that is due lists its CVEs in additionalData.",
        "cves, and the stream vulnerabilities, come from there.",
        Certainty.DOCUMENTED,
        verdicts.updates_name_their_cves,
        f"cves is null. {_REPORT}",
    ),
    Assumption(
        "Findings",
        "risk",
        "Findings tell a level of risk.",
        "riskLevel comes from there.",
        Certainty.DOCUMENTED,
        verdicts.risk_is_told,
        "riskLevel is null.",
    ),
    Assumption(
        "Findings",
        "machines-exist",
        "The machines of findings are there.",
        "Microsoft keeps findings of deleted machines for a while. They are records, without a machine's name.",
        Certainty.DOCUMENTED,
        verdicts.machines_of_findings_exist,
        _NOTHING,
    ),
    Assumption(
        "Findings",
        "keys",
        "Each key below a finding's properties is known.",
        "What has no column goes to otherProperties.",
        Certainty.INFERRED,
        verdicts.every_key_has_a_column,
        f"{_NOTHING} {_REPORT}",
    ),
    # Machines and dates
    Assumption(
        "Machines and dates",
        "vm-id",
        "Each machine has a vmId.",
        "It is ETM's id of an asset.",
        Certainty.RECORDED,
        verdicts.machines_have_a_vm_id,
        "The machine's resource id is taken instead.",
    ),
    Assumption(
        "Machines and dates",
        "power-states",
        "Each power state is known.",
        "powerState is taken from PowerState/….",
        Certainty.INFERRED,
        verdicts.power_states_are_known,
        f"powerState is passed on, or null. {_REPORT}",
    ),
    Assumption(
        "Machines and dates",
        "dates",
        "Each date is of a form that the tap reads.",
        "Targets get dates in one form.",
        Certainty.RECORDED,
        verdicts.dates_can_be_read,
        f"Such a date is null, and the sync warns of it. {_REPORT}",
    ),
)
