"""What a check-up found, for a terminal, as JSON and as Markdown. No value of the tenant's is in any of it."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import click
import msgspec

from tap_mdc_vm.checkup import masks, verdicts
from tap_mdc_vm.checkup.asking import at
from tap_mdc_vm.checkup.assumptions import ASSUMPTIONS, Assumption
from tap_mdc_vm.checkup.evidence import Evidence, machine_of
from tap_mdc_vm.resource_ids import lower

_VERDICTS = {True: "holds", False: "does not hold", None: "can't be told here"}
_COLOURS = dict(zip(_VERDICTS.values(), ("green", "red", "yellow"), strict=True))
_WIDTH = 118


class Result(msgspec.Struct, frozen=True):
    """An assumption, its verdict, what that rests on, and what follows for a sync if the assumption does not hold."""

    group: str
    key: str
    claim: str
    certainty: str
    verdict: str
    found: str
    needed: bool
    follows: str


class Report(msgspec.Struct, frozen=True):
    """What a check-up found.

    Attributes:
        version: The tap's.
        cloud: Such as ``AzureCloud``.
        passed: Whether everything that a sync needs holds, as far as that can be told.
        assumptions: Each assumption with its verdict.
        figures: Sizes, shares and times, by name.
    """

    version: str
    cloud: str
    passed: bool
    assumptions: list[Result]
    figures: dict[str, str]

    def lines(self) -> Iterator[str]:
        """Yield the lines for a terminal, with colours, which click leaves out where they go elsewhere."""
        for group, results in groupby(self.assumptions, lambda result: result.group):
            yield ""
            yield click.style(group, bold=True)
            for each in results:
                yield f"  {click.style(f'{each.verdict:<18}', fg=_COLOURS[each.verdict])} {each.claim}"
                yield from _indented(each.found)
                if each.follows:
                    yield from _indented(f"What follows: {each.follows}")
        yield ""
        yield click.style("Figures", bold=True)
        width = max(map(len, self.figures))
        yield from (f"  {name:<{width}}  {value:>24}" for name, value in self.figures.items())
        yield ""
        counts = Counter(each.verdict for each in self.assumptions)
        yield ", ".join(f"{verdict}: {counts[verdict]}" for verdict in _COLOURS) + f". {self._conclusion()}"

    def _conclusion(self) -> str:
        if not self.passed:
            return "A sync can't do its work here: see what does not hold."
        if any("report" in each.follows for each in self.assumptions):
            return (
                "A sync does its work here. What does not hold would help others: please report it (--markdown FILE)."
            )
        return "A sync does its work here."

    def as_json(self) -> str:
        """Return the report as JSON."""
        return msgspec.json.format(msgspec.json.encode(self)).decode() + "\n"

    def as_markdown(self) -> str:
        """Return the report as a page to be pasted into an issue."""
        lines = [
            f"### Check-up of tap-mdc-vm {self.version}, {self.cloud}",
            "",
            "| assumption | verdict | found |",
            "| --- | --- | --- |",
            *(f"| {_cell(each.claim)} | {each.verdict} | {_cell(each.found)} |" for each in self.assumptions),
            "",
            "| figure | |",
            "| --- | ---: |",
            *(f"| {_cell(name)} | {_cell(value)} |" for name, value in self.figures.items()),
        ]
        return "\n".join(lines) + "\n"


def report(evidence: Evidence, seconds: list[float], *, version: str, cloud: str) -> Report:
    """Judge what came back. ``seconds`` is how long each answer took."""
    results = [_result(each, evidence) for each in ASSUMPTIONS]
    passed = not any(each.needed and each.follows for each in results)
    return Report(version, cloud, passed, results, dict(_figures(evidence, seconds)))


def _result(each: Assumption, evidence: Evidence) -> Result:
    holds, found = getattr(verdicts, f"on_{each.key.replace('-', '_')}")(evidence)
    follows = each.otherwise if holds is False else ""
    return Result(
        each.group, each.key, each.claim, each.certainty, _VERDICTS[holds], found, needed=each.needed, follows=follows
    )


def _figures(evidence: Evidence, seconds: list[float]) -> Iterator[tuple[str, str]]:
    yield "requests", f"{len(seconds):,}"
    yield "seconds an answer took (median, longest)", f"{statistics.median(seconds):.2f}, {max(seconds):.2f}"
    for name, stream in (("machines", "machines counted"), ("findings", "findings counted")):
        yield name, _number(evidence.count(stream))
    yield from _findings_per_machine(evidence)
    for name in ("machines", "interfaces", "findings", "software", "plans"):
        if rows := evidence.rows(name):
            sizes = sorted(len(msgspec.json.encode(row)) for row in rows)
            largest = sizes[math.ceil(0.99 * len(sizes)) - 1]
            yield f"bytes per row of {name} (median, 99 %)", f"{statistics.median(sizes):,.0f}, {largest:,}"
    for name, paths in _SHARES.items():
        rows = evidence.rows(name)
        for path in paths if rows else ():
            empty = sum(at(object, row, *path.split(".")) in (None, "", {}, []) for row in rows)
            yield f"{name} without {path}", f"{100 * empty / len(rows):.0f} %"
    for row in evidence.rows("types"):
        kind = str(row.get("type")).lower()
        if kind.startswith("microsoft.security/"):
            yield f"rows of {masks.type_name(kind)}", _number(row.get("n"))


_SHARES = {
    "machines": (
        *("properties.extended.instanceView", "properties.osProfile", "properties.storageProfile.imageReference"),
        *("properties.networkProfile.networkInterfaces", "tags", "zones", "identity"),
    ),
    "interfaces": ("properties.macAddress", "properties.primary"),
    "findings": (
        *("properties.metadata", "properties.metadata.recommendationCategory", "properties.risk"),
        *("properties.status.firstEvaluationDate", "properties.links.azurePortal"),
    ),
}


def _findings_per_machine(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield how many findings machines have, from the ids that one packed answer held."""
    packed = evidence.packed("packed ids")
    total = evidence.count("findings counted")
    if not packed or not packed[1] or not total:
        return
    machines = Counter(lower(machine_of(each)) for each in packed[1] if isinstance(each, str))
    most = total / machines.total() * max(machines.values())
    yield "findings per machine that has some (mean, most)", f"{total / len(machines):,.0f}, {most:,.0f}"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "unknown"


def _indented(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH - 21, break_long_words=False, break_on_hyphens=False)
    return [" " * 21 + line for line in lines]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
