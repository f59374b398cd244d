"""The page on setting up Azure: what can be checked of it without Azure."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tap_mdc_vm.clouds import CLOUDS
from tap_mdc_vm.settings import CONFIG_SCHEMA

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "azure-setup.md").read_text()
METHODS = CONFIG_SCHEMA["properties"]["auth_method"]["enum"]


def blocks(language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=lambda cloud: cloud.name)
def test_the_hosts_of_each_cloud_are_those_that_the_tap_talks_to(cloud):
    hosts = f"`{cloud.authority_host}`, `{cloud.resource_manager_url}`".replace("https://", "")
    assert f"| `{cloud.name}` | {hosts} |" in PAGE


@pytest.mark.parametrize("method", METHODS)
def test_each_way_to_sign_in_is_compared_and_shown(method):
    assert f"| `{method}` |" in PAGE
    assert method == "client_secret" or re.search(rf"TAP_MDC_VM_AUTH_METHOD\W+(value: )?{method}\b", PAGE)


def test_each_variable_is_one_of_the_taps():
    named = set(re.findall(r"TAP_MDC_VM_(\w+)", PAGE))
    assert named
    assert {name.lower() for name in named} <= set(CONFIG_SCHEMA["properties"])


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.split('"')[3])
def test_what_is_json_parses(block):
    assert json.loads(block)


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.split()[0])
def test_what_is_yaml_parses(block):
    assert all(yaml.safe_load_all(block))


@pytest.mark.parametrize("block", blocks("hcl"), ids=lambda block: block.split()[1].strip('"'))
def test_what_is_terraform_is_balanced_and_refers_to_what_is_there(block):
    assert block.count("{") == block.count("}")
    declared = set(re.findall(r'^resource "(\w+)" "(\w+)"', "".join(blocks("hcl")), re.MULTILINE))
    referred = set(re.findall(r"\b(azure(?:ad|rm)_\w+)\.(\w+)\.", block))
    assert referred <= declared


EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples" / "ci").glob("*/*.yml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_each_example_for_a_ci_service_sets_what_workload_identity_needs_and_keeps_no_secret_of_azure(path):
    text = path.read_text()
    assert yaml.safe_load(text)
    named = {name.lower() for name in re.findall(r"TAP_MDC_VM_(\w+)", text)}
    assert {"auth_method", "tenant_id", "client_id"} <= named <= {*CONFIG_SCHEMA["properties"]}
    assert "TAP_MDC_VM_AUTH_METHOD: workload_identity" in text
    assert "client_secret" not in named


# What the tap says when this is left out, and where an example has it
@pytest.mark.parametrize(
    ("service", "line"),
    [
        ("github", "id-token: write"),
        ("azure-devops", "SYSTEM_ACCESSTOKEN: $(System.AccessToken)"),
        ("gitlab", "aud: api://AzureADTokenExchange"),
    ],
)
def test_each_example_asks_its_service_for_the_token(service, line):
    (path,) = [path for path in EXAMPLES if path.parent.name == service]
    assert line in path.read_text()
