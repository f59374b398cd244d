"""What Defender for Cloud recommends since 2026: one recommendation per software, update, secret and setting.

Every function makes an `Advice`: what is the same for all machines that it is given to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from .azure_rows import moment
from .software import severity_of

if TYPE_CHECKING:
    from .software import Cve, Program
    from .tenant import Tenant

Facts = dict[str, Any]

SOFTWARE, SYSTEM, SECRET, SETTING = "SoftwareUpdate", "SystemUpdate", "ExposedSecrets", "HostMisconfigurations"
"""Values of `metadata.recommendationCategory`."""

_SECRETS = (
    ("SSH private key", "High", "/home/deploy/.ssh/id_ed25519"),
    ("Storage account access key", "Critical", "/etc/backup/upload.conf"),
    ("Database connection string", "High", "/srv/app/appsettings.json"),
    ("Cloud access token", "Critical", "/home/deploy/.config/cloud/credentials.json"),
    ("Password in a shell history", "Medium", "/home/deploy/.bash_history"),
    ("Certificate with its private key", "Medium", "/etc/ssl/private/legacy.pfx"),
)
_SETTINGS = {
    "Linux": (
        ("Passwords should have 14 characters at least", "Medium"),
        ("Root should not be able to sign in over SSH", "High"),
        ("The audit daemon should be running", "Medium"),
        ("Core dumps should be restricted", "Low"),
        ("The firewall should deny incoming traffic by default", "High"),
        ("Temporary folders should be mounted without execution", "Low"),
        ("Accounts should be locked after failed attempts", "Medium"),
        ("Kernel messages should be hidden from ordinary users", "Low"),
        ("Unused file systems should be disabled", "Low"),
        ("Scheduled jobs should belong to root only", "Medium"),
        ("Time should be synchronised", "Low"),
    ),
    "Windows": (
        ("Passwords should have 14 characters at least", "Medium"),
        ("The first version of SMB should be off", "High"),
        ("Guests should not be able to sign in", "High"),
        ("Sign-ins should be audited", "Medium"),
        ("The print spooler should be off on servers", "Medium"),
        ("Remote desktop should need network authentication", "High"),
        ("Anonymous users should not list accounts", "Medium"),
        ("Scripts should be logged", "Low"),
        ("The built-in administrator should have another name", "Low"),
        ("Autoplay should be off", "Low"),
        ("Sessions should end when nobody uses them", "Low"),
    ),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """A recommendation.

    Attributes:
        key: Its assessment key.
        kind: Its recommendation category.
        name: Display name.
        severity: Low, Medium, High or Critical.
        metadata: Properties of each of its assessments.
        additional: `additionalData` of an unhealthy machine.
        settled: `additionalData` of a healthy one.
    """

    key: str
    kind: str
    name: str
    severity: str
    metadata: orjson.Fragment
    additional: orjson.Fragment
    settled: orjson.Fragment


def software_update(tenant: Tenant, program: Program, release: int) -> Advice:
    """The advice to install a release of a program, which fixes CVEs."""
    cves = program.fixes(release)
    fixed, detected = program.version(release), program.version(release - 1)
    worst = max(cve.score for cve in cves)
    facts: Facts = {
        "SoftwareName": program.name,
        "SoftwareVendor": program.vendor,
        "PackageType": program.package,
        "Language": program.language,
        "DetectedSoftwareVersions": [detected],
        "FixedVersion": fixed,
        "FixStatus": "FixAvailable",
        "MaxCvssScore": str(worst),
    }
    scanner = {"FixedVersion": fixed, "DetectedSoftwareVersions": [detected], "CvesIds": [cve.id for cve in cves]}
    full = facts | {"ScannersDetails": {"mdvm": scanner}, "CvesDetails": [_details(cve, fixed) for cve in cves]}
    form = _FORMS[program.salt % len(_FORMS)]
    return _advice(
        tenant.guid("update", program.name, program.salt, release),
        SOFTWARE,
        severity_of(worst),
        (
            f"Update {program.name}",
            f"Version {detected} of {program.name} has {len(cves)} published holes, the worst with a score of {worst}.",
            f"1. Update {program.name} to version {fixed}.<br>2. Restart what uses it.",
        ),
        additional=form(full),
        settled=form({name: facts[name] for name in ("SoftwareName", "SoftwareVendor")}),
    )


def system_update(tenant: Tenant, system: str, os_name: str, month: str) -> Advice:
    """The advice to install a month's updates of an operating system."""
    name = (
        f"Install the {month} cumulative update for {os_name}"
        if system == "Windows"
        else f"Install the security updates of {month} for {os_name}"
    )
    severity = ("High", "Medium", "Critical", "High")[int(month[-2:]) % 4]
    facts = {
        "SoftwareName": os_name,
        "SoftwareVendor": "microsoft" if system == "Windows" else os_name.partition(" ")[0].lower(),
        "UpdateClassification": "Critical" if severity == "Critical" else "Security",
        "FixStatus": "FixAvailable",
        "RebootRequired": "true",
    }
    return _advice(
        tenant.guid("system update", os_name, month),
        SYSTEM,
        severity,
        (
            name,
            f"The updates that the vendor of {os_name} released in {month} are not installed.",
            "1. Plan a maintenance window.<br>2. Install the updates.<br>3. Restart the machine.",
        ),
        additional=facts,
        settled={},
    )


