"""The connector document's table a second time, in plain Python: what each label holds, from the records of the tap."""

from __future__ import annotations

ASSET = {
    "assetName": "name",
    "operatingSystemName": "imageOffer",
    "operatingSystemVersion": "imageVersion",
    "macAddress": "macAddress",
    "ipAddress": "publicIPAddress",
}
FINDING = {
    "assetName": "vmName",
    "operatingSystemName": "imageOffer",
    "operatingSystemVersion": "imageVersion",
    "macAddress": "macAddress",
    "ipAddress": "publicIPAddress",
    "externalFindingId": "id",
    "findingName": "name",
    "findingSubType": "type",
    "findingDescription": "displayName",
    "findingFirstFoundOn": "firstEvaluationDate",
    "updatedOn": "statusChangeDate",
    "createdBy": "managedBy",
    "updatedBy": "managedBy",
    "recommendation": "recommendationCategory",
    "remediationStrategy": "remediationDescription",
    "impact": "userImpact",
    "policyId": "policyDefinitionId",
    "policyTitle": "metadataDisplayName",
    "policyType": "assessmentType",
    "policyDescription": "description",
    "policyFindingUrl": "azurePortalLink",
    "productName": "resourceProvider",
    "productVendor": "resourceType",
}
SEVERITIES = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
TYPES = {
    "softwareupdate": "Vulnerability",
    "systemupdate": "Vulnerability",
    "serviceupgrade": "Vulnerability",
    "codevulnerabilities": "Vulnerability",
    "apivulnerabilities": "Vulnerability",
    "exposedsecrets": "Secret",
}
EXTENDED_ASSET = {
    "cloudAccountId": "subscriptionId",
    "cloudResourceId": "resourceId",
    "cloudRegion": "location",
    "instanceType": "vmSize",
    "instanceState": "powerState",
    "hostName": "computerName",
    "privateIpAddress": "privateIPAddress",
    "guestOperatingSystemName": "osName",
    "guestOperatingSystemVersion": "osVersion",
    "sourceTags": "tags",
}
EXTENDED_FINDING = {
    "riskLevel": "riskLevel",
    "riskFactors": "riskFactors",
    "attackPaths": "attackPaths",
    "cveIds": "cves",
    "cvssBaseScore": "maxCvssScore",
    "softwareName": "softwareName",
    "softwareVendor": "softwareVendor",
    "softwareVersions": "softwareVersions",
    "fixedVersion": "fixedVersion",
    "attackTactics": "tactics",
    "attackTechniques": "techniques",
    "cloudAccountId": "subscriptionId",
    "cloudResourceId": "virtualMachineId",
}
STATUSES = {"unhealthy": "open", "healthy": "resolved", "notapplicable": "closed"}


def asset(machine):
    """Return the record of ``etm_assets`` for a record of ``virtual_machines``."""
    return {label: machine[field] for label, field in ASSET.items()} | {
        "externalAssetId": machine["vmId"] or machine["id"],
        "source": "Defender for Cloud",
    }


def finding(assessment):
    """Return the record of ``etm_findings`` for a record of ``assessments``."""
    return {label: assessment[field] for label, field in FINDING.items()} | {
        "externalAssetId": assessment["vmId"] or assessment["virtualMachineId"],
        "findingSeverity": SEVERITIES.get((assessment["severity"] or "").lower(), 0),
        "findingStatus": STATUSES.get((assessment["statusCode"] or "").lower()),
        "findingType": TYPES.get((assessment["recommendationCategory"] or "").lower(), "Misconfiguration"),
        "source": "Defender for Cloud",
        "vendorProductName": "Defender for Cloud",
    }


def extended_asset(machine):
    """Return the same as the map ``etm_extended`` makes it."""
    return (
        asset(machine) | {label: machine[field] for label, field in EXTENDED_ASSET.items()} | {"cloudProvider": "Azure"}
    )


def extended_finding(assessment):
    """Return the same as the map ``etm_extended`` makes it."""
    return finding(assessment) | {label: assessment[field] for label, field in EXTENDED_FINDING.items()}
