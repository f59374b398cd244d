"""Computes every record a second time, naively: field by field from a list of paths, joined by searching raw rows.

It is written from the description of the streams alone, and shares nothing with the code under test: no index, no
common helper, no record that was built before another. A tenant is anything with the raw rows of the tables as lists:
``virtual_machines``, ``network_interfaces``, ``public_ips``, ``assessments``.
"""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta

ENVELOPE = {name: name for name in ("name", "type", "tenantId", "subscriptionId", "resourceGroup", "location")}

MACHINE = ENVELOPE | {
    "vmId": "properties.vmId",
    "vmSize": "properties.hardwareProfile.vmSize",
    "provisioningState": "properties.provisioningState",
    "osType": "properties.storageProfile.osDisk.osType",
    "osName": "properties.extended.instanceView.osName",
    "osVersion": "properties.extended.instanceView.osVersion",
    "imagePublisher": "properties.storageProfile.imageReference.publisher",
    "imageOffer": "properties.storageProfile.imageReference.offer",
    "imageSku": "properties.storageProfile.imageReference.sku",
    "imageVersion": "properties.storageProfile.imageReference.version",
    "imageExactVersion": "properties.storageProfile.imageReference.exactVersion",
    "priority": "properties.priority",
    "evictionPolicy": "properties.evictionPolicy",
    "licenseType": "properties.licenseType",
    "securityType": "properties.securityProfile.securityType",
    "secureBootEnabled": "properties.securityProfile.uefiSettings.secureBootEnabled",
    "vTpmEnabled": "properties.securityProfile.uefiSettings.vTpmEnabled",
    "encryptionAtHost": "properties.securityProfile.encryptionAtHost",
    "hyperVGeneration": "properties.extended.instanceView.hyperVGeneration",
    "availabilitySetId": "properties.availabilitySet.id",
    "virtualMachineScaleSetId": "properties.virtualMachineScaleSet.id",
    "managedBy": "managedBy",
    "zones": "zones",
    "tags": "tags",
    "identity": "identity",
    "plan": "plan",
    "properties": "properties",
}

INTERFACE = ENVELOPE | {
    "macAddress": "properties.macAddress",
    "primary": "properties.primary",
    "networkSecurityGroupId": "properties.networkSecurityGroup.id",
    "enableAcceleratedNetworking": "properties.enableAcceleratedNetworking",
    "enableIPForwarding": "properties.enableIPForwarding",
    "tags": "tags",
    "properties": "properties",
}

CONFIGURATION = {
    "name": "name",
    "primary": "properties.primary",
    "privateIPAddress": "properties.privateIPAddress",
    "privateIPAddressVersion": "properties.privateIPAddressVersion",
    "privateIPAllocationMethod": "properties.privateIPAllocationMethod",
    "subnetId": "properties.subnet.id",
    "publicIPAddressId": "properties.publicIPAddress.id",
}

FINDING = ENVELOPE | {
    "managedBy": "managedBy",
    "displayName": "properties.displayName",
    "statusCode": "properties.status.code",
    "statusCause": "properties.status.cause",
    "statusDescription": "properties.status.description",
    "severity": "properties.metadata.severity",
    "description": "properties.metadata.description",
    "remediationDescription": "properties.metadata.remediationDescription",
    "userImpact": "properties.metadata.userImpact",
    "implementationEffort": "properties.metadata.implementationEffort",
    "categories": "properties.metadata.categories",
    "threats": "properties.metadata.threats",
    "tactics": "properties.metadata.tactics",
    "techniques": "properties.metadata.techniques",
    "assessmentType": "properties.metadata.assessmentType",
    "policyDefinitionId": "properties.metadata.policyDefinitionId",
    "metadataDisplayName": "properties.metadata.displayName",
    "plannedDeprecationDate": "properties.metadata.plannedDeprecationDate",
    "additionalData": "properties.additionalData",
    "riskLevel": "properties.risk.level",
    "riskFactors": "properties.risk.riskFactors",
    "attackPaths": "properties.risk.attackPathsReferences",
    "riskIsContextual": "properties.risk.isContextualRisk",
}

