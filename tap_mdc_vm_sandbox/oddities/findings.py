"""Odd assessments of the kinds that are new in 2026, all of the machine `vm-showcase`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from .. import azure_rows as azure
from .scene import Builders, Placed, Scene, security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..azure_rows import Row

BUILDERS = Builders()
odd = BUILDERS.add

_CONTEXT = {"level": "Critical", "riskFactors": ["Internet exposure", "Lateral movement"], "isContextualRisk": True}
_NO_CONTEXT = {"level": "Medium", "riskFactors": [], "attackPathsReferences": [], "isContextualRisk": False}


@odd
def _finding_update_as_text(scene: Scene) -> Iterator[Placed]:
    """A vulnerable program: PascalCase, lists as JSON text, two detected versions, an attack path in full."""
    reference = scene.tenant.guid("odd attack path")
    path = {"id": reference, "nodes": [{"id": "1"}, {"id": "2"}], "edges": [{"source": "1", "target": "2"}]}
    facts = {
        "SoftwareName": "openssl",
        "SoftwareVendor": "openssl",
        "PackageType": "OS",
        "Language": "",
        "DetectedSoftwareVersions": _text(["3.0.2-0", "3.0.2-1"]),
        "FixedVersion": "3.0.2-9",
        "FixStatus": "FixAvailable",
        "MaxCvssScore": "9.1",
        "CvesDetails": _text([_cve("CVE-2026-900001", 9.1), _cve("cve-2026-900002", 5.3)]),
    }
    risk = _CONTEXT | {"attackPathsReferences": [reference], "paths": [path]}
    return security(_individual(scene, "SoftwareUpdate", "Update openssl", facts, risk=risk))


@odd
def _finding_update_in_camel_case(scene: Scene) -> Iterator[Placed]:
    """A vulnerable program: camelCase, lists as JSON, the score a number; of the CVEs only their ids."""
    facts = {
        "softwareName": "curl",
        "softwareVendor": "haxx",
        "detectedSoftwareVersions": ["8.5.0"],
        "fixedVersion": "8.5.7",
        "maxCvssScore": 7,
        "cvesDetails": [{"CveId": "CVE-2026-900003"}, {"CveId": "CVE-2026-900001"}],
    }
    return security(_individual(scene, "SoftwareUpdate", "Update curl", facts, severity="Critical"))


@odd
def _finding_update_without_fix(scene: Scene) -> Iterator[Placed]:
    """A vulnerable program for which there is no fix: no `FixedVersion`; a CVE twice, one with no score."""
    cves = [_cve("CVE-2026-900004", None), _cve("CVE-2026-900005", 6.5), _cve("CVE-2026-900005", 6.5)]
    facts = {"SoftwareName": "zlib", "FixStatus": "NoFixAvailable", "CvesDetails": cves}
    return security(_individual(scene, "SoftwareUpdate", "Update zlib", facts))


@odd
def _finding_update_settled(scene: Scene) -> Iterator[Placed]:
    """A program that is up to date: Healthy, without `CvesDetails`; risk None."""
    row = _individual(scene, "SoftwareUpdate", "Update bash", {"SoftwareName": "bash"}, risk={"level": "None"})
    row["properties"]["status"]["code"] = "Healthy"
    return security(row)


@odd
def _finding_update_garbled(scene: Scene) -> Iterator[Placed]:
    """A vulnerable program whose facts can't be read: JSON text that ends too early, a score in words, null."""
    facts = {
        "SoftwareName": None,
        "SoftwareVendor": "",
        "DetectedSoftwareVersions": '["1.0", "1.',
        "MaxCvssScore": "unknown",
        "CvesDetails": "[{",
    }
    return security(_individual(scene, "SoftwareUpdate", "Update something", facts))


@odd
def _finding_update_large(scene: Scene) -> Iterator[Placed]:
    """A vulnerable program with 250 CVEs: more than 80 kB."""
    cves = [_cve(f"CVE-2026-{910_000 + number}", number % 100 / 10) for number in range(250)]
    for number, cve in enumerate(cves):
        cve["References"] = [f"https://example.com/advisories/{number:04d}/{part}" for part in range(4)]
    facts = {"SoftwareName": "linux-image-azure", "SoftwareVendor": "linux", "CvesDetails": _text(cves)}
    return security(_individual(scene, "SoftwareUpdate", "Update linux-image-azure", facts))


