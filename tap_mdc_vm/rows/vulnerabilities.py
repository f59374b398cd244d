"""The vulnerabilities of a software on a machine: a record per CVE of an assessment."""

from __future__ import annotations

from tap_mdc_vm.rows.additional_data import cves_of, score_of
from tap_mdc_vm.rows.fields import Context, Json, text
from tap_mdc_vm.rows.shape import Shape

_BLANK = Shape("vulnerabilities").blank


def vulnerabilities(assessment: Json, context: Context) -> list[Json]:
    """Return the records of the CVEs of a record of the stream ``assessments``."""
    if not assessment["cves"]:
        return []
    shared = {name: assessment.get(name) for name in _BLANK} | {"assessmentId": assessment["id"]}
    records = []
    for identity, cve in cves_of(assessment["additionalData"]).items():
        record = shared.copy()
        record["cveId"] = identity
        record["severity"] = text(cve.severity)
        record["cvssScore"], record["cvssVector"] = score_of(cve)
        record["fixStatus"] = text(cve.fix_status) or shared["fixStatus"]
        record["fixedVersion"] = text(cve.fixed_version) or shared["fixedVersion"]
        record["publishedDate"] = context.instant(cve.published_date, "vulnerabilities.publishedDate")
        records.append(record)
    return records
