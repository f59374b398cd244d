"""A script on azure-mgmt-resourcegraph as people write it: one page after the other, each row printed as it came.

It reads the same four queries as the tap, and makes nothing of the rows: no records, no joins, no map.

python benchmarks/azure_sdk_script.py

in the environment that tap-mdc-vm-sandbox sets.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from azure.identity import ClientSecretCredential
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

QUERIES = Path(__file__).resolve().parent.parent / "tap_mdc_vm" / "queries"


def main() -> None:
    setting = {name.removeprefix("TAP_MDC_VM_"): value for name, value in os.environ.items()}
    # The last two are for the sandbox, which is none of the authorities that Entra ID vouches for.
    credential = ClientSecretCredential(
        setting["TENANT_ID"],
        setting["CLIENT_ID"],
        setting["CLIENT_SECRET"],
        authority=setting["AUTHORITY_HOST"],
        disable_instance_discovery=True,
        connection_verify=setting["CA_BUNDLE"],
    )
    client = ResourceGraphClient(
        credential,
        base_url=setting["RESOURCE_MANAGER_URL"],
        credential_scopes=[f"{setting['RESOURCE_MANAGER_URL']}/.default"],
        connection_verify=setting["CA_BUNDLE"],
    )
    for name in ("virtual_machines", "network_interfaces", "public_ips", "assessments"):
        query = (QUERIES / f"{name}.kql").read_text()
        options = QueryRequestOptions(top=1000, result_format="objectArray")
        while True:
            answer = client.resources(QueryRequest(query=query, options=options))
            for row in answer.data:
                print(json.dumps(row))
            if not answer.skip_token:
                break
            options.skip_token = answer.skip_token


if __name__ == "__main__":
    main()