def exposed_secret(tenant: Tenant, machine: str, number: int) -> Advice:
    """The advice to remove a secret from the disk of a machine, which no other machine has."""
    what, severity, path = _SECRETS[number % len(_SECRETS)]
    return _advice(
        tenant.guid("secret", machine, number),
        SECRET,
        severity,
        (
            f"{what} should be removed from the machine",
            f"A scan of the disk found it in a file that others can read: {what}.",
            "1. Revoke it.<br>2. Keep its successor in a vault.<br>3. Delete the file.",
        ),
        additional={"SecretType": what, "FilePath": path if number < len(_SECRETS) else f"{path}.{number}"},
        settled={},
    )


def setting(tenant: Tenant, system: str, number: int) -> Advice:
    """The advice to change a setting of an operating system; beyond the catalogue, variants of the first ones."""
    entries = _SETTINGS[system]
    name, severity = entries[number % len(entries)]
    if number >= len(entries):
        name = f"{name} (rule {number // len(entries) + 1})"
    return _advice(
        tenant.guid("setting", system, number),
        SETTING,
        severity,
        (
            name,
            f"This setting differs from the hardening baseline for {system}.",
            "1. Change it in the image.<br>2. Change it on the machines that exist.",
        ),
        additional={"RuleId": f"{system[0]}-{number + 1:04d}", "BaselineName": f"Sandbox baseline for {system}"},
        settled={},
    )


def _advice(  # noqa: PLR0913  # facts of a recommendation, the last two by name
    key: str, kind: str, severity: str, texts: tuple[str, str, str], *, additional: Facts, settled: Facts
) -> Advice:
    """Put an advice together; its texts are name, description, remediation."""
    name, description, remediation = texts
    metadata = {
        "displayName": name,
        "assessmentType": "DynamicBuiltIn",
        "severity": severity,
        "recommendationCategory": kind,
        "description": description,
        "remediationDescription": remediation,
        "categories": ["Compute"],
        "userImpact": "Moderate",
        "implementationEffort": "Low",
        "publishDates": {"GA": "05/05/2026", "public": "03/04/2026"},
    }
    words = (orjson.Fragment(orjson.dumps(part)) for part in (metadata, additional, settled))
    return Advice(key, kind, name, severity, *words)


def _details(cve: Cve, fixed: str) -> Facts:
    return {
        "CveId": cve.id,
        "Severity": cve.severity,
        "FixStatus": "FixAvailable",
        "FixedVersion": fixed,
        "Cvss": [{"Key": "3.0", "Value": {"Base": cve.score, "CvssVectorString": cve.vector}}],
        "PublishedDate": moment(cve.published)[:19] + "Z",
    }


def as_text(facts: Facts) -> Facts:
    """Lists and objects as JSON text, which is how most rows have them."""
    return {
        name: orjson.dumps(value).decode() if isinstance(value, list | dict) else value for name, value in facts.items()
    }


def in_camel_case(facts: Facts) -> Facts:
    """Keys that begin in lower case, and the score as a number."""
    changed = {name[0].lower() + name[1:]: value for name, value in facts.items()}
    return changed | ({"maxCvssScore": float(changed["maxCvssScore"])} if "maxCvssScore" in changed else {})


_FORMS = (as_text, as_text, dict, in_camel_case, lambda facts: as_text(in_camel_case(facts)))
"""The forms of `additionalData`, by program: PascalCase or camelCase, JSON or JSON as text."""
