"""The least that could do the tap's work: one request after the other, and a dict written by hand for each row.

It signs in, follows skip tokens, joins, and writes the same Singer records. It has no settings, no quota, no second
try, no proof that anything is complete, and trusts Azure's types. It is as fast as such a loop gets: rows are decoded
and encoded by orjson, and nothing is looked at twice.

python benchmarks/bare_loop.py [--raw] [PAGES]

in the environment that tap-mdc-vm-sandbox sets; --raw leaves the ETM map out, PAGES ends it after so many pages.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import requests
from transform_map import by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERIES = Path(__file__).resolve().parent.parent / "tap_mdc_vm" / "queries"
SETTING = {name: os.environ[f"TAP_MDC_VM_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "CA_BUNDLE")}
AUTHORITY, MANAGER = os.environ["TAP_MDC_VM_AUTHORITY_HOST"], os.environ["TAP_MDC_VM_RESOURCE_MANAGER_URL"]
NO_MACHINE: dict[str, Any] = dict.fromkeys(
    ("vmId", "name", "imageOffer", "imageVersion", "osType", "macAddress", "privateIPAddress", "publicIPAddress")
)


def signed_in() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # or REQUESTS_CA_BUNDLE would win over verify
    session.verify = SETTING["CA_BUNDLE"]
    form = {
        "grant_type": "client_credentials",
        "client_id": SETTING["CLIENT_ID"],
        "client_secret": SETTING["CLIENT_SECRET"],
        "scope": f"{MANAGER}/.default",
    }
    answer = session.post(f"{AUTHORITY}/{SETTING['TENANT_ID']}/oauth2/v2.0/token", data=form)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    session.headers["Content-Type"] = "application/json"
    return session


PAGES = next((int(word) for word in sys.argv[1:] if word.isdecimal()), sys.maxsize)
asked = 0


def pages(session: requests.Session, name: str) -> Iterator[list[dict[str, Any]]]:
    url = f"{MANAGER}/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
    options = {"$top": 1000, "resultFormat": "objectArray"}
    while True:
        global asked  # noqa: PLW0603 - the whole of the loop's bookkeeping
        if asked == PAGES:
            raise SystemExit
        asked += 1
        query = {"query": (QUERIES / f"{name}.kql").read_text(), "options": options}
        answer = session.post(url, data=orjson.dumps(query))
        answer.raise_for_status()
        page = orjson.loads(answer.content)
        yield page["data"]
        if "$skipToken" not in page:
            return
        options["$skipToken"] = page["$skipToken"]


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


def interface(row: dict[str, Any], addresses: dict[str, str]) -> dict[str, Any]:
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


def machine(row: dict[str, Any], interfaces: dict[str, dict[str, Any]]) -> dict[str, Any]:
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


def finding(row: dict[str, Any], machines: dict[str, dict[str, Any]]) -> dict[str, Any]:
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


def main() -> None:  # noqa: C901 - one loop is the point
    session, raw = signed_in(), "--raw" in sys.argv
    write, dumps = sys.stdout.buffer.write, orjson.dumps

    def send(stream: str, record: dict[str, Any], now: str) -> None:
        write(dumps({"type": "RECORD", "stream": stream, "record": record, "time_extracted": now}))
        write(b"\n")

    addresses = {
        row["id"].lower(): row["properties"]["ipAddress"] for rows in pages(session, "public_ips") for row in rows
    }
    interfaces, machines = {}, {}
    for rows in pages(session, "network_interfaces"):
        for row in rows:
            record = interface(row, addresses)
            interfaces[record["id"]] = record
    for rows in pages(session, "virtual_machines"):
        now = datetime.now(UTC).isoformat()
        for row in rows:
            record = machine(row, interfaces)
            machines[record["id"]] = {name: record[name] for name in NO_MACHINE}
            send("virtual_machines", record, now)
            if not raw:
                send("etm_assets", etm_asset(record), now)
    now = datetime.now(UTC).isoformat()
    for record in interfaces.values():
        send("network_interfaces", record, now)
    for rows in pages(session, "assessments"):
        now = datetime.now(UTC).isoformat()
        for row in rows:
            record = finding(row, machines)
            send("assessments", record, now)
            if not raw:
                send("etm_findings", by_hand(record), now)


if __name__ == "__main__":
    main()