COMPUTED = (
    "status.firstEvaluationDate",
    "status.statusChangeDate",
    "metadata.recommendationCategory",
    "metadata.preview",
    "links.azurePortal",
)
"""Paths below ``properties`` that fill a field of an assessment otherwise than as they are."""


MACHINE_TYPE = ["providers", "microsoft.compute", "virtualmachines"]


def at(node, path):
    """The value at a dotted path, None where the path breaks off."""
    for step in path.split("."):
        node = node.get(step) if isinstance(node, dict) else None
    return node


def said(node, path):
    value = at(node, path)
    return None if value == "" else value


def plain(paths, row):
    return {field: said(row, path) for field, path in paths.items()}


def keys(row):
    return {"id": row["id"].lower(), "resourceId": row["id"]}


def lowered(value):
    return value.lower() if value else None


def in_utc(value):
    if not value:
        return None
    fraction = ""
    rest = value[19:]
    if rest.startswith("."):
        while len(rest) > 1 and rest[1].isdigit():
            fraction, rest = fraction + rest[1], rest[0] + rest[2:]
        rest = rest[1:]
    moment = datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the zone is taken off by hand
    if rest not in ("Z", ""):
        hours, minutes = rest[1:].split(":")
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        moment += shift if rest[0] == "-" else -shift
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + ("." + fraction[:6] if fraction else "") + "Z"


def other_properties(given):
    """What is left of an assessment's properties when all that fills a field is taken away."""
    left = copy.deepcopy(given or {})
    filled = [path.removeprefix("properties.") for path in FINDING.values() if path.startswith("properties.")]
    for path in (*filled, *COMPUTED):
        *inside, last = path.split(".")
        parent = at(left, ".".join(inside)) if inside else left
        if isinstance(parent, dict):
            parent.pop(last, None)
    details = left.get("resourceDetails") or {}
    for name in list(details):
        if name.lower() in ("source", "resourcetype", "resourceprovider", "resourcename"):
            del details[name]
    for name in ("status", "resourceDetails", "risk", "metadata", "links"):
        if name in left and not left[name]:
            del left[name]
    return left or None


