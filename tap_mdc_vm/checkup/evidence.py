"""The questions of a check-up, and what came back.

Samples stay in memory for as long as the check-up runs. What a report says of them goes through :mod:`.masks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tap_mdc_vm.azure.resource_graph.model import Query
from tap_mdc_vm.azure.resource_graph.partitions import Partition
from tap_mdc_vm.checkup.asking import Exchange
from tap_mdc_vm.errors import PayloadTooLargeError
from tap_mdc_vm.queries import unfiltered
from tap_mdc_vm.resource_ids import lower

SAMPLE = 1000
"""Rows of a sample at most: one page."""

_IDS = 40_000
"""Ids that one packed answer should hold: some 9 MB."""

_LARGE = 24 * 1024 * 1024
"""Bytes of an answer that Azure is expected to refuse: the limit is 16 MiB."""

_SUBSCRIPTIONS = """ResourceContainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, tenantId, subscriptionId
| order by id asc"""
_BY_SUBSCRIPTION = "Resources | summarize n = count() by subscriptionId"
_BY_TYPE = "SecurityResources | summarize n = count() by type"
NO_QUERY = "Resources | where"
"""Breaks off, so that it can't be parsed."""


@dataclass
class Evidence:
    """What came back.

    Attributes:
        answers: By question. A question that makes no sense in a tenant, such as one for a second page, is missing.
    """

    answers: dict[str, Exchange] = field(default_factory=dict)

    def rows(self, *questions: str) -> list[dict[str, Any]]:
        """Return the rows that came for some questions."""
        return [row for name in questions if name in self.answers for row in self.answers[name].rows]

    def column(self, name: str, question: str) -> set[Any]:
        """Return what stands in one column of the rows that came for a question."""
        return {row.get(name) for row in self.rows(question)}

    def count(self, question: str) -> int | None:
        """Return what a ``… | count`` said; None where it said nothing."""
        match self.rows(question):
            case [{"Count": int(count)}]:
                return count
        return None

    def packed(self, question: str) -> tuple[int, list[Any]] | None:
        """Return how many rows a packed answer counted, and those that it packed; None where there is none."""
        match self.rows(question):
            case [{"n": int(counted), "rows": list(rows)}]:
                return counted, rows
        return None

    def machines_looked_up(self) -> list[str]:
        """Return the machines of findings that are asked for by id: the first hundred, in lower case."""
        return sorted({lower(machine_of(row["id"])) for row in self.rows("findings")} - {""})[:100]


def gather(asks: Callable[..., Exchange]) -> Evidence:
    """Ask every question that makes sense in this tenant, some thirty, by :meth:`.asking.Asker.ask`.

    Raises:
        NetworkError: Azure can't be reached any more.
        SignInError: There is no token any more.
    """
    evidence = Evidence()

    def ask(name: str, text: str, *, top: int = SAMPLE, skip_token: str | None = None) -> Exchange:
        exchange = asks(text, top=top, skip_token=skip_token)
        if isinstance(exchange.refusal, PayloadTooLargeError):
            exchange = asks(text, top=max(top // 10, 1), skip_token=skip_token)
        evidence.answers[name] = exchange
        return exchange

    machines = unfiltered("virtual_machines")
    ask("subscriptions", _SUBSCRIPTIONS)
    ask("resources by subscription", _BY_SUBSCRIPTION)
    first = ask("first page", machines.text, top=5)
    if first.token:
        ask("second page", machines.text, top=5, skip_token=first.token)
    ask("machines counted", machines.count())
    ask("machines", machines.text)
    ask("interfaces", unfiltered("network_interfaces").text)
    ask("broken query", NO_QUERY)
    for name in ("ties", "ties again"):
        ask(name, machines.then("| project id, subscriptionId\n| order by subscriptionId asc"), top=100)
    ask("types", _BY_TYPE)
    ask("plans", unfiltered("defender_plans").text)
    ask("software", unfiltered("software").text, top=100)
    ask("unknown ids", unfiltered("unclaimed_assessments").text, top=1)
    ask("hashes of machines", _hashes(machines))
    _ask_for_findings(ask, evidence)
    if machine_ids := evidence.machines_looked_up():
        ask("machines of findings", machines.existing(machine_ids))
    return evidence


def _ask_for_findings(ask: Callable[..., Exchange], evidence: Evidence) -> None:
    findings = unfiltered("assessments")
    ask("findings counted", findings.count())
    total = evidence.count("findings counted") or 0
    ask("hashes of findings", _hashes(findings))
    ask("words", findings.then(_WORDS))
    sample = Partition(max(math.ceil(total / (0.8 * SAMPLE)), 1), 0)
    plain = ask("findings", findings.rows(sample))
    ask("packed findings", findings.packed(sample))
    for remainder in (0, 1):
        ask(f"half {remainder}", findings.count(Partition(2, remainder)))
    ask("findings counted again", findings.count())
    ids = Partition(max(math.ceil(total / _IDS), 1), 0)
    ask("packed ids", findings.then("| summarize n = count(), rows = make_list(id)", ids))
    if plain.rows and total * plain.size / len(plain.rows) > _LARGE:
        modulus = max(total * plain.size // len(plain.rows) // _LARGE, 1)
        ask("large answer", findings.packed(Partition(modulus, 0)))


_WORDS = """| summarize n = count() by
    category = tostring(properties.metadata.recommendationCategory), severity = tostring(properties.metadata.severity),
    status = tostring(properties.status.code), assessmentType = tostring(properties.metadata.assessmentType)"""


def _hashes(query: Query) -> str:
    return query.then(
        "| project id, hash = tostring(hash(tolower(id))), remainder = hash(tolower(id)) % 7\n| order by id asc"
    )


def machine_of(finding_id: str) -> str:
    """Return the id of a finding's machine as the finding spells it; nothing if the id has another form."""
    place = lower(finding_id).find("/providers/microsoft.security/assessments/")
    return finding_id[:place] if place >= 0 else ""
