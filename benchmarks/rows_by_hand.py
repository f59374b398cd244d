"""Rows of Azure into the tap's records, and these into ETM's, as somebody writes that by hand.

Pure functions of their arguments, which trust Azure's types. Nothing is imported for them: whoever compares the tap
with a loop must not pay for the tap's own libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_MACHINE: dict[str, Any] = dict.fromkeys(
    ("vmId", "name", "imageOffer", "imageVersion", "osType", "macAddress", "privateIPAddress", "publicIPAddress")
)
_SEVERITIES = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_TYPES = dict.fromkeys(
    ("softwareupdate", "systemupdate", "serviceupgrade", "codevulnerabilities", "apivulnerabilities"), "Vulnerability"
) | {"exposedsecrets": "Secret"}
_STATUSES = {"unhealthy": "open", "healthy": "resolved", "notapplicable": "closed"}


def envelope(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"].lower(),
        "resourceId": row["id"],
        "name": row["name"],
        "type": row["type"],
        "tenantId": row["tenantId"],
        "subscriptionId": row["subscriptionId"],
        "resourceGroup": row["resourceGroup"] or None,
        "location": row["location"] or None,
    }


def lower(text: str | None) -> str | None:
    return text.lower() if text else None


def utc(text: str | None) -> str | None:
    """Azure writes seven digits and Z, or an offset of zero."""
    return f"{text[:26].removesuffix('Z').partition('+')[0]}Z" if text else None


def primary(items: list[dict[str, Any]]) -> dict[str, Any]:
    return next((item for item in items if item["primary"]), items[0] if items else {})


def interface(row: dict[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    properties = row["properties"]
    configurations = []
    for item in properties.get("ipConfigurations") or ():
        inner = item["properties"]
        public = inner["publicIPAddress"]["id"] if inner.get("publicIPAddress") else None
        configurations.append(
            {
                "id": item["id"].lower(),
                "name": item["name"],
                "primary": inner.get("primary"),
                "privateIPAddress": inner.get("privateIPAddress"),
                "privateIPAddressVersion": inner.get("privateIPAddressVersion"),
                "privateIPAllocationMethod": inner.get("privateIPAllocationMethod"),
                "subnetId": (inner.get("subnet") or {}).get("id"),
                "publicIPAddressId": public,
                "publicIPAddress": addresses.get(public.lower()) if public else None,
            }
        )
    main = primary(configurations)
    return {
        **envelope(row),
        "macAddress": properties.get("macAddress") or None,
        "primary": properties.get("primary"),
        "virtualMachineId": lower((properties.get("virtualMachine") or {}).get("id")),
        "privateIPAddress": main.get("privateIPAddress"),
        "publicIPAddress": main.get("publicIPAddress")
        or next((each["publicIPAddress"] for each in configurations if each["publicIPAddress"]), None),
        "ipConfigurations": configurations,
        "networkSecurityGroupId": (properties.get("networkSecurityGroup") or {}).get("id"),
        "enableAcceleratedNetworking": properties.get("enableAcceleratedNetworking"),
        "enableIPForwarding": properties.get("enableIPForwarding"),
        "tags": row["tags"],
        "properties": properties,
    }


def machine(row: dict[str, Any], interfaces: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    properties = row["properties"]
    storage = properties.get("storageProfile") or {}
    image = storage.get("imageReference") or {}
    seen = (properties.get("extended") or {}).get("instanceView") or {}
    power = (seen.get("powerState") or {}).get("code")
    attached, main = [], {}
    for item in (properties.get("networkProfile") or {}).get("networkInterfaces") or ():
        known = interfaces.get(item["id"].lower()) or {"ipConfigurations": []}
        marked = (item.get("properties") or {}).get("primary")
        configurations = known["ipConfigurations"]
        attached.append(
            {
                "id": item["id"].lower(),
                "primary": known.get("primary") if marked is None else marked,
                "macAddress": known.get("macAddress"),
                "privateIPAddresses": [c["privateIPAddress"] for c in configurations if c["privateIPAddress"]],
                "publicIPAddresses": [c["publicIPAddress"] for c in configurations if c["publicIPAddress"]],
            }
        )
    if attached:
        main = primary(attached)
        configuration = primary(interfaces.get(main["id"], {}).get("ipConfigurations", []))
    else:
        configuration = {}
    return {
        **envelope(row),
        "vmId": properties.get("vmId"),
        "vmSize": (properties.get("hardwareProfile") or {}).get("vmSize"),
        "provisioningState": properties.get("provisioningState"),
        "powerState": power.partition("/")[2] if power else None,
        "computerName": (properties.get("osProfile") or {}).get("computerName") or seen.get("computerName"),
        "osType": (storage.get("osDisk") or {}).get("osType"),
        "osName": seen.get("osName"),
        "osVersion": seen.get("osVersion"),
        "imagePublisher": image.get("publisher"),
        "imageOffer": image.get("offer"),
        "imageSku": image.get("sku"),
        "imageVersion": image.get("version"),
        "imageExactVersion": image.get("exactVersion"),
        "imageId": image.get("id") or image.get("communityGalleryImageId") or image.get("sharedGalleryImageId"),
        "priority": properties.get("priority"),
        "evictionPolicy": properties.get("evictionPolicy"),
        "licenseType": properties.get("licenseType"),
        "securityType": (properties.get("securityProfile") or {}).get("securityType"),
        "timeCreated": utc(properties.get("timeCreated")),
        "availabilitySetId": (properties.get("availabilitySet") or {}).get("id"),
        "virtualMachineScaleSetId": (properties.get("virtualMachineScaleSet") or {}).get("id"),
        "managedBy": row["managedBy"] or None,
        "zones": row["zones"],
        "tags": row["tags"],
        "identity": row["identity"],
        "plan": row["plan"],
        "networkInterfaces": attached,
        "macAddress": main.get("macAddress") or next((a["macAddress"] for a in attached if a["macAddress"]), None),
        "privateIPAddress": configuration.get("privateIPAddress"),
        "publicIPAddress": configuration.get("publicIPAddress")
        or next((address for each in attached for address in each["publicIPAddresses"]), None),
        "properties": properties,
    }


def finding(row: dict[str, Any], machines: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    identity, properties = row["id"].lower(), row["properties"]
    status, metadata = properties.get("status") or {}, properties.get("metadata") or {}
    details, link = properties.get("resourceDetails") or {}, (properties.get("links") or {}).get("azurePortal")
    about = identity.partition("/providers/microsoft.security/assessments/")[0]
    vm = machines.get(about, NO_MACHINE)
    return {
        **envelope(row),
        "managedBy": row["managedBy"] or None,
        "displayName": properties.get("displayName"),
        "statusCode": status.get("code"),
        "statusCause": status.get("cause"),
        "statusDescription": status.get("description"),
        "firstEvaluationDate": utc(status.get("firstEvaluationDate")),
        "statusChangeDate": utc(status.get("statusChangeDate")),
        "severity": metadata.get("severity"),
        "description": metadata.get("description"),
        "remediationDescription": metadata.get("remediationDescription"),
        "userImpact": metadata.get("userImpact"),
        "implementationEffort": metadata.get("implementationEffort"),
        "categories": metadata.get("categories"),
        "threats": metadata.get("threats"),
        "tactics": metadata.get("tactics"),
        "techniques": metadata.get("techniques"),
        "assessmentType": metadata.get("assessmentType"),
        "policyDefinitionId": metadata.get("policyDefinitionId"),
        "metadataDisplayName": metadata.get("displayName"),
        "recommendationCategory": metadata.get("recommendationCategory")
        or ", ".join(metadata.get("categories") or ())
        or None,
        "preview": metadata.get("preview"),
        "azurePortalLink": f"https://{link}" if link and not link.startswith("https://") else link,
        "resourceSource": details.get("Source"),
        "resourceType": details.get("ResourceType") or "virtualMachines",
        "resourceProvider": details.get("ResourceProvider") or "Microsoft.Compute",
        "resourceName": details.get("ResourceName") or row["id"].split("/")[8],
        "additionalData": properties.get("additionalData"),
        "virtualMachineId": about,
        "vmId": vm["vmId"],
        "vmName": vm["name"],
        "imageOffer": vm["imageOffer"],
        "imageVersion": vm["imageVersion"],
        "osType": vm["osType"],
        "macAddress": vm["macAddress"],
        "privateIPAddress": vm["privateIPAddress"],
        "publicIPAddress": vm["publicIPAddress"],
    }


def etm_asset(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "externalAssetId": record["vmId"] or record["id"],
        "assetName": record["name"],
        "operatingSystemName": record["imageOffer"],
        "operatingSystemVersion": record["imageVersion"],
        "macAddress": record["macAddress"],
        "ipAddress": record["publicIPAddress"],
        "source": "Defender for Cloud",
    }


def etm_finding(record: dict[str, Any]) -> dict[str, Any]:
    """Map an assessment as somebody would who writes no map but a function."""
    return {
        "externalFindingId": record["id"],
        "externalAssetId": record["vmId"] or record["virtualMachineId"],
        "findingName": record["name"],
        "findingType": _TYPES.get((record["recommendationCategory"] or "").lower(), "Misconfiguration"),
        "findingSubType": record["type"],
        "findingSeverity": _SEVERITIES.get((record["severity"] or "").lower(), 0),
        "findingStatus": _STATUSES.get((record["statusCode"] or "").lower()),
        "findingDescription": record["displayName"],
        "findingFirstFoundOn": record["firstEvaluationDate"],
        "updatedOn": record["statusChangeDate"],
        "createdBy": record["managedBy"],
        "updatedBy": record["managedBy"],
        "recommendation": record["recommendationCategory"],
        "remediationStrategy": record["remediationDescription"],
        "impact": record["userImpact"],
        "policyId": record["policyDefinitionId"],
        "policyTitle": record["metadataDisplayName"],
        "policyType": record["assessmentType"],
        "policyDescription": record["description"],
        "policyFindingUrl": record["azurePortalLink"],
        "assetName": record["vmName"],
        "operatingSystemName": record["imageOffer"],
        "operatingSystemVersion": record["imageVersion"],
        "macAddress": record["macAddress"],
        "ipAddress": record["publicIPAddress"],
        "productName": record["resourceProvider"],
        "productVendor": record["resourceType"],
        "source": "Defender for Cloud",
        "vendorProductName": "Defender for Cloud",
    }