def from_json(value):
    """A value, also of its JSON in a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def software(additional):
    given = {name.lower(): value for name, value in (additional or {}).items()}
    versions, score = from_json(given.get("detectedsoftwareversions")), from_json(given.get("maxcvssscore"))
    cves = from_json(given.get("cvesdetails"))
    return {
        "softwareName": given.get("softwarename") or None,
        "softwareVendor": given.get("softwarevendor") or None,
        "softwareVersions": versions,
        "fixedVersion": given.get("fixedversion") or None,
        "fixStatus": given.get("fixstatus") or None,
        "maxCvssScore": score,
        "cves": None if cves is None else list(dict.fromkeys(cve["CveId"].upper() for cve in cves if "CveId" in cve)),
    }


def patch_mode(row):
    system = said(row, "properties.storageProfile.osDisk.osType")
    modes = {
        name: said(row, f"properties.osProfile.{name.lower()}Configuration.patchSettings.patchMode")
        for name in ("Windows", "Linux")
    }
    return modes[system] if system else modes["Windows"] or modes["Linux"]


def found(rows, identity):
    """The first row with an id, in whatever letter case."""
    return next((row for row in rows if identity and row["id"].lower() == identity.lower()), None)


def chosen(marks):
    """Position of the primary one: the only one, else the marked one, else the first; None of none."""
    if not marks:
        return None
    return marks.index(True) if len(marks) > 1 and True in marks else 0


def configurations(tenant, interface):
    result = []
    for item in said(interface, "properties.ipConfigurations") or []:
        row = found(tenant.public_ips, at(item, "properties.publicIPAddress.id"))
        result.append(
            {"id": lowered(said(item, "id"))}
            | plain(CONFIGURATION, item)
            | {"publicIPAddress": said(row, "properties.ipAddress")}
        )
    return result


def interface_record(tenant, row):
    items = configurations(tenant, row)
    number = chosen([item["primary"] for item in items])
    publics = [item["publicIPAddress"] for item in items if item["publicIPAddress"]]
    return (
        keys(row)
        | plain(INTERFACE, row)
        | {
            "virtualMachineId": lowered(said(row, "properties.virtualMachine.id")),
            "privateIPAddress": None if number is None else items[number]["privateIPAddress"],
            "publicIPAddress": (None if number is None else items[number]["publicIPAddress"])
            or (publics[0] if publics else None),
            "ipConfigurations": items,
        }
    )


def machine_record(tenant, row):
    listed, main = [], []
    references = list(at(row, "properties.networkProfile.networkInterfaces") or [])
    named = [said(reference, "id").lower() for reference in references if said(reference, "id")]
    for interface in sorted(tenant.network_interfaces, key=lambda each: each["id"].lower()):
        owner = said(interface, "properties.virtualMachine.id")
        if owner and owner.lower() == row["id"].lower() and interface["id"].lower() not in named:
            references.append({"id": interface["id"]})
    for reference in references:
        if not said(reference, "id"):
            continue
        interface = found(tenant.network_interfaces, reference["id"])
        items = configurations(tenant, interface)
        mark = at(reference, "properties.primary")
        number = chosen([item["primary"] for item in items])
        main.append({} if number is None else items[number])
        listed.append(
            {
                "id": reference["id"].lower(),
                "primary": at(interface, "properties.primary") if mark is None else mark,
                "macAddress": said(interface, "properties.macAddress"),
                "privateIPAddresses": [item["privateIPAddress"] for item in items if item["privateIPAddress"]],
                "publicIPAddresses": [item["publicIPAddress"] for item in items if item["publicIPAddress"]],
            }
        )
    number = chosen([item["primary"] for item in listed])
    primary, configuration = ({}, {}) if number is None else (listed[number], main[number])
    macs = [item["macAddress"] for item in listed if item["macAddress"]]
    publics = [address for item in listed for address in item["publicIPAddresses"]]
    image = at(row, "properties.storageProfile.imageReference")
    power = said(row, "properties.extended.instanceView.powerState.code")
    disks = at(row, "properties.storageProfile.dataDisks")
    return (
        keys(row)
        | plain(MACHINE, row)
        | {
            "powerState": power[len("PowerState/") :] if power else None,
            "computerName": said(row, "properties.osProfile.computerName")
            or said(row, "properties.extended.instanceView.computerName"),
            "imageId": said(image, "id")
            or said(image, "communityGalleryImageId")
            or said(image, "sharedGalleryImageId"),
            "patchMode": patch_mode(row),
            "dataDiskCount": None if disks is None else len(disks),
            "timeCreated": in_utc(at(row, "properties.timeCreated")),
            "networkInterfaces": listed,
            "macAddress": primary.get("macAddress") or (macs[0] if macs else None),
            "privateIPAddress": configuration.get("privateIPAddress"),
            "publicIPAddress": configuration.get("publicIPAddress") or (publics[0] if publics else None),
        }
    )


def finding_record(tenant, row):
    parts = row["id"].lower().split("/")
    about, said_of = parts[:9], parts[9:]
    if about[:2] + about[3:4] + about[5:8] != ["", "subscriptions", "resourcegroups", *MACHINE_TYPE]:
        return None
    if len(said_of) != 4 or said_of[:3] != ["providers", "microsoft.security", "assessments"]:
        return None
    identity = "/".join(parts[:9])
    machine_row = found(tenant.virtual_machines, identity)
    machine = machine_record(tenant, machine_row) if machine_row else {}
    details = {name.lower(): value for name, value in (at(row, "properties.resourceDetails") or {}).items()}
    metadata = at(row, "properties.metadata")
    link = said(row, "properties.links.azurePortal")
    category, kind = said(metadata, "recommendationCategory"), details.get("resourcetype") or "/"
    return (
        keys(row)
        | plain(FINDING, row)
        | {
            "firstEvaluationDate": in_utc(at(row, "properties.status.firstEvaluationDate")),
            "statusChangeDate": in_utc(at(row, "properties.status.statusChangeDate")),
            "recommendationCategory": (None if category == "Unknown" else category)
            or ", ".join(at(metadata, "categories") or [])
            or None,
            "preview": at(metadata, "preview") if metadata else None,
            "azurePortalLink": link if link is None or link.startswith("https://") else "https://" + link,
            "resourceSource": details.get("source"),
            "resourceType": "virtualMachines" if "/" in kind else kind,
            "resourceProvider": details.get("resourceprovider", "Microsoft.Compute"),
            "resourceName": details.get("resourcename", row["id"].split("/")[8]),
            "otherProperties": other_properties(at(row, "properties")),
            "virtualMachineId": identity,
            "vmName": machine.get("name"),
        }
        | software(at(row, "properties.additionalData"))
        | {
            field: machine.get(field)
            for field in (
                *("vmId", "imageOffer", "imageVersion", "osType"),
                *("macAddress", "privateIPAddress", "publicIPAddress"),
            )
        }
    )


ORACLES = {
    "virtual_machines": machine_record,
    "network_interfaces": interface_record,
    "assessments": finding_record,
}


def expected(tenant, stream):
    computed = [ORACLES[stream](tenant, row) for row in getattr(tenant, stream)]
    return [without_nul(record) for record in computed if record is not None]


def without_nul(value):
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {without_nul(name): without_nul(item) for name, item in value.items()}
    return [without_nul(item) for item in value] if isinstance(value, list) else value


# The extra streams


def vulnerability_records(tenant):
    result = []
    for row in tenant.assessments:
        finding = finding_record(tenant, row)
        given = {name.lower(): value for name, value in (at(row, "properties.additionalData") or {}).items()}
        for cve in from_json(given.get("cvesdetails")) or []:
            scored = {each["Key"]: each["Value"] for each in cve.get("Cvss") or []}
            newest = scored[max(scored)] if scored else {}
            result.append(
                {
                    "assessmentId": finding["id"],
                    "cveId": cve["CveId"].upper(),
                    "severity": cve.get("Severity"),
                    "cvssScore": newest.get("Base"),
                    "cvssVector": newest.get("CvssVectorString"),
                    "fixStatus": cve.get("FixStatus") or finding["fixStatus"],
                    "fixedVersion": cve.get("FixedVersion") or finding["fixedVersion"],
                    "publishedDate": in_utc(cve.get("PublishedDate")),
                }
                | {
                    field: finding[field]
                    for field in (
                        *("virtualMachineId", "vmId", "vmName", "subscriptionId", "tenantId", "resourceGroup"),
                        *("statusCode", "softwareName", "softwareVendor", "softwareVersions"),
                        *("firstEvaluationDate", "riskLevel"),
                    )
                }
            )
    return result


SCOPE = {name: name for name in ("subscriptionId", "tenantId", "resourceGroup")}

PROGRAM = SCOPE | {
    "vendor": "properties.vendor",
    "softwareName": "properties.softwareName",
    "version": "properties.version",
    "osPlatform": "properties.osPlatform",
    "endOfSupportStatus": "properties.endOfSupportStatus",
    "endOfSupportDate": "properties.endOfSupportDate",
    "numberOfKnownVulnerabilities": "properties.numberOfKnownVulnerabilities",
}

PLAN = SCOPE | {
    "name": "name",
    "pricingTier": "properties.pricingTier",
    "subPlan": "properties.subPlan",
    "resourcesCoverageStatus": "properties.resourcesCoverageStatus",
    "freeTrialRemainingTime": "properties.freeTrialRemainingTime",
    "deprecated": "properties.deprecated",
    "replacedBy": "properties.replacedBy",
    "extensions": "properties.extensions",
}


def program_record(tenant, row):
    machine_id = "/".join(row["id"].split("/")[:9])
    machine = found(tenant.virtual_machines, machine_id)
    return (
        keys(row)
        | plain(PROGRAM, row)
        | {
            "virtualMachineId": machine_id.lower(),
            "vmId": said(machine, "properties.vmId"),
            "vmName": said(machine, "name"),
            "firstSeenAt": at(row, "properties.firstSeenAt").replace(" ", "T") + "Z",
        }
    )


def plan_record(row):
    return keys(row) | plain(PLAN, row) | {"enablementTime": in_utc(at(row, "properties.enablementTime"))}
