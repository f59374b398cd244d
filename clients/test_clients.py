"""The sandbox as clients meet it that others wrote: the Azure CLI, Cloud Custodian, Microsoft's package for Node, curl.

`make clients` installs them and runs this; it takes some minutes and a gigabyte, so it is no part of `make test`.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tap_mdc_vm_sandbox import Fleet

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / ".clients"
SANDBOX = Path(sys.executable).with_name("tap-mdc-vm-sandbox")
AZ = CLIENTS / "azure-cli" / "bin" / "az"
MACHINES = "Resources | where type =~ 'microsoft.compute/virtualmachines' | project id | order by id asc"
LOGINS = {
    "client_secret": '--service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"',
    "client_certificate": (
        '--service-principal -u "$AZURE_CLIENT_ID" --certificate "$AZURE_CLIENT_CERTIFICATE_PATH" '
        '--tenant "$AZURE_TENANT_ID"'
    ),
    "workload_identity": (
        '--service-principal -u "$AZURE_CLIENT_ID" --federated-token "$(cat "$AZURE_FEDERATED_TOKEN_FILE")" '
        '--tenant "$AZURE_TENANT_ID"'
    ),
    "managed_identity": "--identity",
}

pytestmark = pytest.mark.skipif(not CLIENTS.is_dir(), reason="make clients installs them")


@pytest.fixture(scope="module")
def fleet():
    return Fleet()


@pytest.fixture(scope="module")
def machines(fleet):
    """Ids of the machines that can be read, in order."""
    hidden = fleet.subscription("hidden").id
    kind = "microsoft.compute/virtualmachines"
    return sorted(
        row["id"] for row in fleet.tables["resources"] if row["type"] == kind and row["subscriptionId"] != hidden
    )


def beside_the_sandbox(*options, script, **environment):
    """What a shell script prints that runs beside the sandbox."""
    command = [str(SANDBOX), "--quota", "none", *options, "--", "bash", "-euo", "pipefail", "-c", script]
    environment = {**os.environ, "AZURE_EXTENSION_DIR": str(CLIENTS / "extensions"), **environment}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("method", LOGINS)
def test_the_azure_cli_signs_in_and_reads_three_pages(method, machines):
    size = -(-len(machines) // 3)
    pages = "".join(
        f"{AZ} graph query -q {shlex.quote(MACHINES)} --first {size} --skip {page * size} --query 'data[].id' -o tsv\n"
        for page in range(3)
    )
    printed = beside_the_sandbox(
        "--proxy", "--auth-method", method, script=f"{AZ} login {LOGINS[method]} -o none\n{pages}"
    )
    assert printed.split() == machines


def test_the_azure_cli_pages_by_tokens(machines):
    script = f"""
        {AZ} login {LOGINS["client_secret"]} -o none
        token=
        for page in 1 2 3; do
          answer=$({AZ} graph query -q {shlex.quote(MACHINES)} --first {-(-len(machines) // 3)} ${{token:+--skip-token "$token"}} -o json)
          echo "$answer" | {sys.executable} -c 'import json, sys; print(*(row["id"] for row in json.load(sys.stdin)["data"]))'
          token=$(echo "$answer" | {sys.executable} -c 'import json, sys; print(json.load(sys.stdin)["skip_token"] or "")')
        done
        test -z "$token"
    """
    assert beside_the_sandbox("--proxy", script=script).split() == machines


def test_the_azure_cli_lists_what_the_application_may_read(fleet):
    script = f"""
        {AZ} login {LOGINS["client_secret"]} -o none
        {AZ} account list --all --query '[].id' -o tsv
        {AZ} account get-access-token --query tokenType -o tsv
        {AZ} rest --method get --url '/tenants?api-version=2022-12-01' --query 'value[0].tenantId' -o tsv
    """
    *subscriptions, kind, tenant = beside_the_sandbox("--proxy", script=script).split()
    assert sorted(subscriptions) == sorted(each.id for each in fleet.subscriptions if each.readable)
    assert (kind, tenant) == ("Bearer", fleet.tenant_id)


def test_the_azure_cli_takes_the_sandbox_for_a_cloud(tmp_path, machines):
    login = LOGINS["client_secret"].replace("$AZURE_", "$TAP_MDC_VM_")
    script = f"""
        export REQUESTS_CA_BUNDLE="$TAP_MDC_VM_CA_BUNDLE" AZURE_CONFIG_DIR={tmp_path} AZURE_CORE_COLLECT_TELEMETRY=false
        {AZ} cloud register --name sandbox --endpoint-resource-manager "$TAP_MDC_VM_RESOURCE_MANAGER_URL"
        {AZ} cloud set --name sandbox
        {AZ} config set core.instance_discovery=false
        {AZ} login {login} -o none
        {AZ} graph query -q {shlex.quote(MACHINES)} --query 'data[].id' -o tsv
    """
    assert beside_the_sandbox(script=script).split() == machines


def test_cloud_custodian_reads_by_resource_graph(tmp_path, fleet, machines):
    policy = tmp_path / "policy.yml"
    policy.write_text("policies:\n- {name: machines, resource: azure.vm, source: resource-graph}\n")
    subscription = fleet.ordinary[0].id
    beside_the_sandbox(
        "--proxy",
        script=f"{CLIENTS}/custodian/bin/custodian run -s {tmp_path} {policy}",
        AZURE_SUBSCRIPTION_ID=subscription,
    )
    found = json.loads((tmp_path / "machines" / "resources.json").read_text())
    assert sorted(row["id"] for row in found) == [row_id for row_id in machines if f"/{subscription}/" in row_id]
    assert found[0]["properties"]["vmId"]


@pytest.mark.parametrize("method", ["client_secret", "client_certificate", "workload_identity"])
def test_the_quickstart_of_the_package_for_node(method, machines):
    printed = beside_the_sandbox("--proxy", "--auth-method", method, script=f"node {CLIENTS}/quickstart.mjs")
    assert json.loads(printed) == machines


def test_curl_sends_its_body_in_chunks(machines):
    script = r"""
        token=$(curl -sf "https://login.microsoftonline.com/$AZURE_TENANT_ID/oauth2/v2.0/token" \
          -d grant_type=client_credentials -d "client_id=$AZURE_CLIENT_ID" \
          --data-urlencode "client_secret=$AZURE_CLIENT_SECRET" -d scope=https://management.azure.com/.default |
          sed 's/.*access_token": *"\([^"]*\).*/\1/')
        echo '{"query": "Resources | where type =~ \"microsoft.compute/virtualmachines\" | count"}' |
          curl -sf "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01" \
          -H "Authorization: Bearer $token" -H "Content-Type: application/json" -H "Transfer-Encoding: chunked" \
          --data-binary @-
    """
    assert json.loads(beside_the_sandbox("--proxy", script=script))["data"] == [{"Count": len(machines)}]


def test_the_proxy_leads_nowhere_else():
    script = "curl -s -o /dev/null -w '%{http_connect}' https://example.com/ || true"
    assert re.fullmatch("403", beside_the_sandbox("--proxy", script=script))
