"""What Defender for Cloud says about the ordinary machines: assessments of all kinds, and the software that they have.

A machine has the same number of assessments on any day. Each has its place, and what is in that place is renewed: a
program has a new release with other holes, a month has other updates, a setting is looked at anew. So from one day to
the next some assessments are gone, others are new, and most are as they were.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from . import azure_rows as azure
from . import individual, recommendations
from .chance import mixed, renewed, share, spread
from .individual import SECRET, SETTING, SOFTWARE, SYSTEM, Advice
from .recommendations import CATALOGUE, Recommendation
from .software import Program, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .azure_rows import Row
    from .machines import Machine
    from .tenant import Tenant

BUILT_IN = ""
"""Stands where the others have their recommendation category."""

_MIX = (
    SOFTWARE, BUILT_IN, SETTING, SOFTWARE, SYSTEM, BUILT_IN, SOFTWARE, SETTING, SOFTWARE, BUILT_IN, SECRET, SOFTWARE,
)  # fmt: skip
_MOST = {BUILT_IN: 30, SETTING: 40, SYSTEM: 6, SECRET: 3}
"""Of one machine; whatever more it has is about software."""

_COMMON_PROGRAMS = 16
_SETTINGS = 44  # that are looked at, of each operating system
_DAY = 86_400
_NEW_YEAR_2025 = 1_735_689_600
_LEVELS = ("None", "Low", "Medium", "High", "Critical")
_NOT_APPLICABLE = (
    ("UnsupportedPricingPlan", "The plan of this subscription does not include the check."),
    ("OffByPolicy", "A policy switches this recommendation off."),
    ("Exempt", "Somebody exempted this machine."),
)


class Findings:
    """Makes the rows of ordinary machines in the table SecurityResources."""

    def __init__(self, tenant: Tenant, *, machines: int, assessments: int, programs: int, row_size: int) -> None:
        """Decide what there is to find.

        Args:
            tenant: Whose machines.
            machines: How many: the larger a tenant, the more programs somebody uses.
            assessments: Of each machine.
            programs: Of each machine whose software Defender lists.
            row_size: Bytes that the row of an assessment has at least.
        """
        self._tenant = tenant
        self._programs = programs
        self._row_size = row_size
        self._places = _places(assessments)
        self._of_kind = Counter(kind for kind, _ in self._places)
        self._rare = max(40, 3 * self._of_kind[SOFTWARE], 3 * programs) + machines // 4
        self._catalogue = [recommendations.keyed(tenant, number) for number in range(len(CATALOGUE))]
        self._metadata = {
            key: orjson.Fragment(orjson.dumps(_older(number, recommendations.metadata(tenant, entry))))
            for number, (key, entry) in enumerate(self._catalogue)
        }
        self._program = lru_cache(16_384)(self._drawn_program)
        self._software_update = lru_cache(4_096)(self._drawn_update)
        self._system_update = lru_cache(1_024)(individual.system_update)
        self._setting = lru_cache(1_024)(individual.setting)

    def assessments(self, machine: Machine) -> Iterator[Row]:
        """The assessments of a machine, each of another recommendation."""
        own = mixed(self._tenant.seed, machine.number)
        spelt = machine.id.replace("/resourceGroups/", "/resourcegroups/") if machine.shouting else machine.id
        details = orjson.Fragment(orjson.dumps(azure.resource_details(machine.id)))
        individual_details = orjson.Fragment(orjson.dumps(azure.individual_details(machine.id)))
        for kind, place in self._places:
            if kind == BUILT_IN:
                key, properties = self._built_in(machine, place, mixed(own, place, 1))
                properties["resourceDetails"] = details
            else:
                key, properties = self._individual(machine, kind, place, mixed(own, place, len(kind)))
                properties["resourceDetails"] = individual_details
            properties["links"] = {"azurePortal": azure.portal_link(machine.id, key)}
            row = azure.assessment(machine.place, spelt, key, properties)
            if self._row_size:
                _fill(row, self._row_size)
            yield row

    def software(self, machine: Machine) -> Iterator[Row]:
        """The programs of a machine, if Defender lists them."""
        now = self._tenant.now
        for place in range(self._programs if machine.subscription.has_inventory else 0):
            found = self._program(machine.image.os_type, self._program_number(machine, place))
            release, _, lag = self._release(found, machine, place)
            has_update = place < self._of_kind[SOFTWARE]
            version = found.version(release - 1 if has_update else release + lag)
            status, end = found.end_of_support(now)
            seen = min(now, _NEW_YEAR_2025 + mixed(machine.number, place) % (300 * _DAY))
            properties = {
                "deviceId": machine.vm_id.replace("-", ""),
                "osPlatform": machine.image.os_name.partition(" Data")[0].replace(" ", ""),
                "vendor": found.vendor,
                "softwareName": found.name,
                "version": version,
                "endOfSupportStatus": status,
                "endOfSupportDate": azure.moment(end)[:10] if end else "",
                "numberOfKnownVulnerabilities": len(found.fixes(release)) if has_update else 0,
                "firstSeenAt": azure.moment(seen)[:19].replace("T", " "),
            }
            yield azure.software(machine.place, machine.id, f"{found.name}_{version}", properties)

    def _built_in(self, machine: Machine, place: int, own: int) -> tuple[str, Row]:
        others = self._of_kind[BUILT_IN]
        number, first = renewed(self._tenant.now, (100 + own % 400) * _DAY, own % (100 * _DAY))
        turn = (number + own) % (len(self._catalogue) // others)
        index = spread(place + others * turn, len(self._catalogue), machine.number)
        key, entry = self._catalogue[index]
        properties: Row = {
            "displayName": f"[Preview]: {entry.name}" if entry.preview else entry.name,
            "status": self._status(own, number, first, not_applicable=0.2, cause=entry),
            "additionalData": {},
            "metadata": self._metadata[key],
        }
        if machine.number % 2:
            properties["risk"] = self._risk(machine, entry.severity, properties["status"]["code"], own)
        return key, properties

    def _individual(self, machine: Machine, kind: str, place: int, own: int) -> tuple[str, Row]:
        advice, first = self._advice(machine, kind, place, own)
        settled = {SOFTWARE: 0.04, SYSTEM: 0.2, SECRET: 0.0}.get(kind)
        if settled is None:
            status = self._status(own, 0, first)
        else:
            code = "Healthy" if share(own, first) < settled else "Unhealthy"
            status = {"code": code, **_dates(first, first, own)}
        code = status["code"]
        properties: Row = {
            "displayName": advice.name,
            "status": status,
            "risk": self._risk(machine, advice.severity, code, own),
            "additionalData": advice.additional if code == "Unhealthy" else advice.settled,
            "metadata": advice.metadata,
            "scope": "Subscription",
        }
        return advice.key, properties

    def _advice(self, machine: Machine, kind: str, place: int, own: int) -> tuple[Advice, int]:
        """What is recommended in a place, and since when."""
        now, system = self._tenant.now, machine.image.os_type
        if kind == SOFTWARE:
            number = self._program_number(machine, place)
            release, first, _ = self._release(self._program(system, number), machine, place)
            return self._software_update(system, number, release), first
        if kind == SYSTEM:
            _, first = renewed(now - own % (3 * _DAY), 30 * _DAY, 12 * _DAY)
            first -= place * 30 * _DAY
            name = azure.moment(first)[:7]
            return self._system_update(self._tenant, system, _plain(machine.image), name), first + own % (3 * _DAY)
        number, first = renewed(now, (120 + own % 500) * _DAY, own % (120 * _DAY))
        if kind == SECRET:
            return individual.exposed_secret(self._tenant, machine.id, place + 3 * (number % 4)), first
        others = self._of_kind[SETTING]
        index = spread(place + others * (number % (_SETTINGS // others)), _SETTINGS, machine.number)
        return self._setting(self._tenant, system, index), first

    def _release(self, found: Program, machine: Machine, place: int) -> tuple[int, int, int]:
        """The release that a machine lacks, since when that is known, and how many it is behind."""
        drawn = mixed(self._tenant.seed, machine.number, place)
        late, lag = drawn % (2 * _DAY), (drawn >> 32) % 4 // 2
        number, moment = found.release(self._tenant.now - late)
        return number - lag, moment + late - lag * found.rhythm[0], lag

    def _program_number(self, machine: Machine, place: int) -> int:
        """Which program is in a place of a machine: every second one is common, as long as there are any."""
        if place % 2 == 0 and place // 2 < _COMMON_PROGRAMS:
            return spread(place // 2, _COMMON_PROGRAMS, machine.number)
        rare = place - min((place + 1) // 2, _COMMON_PROGRAMS)
        return _COMMON_PROGRAMS + spread(rare, self._rare, mixed(machine.number) % self._rare)

    def _drawn_program(self, system: str, number: int) -> Program:
        return program(self._tenant.seed, system, number)

    def _drawn_update(self, system: str, number: int, release: int) -> Advice:
        return individual.software_update(self._tenant, self._program(system, number), release)

    def _status(
        self, own: int, number: int, first: int, *, not_applicable: float = 0.0, cause: Recommendation | None = None
    ) -> dict[str, Any]:
        """The state of something that turns at some time from one state to the other."""
        drawn = mixed(own, number)
        if share(drawn) < not_applicable:
            reason, text = _NOT_APPLICABLE[drawn % 3]
            return {"code": "NotApplicable", "cause": reason, "description": text, **_dates(first, first, own)}
        turns = first + drawn % (300 * _DAY)
        healthy = (turns <= self._tenant.now) == bool(drawn >> 40 & 1)
        dates = _dates(first, turns if turns <= self._tenant.now else first, own)
        if healthy:
            return {"code": "Healthy", **dates}
        known = {"cause": cause.cause, "description": cause.cause_text} if cause and cause.cause else {}
        return {"code": "Unhealthy", **known, **dates}

    def _risk(self, machine: Machine, severity: str, code: str, own: int) -> dict[str, Any]:
        """How bad it is: with what Defender CSPM knows of the machine, else as severe as the recommendation is."""
        level = _LEVELS.index(severity) if code == "Unhealthy" else 0
        risk: dict[str, Any] = {"riskFactors": [], "attackPathsReferences": [], "isContextualRisk": False}
        if machine.subscription.posture and level:
            worse = machine.is_exposed and share(own, 7) < 0.5
            level = min(max(level + (1 if worse else -1 if not machine.is_exposed else 0), 1), 4)
            risk["isContextualRisk"] = True
            risk["riskFactors"] = _factors(machine)
            risk["attackPathsReferences"] = paths = self._attack_paths(machine) if level > 2 else []
            if paths and level == 4:
                risk["paths"] = [_path(path, machine) for path in paths]
        return {"level": _LEVELS[level], **risk}

    def _attack_paths(self, machine: Machine) -> list[str]:
        if not machine.is_exposed or machine.number % 3 == 2:
            return []
        return [self._tenant.guid("attack path", machine.number, number) for number in range(1 + machine.number % 2)]


def _places(assessments: int) -> list[tuple[str, int]]:
    """The kind of each assessment of a machine, and its number among those of its kind."""
    counts: Counter[str] = Counter()
    found = []
    for number in range(assessments):
        kind = _MIX[number % len(_MIX)]
        if counts[kind] >= _MOST.get(kind, assessments):
            kind = SOFTWARE
        found.append((kind, counts[kind]))
        counts[kind] += 1
    return found


def _older(number: int, metadata: dict[str, Any]) -> dict[str, Any]:
    """Some of the recommendations that were there before 2026 have a category of their own by now, which is none."""
    return metadata | ({"recommendationCategory": "Unknown"} if number % 2 else {})


def _plain(image: azure.Image) -> str:
    name = image.os_name.removesuffix(" Azure Edition").removesuffix(" Datacenter")
    return name if image.os_type == "Windows" else f"{name} {image.os_version}"


def _dates(first: int, changed: int, own: int) -> dict[str, str]:
    since = azure.moment(first, own % 10_000_000)
    return {
        "firstEvaluationDate": since,
        "statusChangeDate": since if changed == first else azure.moment(changed, own % 10_000_000),
    }


def _factors(machine: Machine) -> list[str]:
    facts = {
        "Internet exposure": machine.is_exposed,
        "Sensitive data": machine.name.startswith(("db", "erp")),
        "Lateral movement": machine.number % 4 == 1,
        "Critical resource": "prod" in machine.name and machine.number % 5 == 0,
    }
    return [factor for factor, holds in facts.items() if holds]


def _path(path: str, machine: Machine) -> dict[str, Any]:
    nodes = ["internet", "publicIpAddress", "networkInterface", "virtualMachine", "managedIdentity", "storageAccount"]
    return {
        "id": path,
        "nodes": [{"id": f"{path}-{number}", "type": node} for number, node in enumerate(nodes)],
        "edges": [
            {"id": f"{path}-e{number}", "source": f"{path}-{number}", "target": f"{path}-{number + 1}"}
            for number in range(len(nodes) - 1)
        ],
        "entryPoint": machine.id,
    }


def _fill(row: Row, size: int) -> None:
    """Make a row so many bytes large, as a long list of evidence would."""
    properties = row["properties"]
    facts = orjson.loads(orjson.dumps(properties["additionalData"])) | {"Evidence": ""}
    properties["additionalData"] = facts
    if (lacking := size - len(orjson.dumps(row))) > 0:
        lines = (f"{number:06d} a file that was looked into; " for number in range(lacking // 30 + 1))
        facts["Evidence"] = "".join(lines)[:lacking]