@odd
def _finding_system_update(scene: Scene) -> Iterator[Placed]:
    """A missing update of the operating system; `plannedDeprecationDate`, `partnerData` null."""
    row = _individual(
        scene, "SystemUpdate", "Install the security updates of 2026-10", {"UpdateClassification": "Security"}
    )
    row["properties"]["metadata"] |= {"plannedDeprecationDate": "07/2027", "partnerData": None}
    return security(row)


@odd
def _finding_secret(scene: Scene) -> Iterator[Placed]:
    """A secret on the disk."""
    return security(_individual(scene, "ExposedSecrets", "A key lies in a file", {"SecretType": "SSH private key"}))


@odd
def _finding_setting(scene: Scene) -> Iterator[Placed]:
    """A setting of the operating system; risk without context, `additionalData` {}."""
    return security(_individual(scene, "HostMisconfigurations", "Passwords should be long", {}, risk=_NO_CONTEXT))


@odd
def _finding_kept_key(scene: Scene) -> Iterator[Placed]:
    """An older recommendation that kept its key: category Unknown, which is none; risk in another letter case."""
    row = scene.assessment(risk=_CONTEXT | {"level": "high", "attackPathsReferences": []})
    row["properties"]["metadata"] |= {"recommendationCategory": "Unknown"}
    return security(row)


@odd
def _finding_bare_risk(scene: Scene) -> Iterator[Placed]:
    """`risk` null, `additionalData` null, and keys that nobody knows at each level."""
    row = _individual(scene, "ServiceUpgrade", "Upgrade the service", {}, risk=None)
    properties = row["properties"]
    properties |= {"additionalData": None, "risk": None, "futureThing": {"a": [1, {"b": None}]}}
    properties["metadata"] |= {"futureWord": "soon"}
    properties["status"] |= {"futureState": 1.5}
    properties["resourceDetails"] |= {"FutureDetail": True}
    properties["links"] |= {"futureLink": "example.com/x"}
    return security(row)


@odd
def _finding_odd_text(scene: Scene) -> Iterator[Placed]:
    """Texts with line breaks, tabs, quotes, a backslash, an emoji and a NUL, which few targets can hold."""
    text = "one line\nanother\r\n\tindented, \"quoted\", 'single', back\\slash, \U0001f6e1\ufe0f, \u0000 NUL, Größe"
    row = _individual(scene, "HostMisconfigurations", text, {"Evidence": text, 'a "key"\n': "ok"})
    row["properties"]["metadata"]["description"] = text
    return security(row)


@odd
def _finding_large_value(scene: Scene) -> Iterator[Placed]:
    """A value of 300 kB."""
    evidence = "".join(f"{number:06d} a line of evidence, one of many\n" for number in range(300_000 // 40))
    return security(_individual(scene, "HostMisconfigurations", "Keep a short log", {"Evidence": evidence}))


@odd
def _finding_unknown_form(scene: Scene) -> Iterator[Placed]:
    """On a machine, by its `resourceDetails`, but with more behind the key than the id of an assessment has."""
    row = _individual(scene, "ExposedSecrets", "A secret, by an id of another form", {})
    row["id"] += f"/resources/{scene.tenant.guid('odd form')}"
    return security(row)


def _individual(  # noqa: PLR0913  # facts of an assessment, the last two by name
    scene: Scene,
    category: str,
    name: str,
    additional: Row,
    *,
    severity: str = "High",
    risk: Row | None = _NO_CONTEXT,
) -> Row:
    key = scene.tenant.guid("odd finding", category, name)
    metadata = {
        "displayName": name,
        "assessmentType": "DynamicBuiltIn",
        "severity": severity,
        "recommendationCategory": category,
        "description": f"About: {name}.",
        "remediationDescription": "Do what the name says.",
        "categories": ["Compute"],
        "publishDates": {"GA": "05/05/2026", "public": "03/04/2026"},
    }
    row = scene.assessment(
        displayName=name,
        resourceDetails=azure.individual_details(scene.showcase),
        metadata=metadata,
        additionalData=additional,
        risk=risk,
        scope="Subscription",
        links={"azurePortal": azure.portal_link(scene.showcase, key)},
    )
    return row | {"id": row["id"].removesuffix(row["name"]) + key, "name": key}


def _cve(name: str, score: float | None) -> dict[str, Any]:
    vector = {"Base": score, "CvssVectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}
    return {
        "CveId": name,
        "Severity": "High",
        "FixStatus": "FixAvailable",
        "FixedVersion": "9",
        "Cvss": [] if score is None else [{"Key": "2.0", "Value": {"Base": 1.0}}, {"Key": "3.0", "Value": vector}],
        "PublishedDate": "2026-03-22T17:15:00Z",
    }


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
