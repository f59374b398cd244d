"""What becomes of a raw configuration: settings, or every problem at once."""

import io
import json
from datetime import date
from pathlib import Path
from typing import ClassVar

import hypothesis
import jsonschema
import pytest
import trustme
from dotenv import dotenv_values
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from singer_sdk import Tap
from singer_sdk.helpers.capabilities import PluginCapabilities

from tap_mdc_vm.clouds import CLOUDS
from tap_mdc_vm.errors import ConfigurationError
from tap_mdc_vm.settings import CONFIG_SCHEMA, OF_THE_SDK, Settings, gathered
from tap_mdc_vm.settings.sources import from_environment
from tap_mdc_vm.tap import TapMdcVm

TENANT = "6f1d2c3b-0000-4000-8000-00000000000a"
CLIENT = "6f1d2c3b-0000-4000-8000-00000000000b"
SECRET = "kQ8~not-a-real-secret.x_"
ENOUGH = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET}
TAGS = {"env": ("prod",), "Team": ("a", "b"), "owner": ()}
TODAY = date(2026, 11, 23)


def read(_without=(), _environ=None, **changes):
    config = {name: value for name, value in (ENOUGH | changes).items() if name not in _without}
    return Settings.from_config(config, _environ or {}, TODAY)


def outcome(**changes):
    """Return the problems, none if there are none."""
    try:
        read(**changes)
    except ConfigurationError as error:
        return error.problems
    return []


def problems(_without=(), _environ=None, **changes):
    with pytest.raises(ConfigurationError) as caught:
        read(_without, _environ, **changes)
    return caught.value.problems


def the_problem(**changes):
    (problem,) = problems(**changes)
    return problem


def test_three_values_are_enough():
    settings = read()
    assert (settings.tenant_id, settings.client_id, settings.client_secret.reveal()) == (TENANT, CLIENT, SECRET)


def test_defaults_are_those_that_the_interface_promises():
    settings = read()
    assert settings.auth_method == "client_secret"
    assert settings.subscription_ids == settings.management_group_ids == settings.assessment_statuses == ()
    assert settings.cloud.name == "AzureCloud"
    assert settings.cloud.scope == "https://management.azure.com/.default"
    assert settings.ca_bundle is None
    assert settings.transform_map == "etm"
    assert (settings.page_size, settings.max_concurrency, settings.request_timeout) == (1000, 8, 120)
    assert settings.on_incomplete == "fail"
    assert settings.emit_activate_version_messages is False


@pytest.mark.parametrize("unset", ["", None])
@pytest.mark.parametrize("name", sorted(set(CONFIG_SCHEMA["properties"]) - set(ENOUGH)))
def test_empty_and_null_mean_not_set(name, unset):
    assert read(**{name: unset}) == read()


def test_every_problem_is_reported_at_once_and_names_its_setting():
    found = problems(
        _without=["client_id"], tenant_id="contoso.onmicrosoft.com", client_secret="", page_size=0, cloud="Mars"
    )
    assert [problem.split()[0] for problem in found] == [
        "tenant_id",
        "client_id",
        "client_secret",
        "cloud",
        "page_size",
    ]
    assert not any("\n" in problem for problem in found)


@pytest.mark.parametrize("name", ENOUGH)
def test_a_missing_value_says_where_to_find_it_and_which_variable_sets_it(name):
    problem = the_problem(_without=[name])
    assert problem.startswith(f"{name} is missing: ")
    assert f"TAP_MDC_VM_{name.upper()}" in problem


@pytest.mark.parametrize("value", ["common", "contoso.com", TENANT[:-1], f"{{{TENANT}}}", TENANT.replace("-", "")])
@pytest.mark.parametrize("name", ["tenant_id", "client_id"])
def test_ids_must_be_guids(name, value):
    assert the_problem(**{name: value}).startswith(f"{name} is not a GUID")


def test_ids_are_taken_in_lower_case_without_blanks_around_them():
    assert read(tenant_id=f" {TENANT.upper()}\n").tenant_id == TENANT


# Types, as files, Meltano and the environment write them


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("page_size", "500", 500),
        ("page_size", 500, 500),
        ("max_concurrency", " 3 ", 3),
        ("request_timeout", "2.5", 2.5),
        ("request_timeout", 30, 30),
        ("emit_activate_version_messages", "true", True),
        ("emit_activate_version_messages", "FALSE", False),
        ("emit_activate_version_messages", 1, True),
        ("emit_activate_version_messages", False, False),
        ("on_incomplete", "WARN", "warn"),
        ("assessment_statuses", '["Unhealthy"]', ("Unhealthy",)),
        ("assessment_statuses", "unhealthy, notapplicable,", ("Unhealthy", "NotApplicable")),
        ("assessment_statuses", ["Healthy", "healthy"], ("Healthy",)),
        ("subscription_ids", f"{TENANT},{CLIENT.upper()}", (TENANT, CLIENT)),
        ("subscription_ids", f'["{CLIENT}", "{TENANT}"]', (CLIENT, TENANT)),
        ("subscription_ids", [CLIENT, TENANT, CLIENT.upper()], (CLIENT, TENANT)),
        ("subscription_ids", f"/subscriptions/{TENANT}", (TENANT,)),
        ("management_group_ids", "/providers/Microsoft.Management/managementGroups/Prod-1", ("Prod-1",)),
        ("assessment_severities", "high,critical", ("High", "Critical")),
        ("recommendation_categories", "softwareupdate, none", ("SoftwareUpdate", "None")),
        ("resource_groups", ["RG-Web", "rg-web", "Größe_1.(x)"], ("RG-Web", "Größe_1.(x)")),
        ("machine_tags", '{"env": "prod", "Team": ["a", "b", "a"], "owner": "*"}', TAGS),
        ("machine_tags", {"env": "prod", "Team": ["a", "b"], "owner": ["*"]}, TAGS),
        ("machine_tags", {"": "x"}, {"": ("x",)}),
        ("extra_streams", "Software,defender_plans", ("software", "defender_plans")),
        ("client_secret_expires_on", "2027-03-31", date(2027, 3, 31)),
        ("client_secret_expires_on", "2027-03-31T12:00:00Z", date(2027, 3, 31)),
    ],
)
def test_a_value_may_be_written_in_several_ways(name, written, meant):
    assert getattr(read(**{name: written}), name) == meant


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("page_size", 1001, "whole number from 1 to 1000"),
        ("page_size", "2.5", "whole number from 1 to 1000"),
        ("page_size", True, "whole number from 1 to 1000"),
        ("page_size", [], "whole number from 1 to 1000"),
        ("max_concurrency", 0, "whole number from 1 to 64"),
        ("request_timeout", "nan", "number from 1 to 3600"),
        ("request_timeout", "inf", "number from 1 to 3600"),
        ("request_timeout", "soon", "number from 1 to 3600"),
        ("emit_activate_version_messages", "maybe", "true or false"),
        ("on_incomplete", "fial", "did you mean fail?"),
        ("auth_method", "client_secrets", "did you mean client_secret?"),
        ("cloud", "AzureGovernment", "did you mean AzureUSGovernment?"),
        ("cloud", 7, "must be text"),
        ("assessment_statuses", "Unhealty", "did you mean Unhealthy?"),
        ("assessment_statuses", [1], "list of texts"),
        ("assessment_severities", "Moderate", "must hold only Low, Medium, High, Critical"),
        ("assessment_severities", ["Hihg"], "did you mean High?"),
        ("extra_streams", ["sofware"], "did you mean software?"),
        ("resource_groups", "/subscriptions/x/resourceGroups/y", "no resource group's name"),
        ("machine_tags", "prod", "must be an object"),
        ("machine_tags", {"env": 7}, "the tag 'env' a text"),
        ("machine_tags", {"env": []}, "the tag 'env' a text"),
        ("machine_tags", {"env": "a", "Env": "b"}, "the tag 'Env' twice"),
        ("subscription_ids", "production", "'production', not a GUID"),
        ("subscription_ids", {"a": 1}, "list of texts"),
        ("subscription_ids", f"[{TENANT}]", "in a shell with '…' around it"),
        ("management_group_ids", '["All of Contoso"]', "not the display name"),
        ("client_secret_expires_on", "next spring", "must be a date"),
        ("transform_map", 5, "must be text"),
        ("ca_bundle", "a\0b", "must be one line of text"),
        ("client_secret", f"{SECRET}\n{SECRET}", "must be one line of text"),
        ("stream_maps", "not an object", "must be an object"),
        ("flattening_enabled", "perhaps", "must be true or false"),
        ("flattening_max_depth", "1.5", "must be a whole number"),
    ],
)
def test_a_bad_value_is_named_with_what_is_right(name, value, says):
    problem = the_problem(**{name: value})
    assert problem.startswith(f"{name} ")
    assert says in problem


def test_subscriptions_and_management_groups_exclude_each_other():
    problem = the_problem(subscription_ids=[TENANT], management_group_ids=["prod"])
    assert problem.startswith("management_group_ids can't be set together with subscription_ids")


# Addresses


@pytest.mark.parametrize("name", ["authority_host", "resource_manager_url"])
@pytest.mark.parametrize(
    "value",
    [
        "http://login.microsoftonline.com",
        "login.microsoftonline.com",
        "https://",
        "https://host/path",
        "https://host?x=1",
        "https://user:password@host",
        "https://host:port",
        "https://host:0",
        "https://[::1",
        "ftp://host",
        "https://a host",
        "https://*",
        "https://'host'",
        "https://host;x",
    ],
)
def test_an_address_is_https_and_a_host_and_nothing_else(name, value):
    problem = the_problem(**{name: value})
    assert problem.startswith(f"{name} must be https://")
    assert "password" not in problem


@pytest.mark.parametrize("value", ["https://127.0.0.1:8443", "https://127.0.0.1:8443/", "https://127.0.0.1:8443//"])
def test_an_override_replaces_the_address_of_the_cloud(value):
    cloud = read(cloud="AzureUSGovernment", resource_manager_url=value).cloud
    assert cloud.resource_manager_url == "https://127.0.0.1:8443"
    assert cloud.scope == "https://127.0.0.1:8443/.default"
    assert cloud.authority_host == "https://login.microsoftonline.us"


@pytest.mark.parametrize("name", CLOUDS)
def test_each_cloud_has_its_own_addresses(name):
    cloud = read(cloud=name.lower()).cloud
    assert cloud == CLOUDS[name]
    assert cloud.authority_host.startswith("https://login.")
    assert cloud.resource_manager_url.startswith("https://management.")


# What TLS trusts


@pytest.fixture
def pem(tmp_path):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


VARIABLES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_bundle_comes_from_the_environment_when_it_is_not_set(variable, pem):
    assert read(_environ={variable: pem}).ca_bundle == pem


def test_ca_bundle_wins_over_the_environment(pem):
    assert read(_environ=dict.fromkeys(VARIABLES, "/nowhere"), ca_bundle=pem).ca_bundle == pem


def test_the_variable_of_requests_wins_over_that_of_openssl(pem):
    assert read(_environ={"SSL_CERT_FILE": "/nowhere", "REQUESTS_CA_BUNDLE": pem}).ca_bundle == pem


def test_a_variable_may_name_a_directory(tmp_path):
    assert read(_environ={"REQUESTS_CA_BUNDLE": str(tmp_path)}).ca_bundle == str(tmp_path)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_that_names_nothing_is_named_itself(variable):
    problem = the_problem(_environ={variable: "/nowhere/ca.pem"})
    assert problem.startswith(f"{variable} names '/nowhere/ca.pem', which can't be read")


DAMAGED = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("content", ["", "not PEM", DAMAGED, DAMAGED[:30], DAMAGED.replace("\n", ""), "good" + DAMAGED])
def test_a_bundle_without_a_certificate_that_can_be_read_is_refused(content, pem, tmp_path):
    path = tmp_path / "bundle.pem"
    path.write_text(content.replace("good", Path(pem).read_text()))
    assert "holds no certificate in PEM, or one that is damaged" in the_problem(ca_bundle=str(path))


# Ways to sign in


def test_a_certificate_given_without_its_method_suggests_the_method():
    problem = the_problem(_without=["client_secret"], client_certificate_path="x.pem")
    assert "set auth_method to client_certificate" in problem


def test_client_certificate_needs_a_path():
    assert the_problem(auth_method="client_certificate").startswith("client_certificate_path is missing")


def test_a_certificate_file_that_is_not_there_is_named():
    problem = the_problem(auth_method="client_certificate", client_certificate_path="/nowhere/app.pem")
    assert problem.startswith("client_certificate_path names '/nowhere/app.pem', which can't be read")


def test_workload_identity_needs_a_token_from_somewhere():
    problem = the_problem(auth_method="workload_identity")
    assert problem.startswith("federated_token_file is missing")
    for way in ("AZURE_FEDERATED_TOKEN_FILE", "federated_token ", "GitHub Actions", "Azure DevOps"):
        assert way in problem


def workload_identity(_environ, **changes):
    return read(_without=["client_secret"], _environ=_environ, auth_method="workload_identity", **changes)


def test_the_federated_token_may_be_a_value():
    assert workload_identity({}, federated_token="a.b.c").federated_token.reveal() == "a.b.c"


def test_a_value_that_is_no_token_is_refused_without_being_shown():
    problem = the_problem(auth_method="workload_identity", federated_token="hunter2")
    assert problem.startswith("federated_token is no token")
    assert "hunter2" not in problem


def test_a_token_and_a_file_exclude_each_other():
    problem = the_problem(auth_method="workload_identity", federated_token="a.b.c", federated_token_file="/x")
    assert problem == "federated_token_file can't be set together with federated_token: remove one"


GITHUB = {
    "GITHUB_ACTIONS": "true",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.example/token?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "gh-bearer",
}
AZURE_DEVOPS = {
    "SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/contoso/_apis/oidctoken",
    "SYSTEM_ACCESSTOKEN": "ado-bearer",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "0a0a",
}


def test_github_is_asked_where_the_tap_runs_in_one_of_its_jobs():
    request = workload_identity(GITHUB).token_request
    assert (request.method, request.field, request.bearer.reveal()) == ("GET", "value", "gh-bearer")
    assert request.url == ("https://pipelines.example/token?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange")


def test_azure_devops_is_asked_where_the_tap_runs_in_one_of_its_pipelines():
    request = workload_identity(AZURE_DEVOPS).token_request
    assert (request.method, request.field, request.bearer.reveal()) == ("POST", "oidcToken", "ado-bearer")
    assert request.url == ("https://dev.azure.com/contoso/_apis/oidctoken?api-version=7.1&serviceConnectionId=0a0a")


def test_a_token_that_is_at_hand_is_asked_of_nobody(tmp_path):
    path = tmp_path / "token"
    path.write_text("a.b.c")
    assert workload_identity(GITHUB, federated_token="a.b.c").token_request is None
    assert workload_identity(GITHUB | {"AZURE_FEDERATED_TOKEN_FILE": str(path)}).token_request is None


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"GITHUB_ACTIONS": "true"}, "add id-token: write to its permissions"),
        ({**AZURE_DEVOPS, "SYSTEM_ACCESSTOKEN": ""}, "set SYSTEM_ACCESSTOKEN to $(System.AccessToken)"),
        ({**GITHUB, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://x/"}, "is not https"),
        ({**AZURE_DEVOPS, "SYSTEM_OIDCREQUESTURI": "http://x/"}, "is not https"),
        ({**GITHUB, "ACTIONS_ID_TOKEN_REQUEST_URL": "https://x:port/"}, "is not https"),
        ({**AZURE_DEVOPS, "SYSTEM_OIDCREQUESTURI": "https://[::1/"}, "is not https"),
    ],
)
def test_a_ci_service_that_gives_this_job_no_token_is_named_with_the_remedy(environ, says):
    problem = the_problem(auth_method="workload_identity", _environ=environ)
    assert problem.startswith("federated_token_file is missing")
    assert says in problem


@pytest.mark.parametrize("environ", [GITHUB, AZURE_DEVOPS], ids=["GitHub", "Azure DevOps"])
def test_blanks_and_line_breaks_around_what_a_ci_service_sets_do_not_count(environ):
    padded = {name: f" {value}\n" for name, value in environ.items() if name.startswith(("ACTIONS", "SYSTEM"))}
    assert workload_identity(environ | padded) == workload_identity(environ)


def test_the_token_file_of_aks_is_found(tmp_path):
    path = tmp_path / "token"
    path.write_text("a.b.c\n")
    settings = read(auth_method="workload_identity", _environ={"AZURE_FEDERATED_TOKEN_FILE": str(path)})
    assert settings.federated_token_file == path


@pytest.mark.parametrize(
    "content", [b"hunter2", b"hunter2.b.c\nhunter2", "hünter2.b.c".encode(), "a.b.c".encode("utf-16")]
)
def test_a_token_file_that_holds_no_token_is_refused_without_its_contents(content, tmp_path):
    path = tmp_path / "token"
    path.write_bytes(content)
    problem = the_problem(auth_method="workload_identity", federated_token_file=str(path))
    assert "holds no token" in problem
    assert "nter2" not in problem


def test_a_token_file_of_the_environment_that_is_not_there_is_named_by_its_variable():
    problem = the_problem(auth_method="workload_identity", _environ={"AZURE_FEDERATED_TOKEN_FILE": "/nowhere"})
    assert problem.startswith("AZURE_FEDERATED_TOKEN_FILE names '/nowhere'")


def test_a_managed_identity_needs_neither_tenant_nor_client_nor_secret():
    settings = Settings.from_config({"auth_method": "managed_identity"}, {})
    assert (settings.tenant_id, settings.client_id, settings.client_secret) == ("", "", None)


def test_the_account_of_az_needs_nothing():
    settings = Settings.from_config({"auth_method": "azure_cli"}, {})
    assert (settings.tenant_id, settings.client_id, settings.client_secret) == ("", "", None)


def test_a_tenant_for_az_must_be_one():
    with pytest.raises(ConfigurationError, match="tenant_id is not a GUID"):
        Settings.from_config({"auth_method": "azure_cli", "tenant_id": "contoso"}, {})


@pytest.mark.parametrize(
    ("more", "method"),
    [
        ({}, "azure_cli"),
        ({"client_certificate_path": "x"}, "client_certificate"),
        ({"federated_token": "a.b.c"}, "workload_identity"),
    ],
)
def test_without_a_secret_another_way_is_proposed(more, method):
    assert f"or set auth_method to {method}" in the_problem(_without=["client_secret"], **more)


def test_a_managed_identity_named_by_no_guid_is_refused():
    with pytest.raises(ConfigurationError, match="client_id is not a GUID"):
        Settings.from_config({"auth_method": "managed_identity", "client_id": "my-identity"}, {})


# Warnings


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2026-11-22", "expired on 2026-11-22"),
        ("2026-11-23", "in 0 days"),
        ("2026-12-23", "in 30 days"),
    ],
)
def test_a_secret_close_to_its_end_is_warned_about(day, says, caplog):
    read(client_secret_expires_on=day)
    assert says in caplog.text


def test_a_secret_far_from_its_end_is_not(caplog):
    read(client_secret_expires_on="2026-12-24")
    assert caplog.text == ""


def test_a_secret_that_is_not_used_is_not_warned_about(caplog):
    read(auth_method="managed_identity", client_secret_expires_on="2020-01-01")
    assert caplog.text == ""


def test_the_id_of_a_secret_in_place_of_its_value_is_warned_about_without_showing_it(caplog):
    read(client_secret="0a0a0a0a-1111-4222-8333-0b0b0b0b0b0b")
    assert "the secret's ID" in caplog.text
    assert "0b0b0b0b0b0b" not in caplog.text


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [("subscripton_ids", "subscription_ids"), ("tenantId", "tenant_id"), ("stream_map", "stream_maps")],
)
def test_an_unknown_setting_is_a_warning_with_the_nearest_name(unknown, nearest, caplog):
    assert read(**{unknown: "x"}) == read()
    assert f"did you mean {nearest}?" in caplog.text
    assert caplog.records[0].levelname == "WARNING"


def test_an_unknown_category_is_a_warning_and_is_asked_for_as_it_is_written(caplog):
    assert read(recommendation_categories=["SoftwareUpdates", "SystemUpdate"]).recommendation_categories == (
        "SoftwareUpdates",
        "SystemUpdate",
    )
    (message,) = caplog.messages
    assert message == "recommendation_categories holds 'SoftwareUpdates', an unknown one; did you mean SoftwareUpdate?"


def test_a_setting_like_no_other_is_named_without_a_guess(caplog):
    read(zzzz="x")
    assert caplog.messages == ["Unknown setting 'zzzz' is ignored"]


# Secrets


@pytest.mark.parametrize("name", ["client_secret", "client_certificate_password", "federated_token"])
@pytest.mark.parametrize("value", [8471982374, ["8471982374"], {"8471982374": 1}, True])
def test_a_secret_of_the_wrong_type_is_refused_without_being_shown(name, value, caplog):
    problem = the_problem(**{name: value})
    assert problem == f"{name} must be text: put quotes around it"
    assert "8471982374" not in caplog.text


@pytest.mark.parametrize(
    "name", [name for name in CONFIG_SCHEMA["properties"] if name not in {"transform_map", "client_secret"}]
)
def test_a_secret_pasted_into_a_setting_of_short_words_is_not_repeated(name, caplog):
    shows_its_value = {
        "subscription_ids",
        "management_group_ids",
        "ca_bundle",
        "federated_token_file",
        "resource_groups",
    }
    said = outcome(**{name: SECRET})
    assert name in shows_its_value or SECRET not in "".join(said)
    assert SECRET not in caplog.text


def test_settings_print_without_their_secrets():
    assert SECRET not in repr(read())
    assert SECRET not in str(read())


# The environment


def test_the_environment_gives_the_same_settings_as_a_file():
    variables = {
        "TAP_MDC_VM_TENANT_ID": TENANT,
        "TAP_MDC_VM_CLIENT_ID": CLIENT,
        "TAP_MDC_VM_CLIENT_SECRET": SECRET,
        "TAP_MDC_VM_PAGE_SIZE": "10",
        "TAP_MDC_VM_SUBSCRIPTION_IDS": f'["{TENANT}"]',
        "PATH": "/bin",
    }
    assert Settings.from_config(from_environment(variables), {}) == read(page_size=10, subscription_ids=[TENANT])


def test_settings_of_the_sdk_given_as_text_reach_it_as_what_they_mean():
    maps = {"virtual_machines": {"name": "name.upper()"}, "assessments": "__NULL__"}
    variables = {
        "TAP_MDC_VM_STREAM_MAPS": json.dumps(maps),
        "TAP_MDC_VM_FLATTENING_ENABLED": "false",
        "TAP_MDC_VM_FLATTENING_MAX_DEPTH": "2",
        "TAP_MDC_VM_FLATTENING_SEPARATOR": "1",
    }
    assert read(**from_environment(variables)).of_the_sdk() == {
        "stream_maps": maps,
        "flattening_enabled": False,
        "flattening_max_depth": 2,
        "flattening_separator": "1",
    }


@pytest.mark.parametrize(("text", "flat"), [("false", False), ("true", True), ("", False)])
def test_a_tap_flattens_only_if_the_text_says_so(text, flat):
    tap = TapMdcVm(config=ENOUGH | {"flattening_enabled": text, "flattening_max_depth": "1"})
    assert tap.mapper.flattening_options.enabled == flat


def test_an_empty_flattening_depth_is_one_level():
    assert read(flattening_enabled="true", flattening_max_depth="").flattening_max_depth == 1


# .env, which Meltano reads by this library


TROUBLESOME = st.sampled_from("${}\\'\" #=~aé")


@given(st.text(TROUBLESOME, max_size=12))
def test_a_value_that_is_quoted_as_the_example_says_arrives_as_it_is(secret):
    quoted = secret.replace("\\", "\\\\").replace("'", "\\'").replace("${", "${DOLLAR:-$}{")
    assert dotenv_values(stream=io.StringIO(f"TAP_MDC_VM_CLIENT_SECRET='{quoted}'\n")) == {
        "TAP_MDC_VM_CLIENT_SECRET": secret
    }


def test_the_example_says_so():
    example = (Path(__file__).parents[3] / ".env.example").read_text()
    assert "write \\ as \\\\, ' as \\' and ${ as ${DOLLAR:-$}{" in example


# Files, and the environment beside them


def written(tmp_path, *configs):
    files = []
    for number, config in enumerate(configs):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(config))
        files.append(str(path))
    return files


def test_the_environment_fills_in_what_the_file_leaves_out(tmp_path, caplog):
    files = written(tmp_path, {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": "", "cloud": None})
    config = gathered(files, {"TAP_MDC_VM_CLIENT_SECRET": SECRET, "TAP_MDC_VM_PAGE_SIZE": "7"})
    assert Settings.from_config(config, {}) == read(page_size=7)
    assert caplog.messages == []


def test_of_a_value_in_both_the_files_counts_and_one_line_says_so(tmp_path, caplog):
    files = written(tmp_path, ENOUGH | {"page_size": 500, "cloud": "AzureCloud"})
    variables = {"TAP_MDC_VM_CLIENT_SECRET": "another", "TAP_MDC_VM_PAGE_SIZE": "7", "TAP_MDC_VM_CLOUD": "azurecloud"}
    assert Settings.from_config(gathered(files, variables), {}) == read(page_size=500)
    (message,) = caplog.messages
    assert "client_secret, page_size" in message
    assert SECRET not in message
    assert "another" not in message


def test_what_meltano_hands_down_beside_its_file_is_not_remarked_on(tmp_path, caplog):
    files = written(tmp_path, {"stream_maps": {"etm_findings": {"a": "b"}}})
    handed_down = {"TAP_MDC_VM_STREAM_MAPS": '{"etm_findings.a": "b"}', "MELTANO_EXTRACTOR_NAME": "tap-mdc-vm--etm"}
    assert gathered(files, handed_down) == {"stream_maps": {"etm_findings": {"a": "b"}}}
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("name", "in_file", "in_environment"),
    [
        ("subscription_ids", [TENANT], f'["{TENANT.upper()}"]'),
        ("emit_activate_version_messages", False, "False"),
        ("page_size", 500, "500"),
        ("machine_tags", {"env": "prod"}, '{"env": ["prod"]}'),
        ("stream_maps", {}, "{}"),
    ],
)
def test_one_value_written_in_two_ways_is_not_remarked_on(tmp_path, caplog, name, in_file, in_environment):
    gathered(written(tmp_path, {name: in_file}), {f"TAP_MDC_VM_{name.upper()}": in_environment})
    assert caplog.messages == []


def test_a_later_file_goes_before_an_earlier_one(tmp_path):
    assert gathered(written(tmp_path, {"cloud": "a", "page_size": 1}, {"cloud": "b"}), {}) == {
        "cloud": "b",
        "page_size": 1,
    }


@pytest.mark.parametrize(("content", "says"), [("[]", "an object"), ("{", "not JSON"), (None, "can't be read")])
def test_a_file_that_holds_no_settings_is_named(tmp_path, content, says):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=says) as caught:
        gathered([str(path)], {})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_file_may_be_written_as_windows_does(encoding, tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{\r\n"cloud": "ä"\r\n}', encoding=encoding)
    assert gathered([str(path)], {}) == {"cloud": "ä"}


def test_a_file_that_is_nested_beyond_measure_is_no_json(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("[" * 200_000)
    with pytest.raises(ConfigurationError, match="not JSON"):
        gathered([str(path)], {})


def test_the_file_of_the_command_is_filled_in_too(tmp_path, monkeypatch):
    monkeypatch.setenv("TAP_MDC_VM_CLIENT_SECRET", SECRET)
    (path,) = written(tmp_path, {"tenant_id": TENANT})
    config = TapMdcVm.cb_config(None, None, (path,)).config
    assert (config["tenant_id"], config["client_secret"]) == (TENANT, SECRET)


def test_a_misspelt_variable_is_warned_about(caplog):
    read(**from_environment({"TAP_MDC_VM_SUBSCRIPTON_IDS": TENANT}))
    assert "did you mean subscription_ids?" in caplog.text


@pytest.mark.parametrize(
    "variable",
    [
        "TAP_MDC_VM__CATALOG",
        "TAP_MDC_VM_LOGLEVEL",
        "TAP_MDC_VM_FLAT_PAGE_SIZE",
        "TAP_MDC_VM_FLAT__SELECT",
        "TAP_MDC_VM_STREAM_MAPS_ETM_FINDINGS_UPDATEDON",
    ],
)
def test_variables_of_meltano_and_the_sdk_are_none_of_ours(variable):
    assert from_environment({variable: "5"}) == {}


def test_empty_variables_mean_not_set():
    assert from_environment({"TAP_MDC_VM_CA_BUNDLE": ""}) == {}


# Promises to others


def test_the_settings_of_the_sdk_are_exactly_those_that_it_has():
    class Bare(Tap):
        name = "bare"
        config_jsonschema: ClassVar = {"properties": {}}
        capabilities: ClassVar = [PluginCapabilities.STREAM_MAPS, PluginCapabilities.FLATTENING]

    schema = {"properties": {}}
    Bare.append_builtin_config(schema)
    of_the_sdk = {name: setting["type"] for name, setting in schema["properties"].items()}
    assert of_the_sdk == {name: CONFIG_SCHEMA["properties"][name]["type"] for name in OF_THE_SDK}


def test_every_setting_is_described_and_every_secret_marked():
    described = CONFIG_SCHEMA["properties"]
    assert all(setting["description"].endswith(".") for setting in described.values())
    assert {name for name, setting in described.items() if setting.get("secret")} == {
        "client_secret",
        "client_certificate_password",
        "federated_token",
    }


@pytest.mark.parametrize("method", CONFIG_SCHEMA["properties"]["auth_method"]["enum"])
def test_the_schema_asks_for_the_ids_of_an_application_where_the_settings_do(method):
    config = {"auth_method": method}
    named = {problem.split()[0] for problem in problems(_without=ENOUGH, **config)} if method in NEEDY else set()
    errors = list(jsonschema.Draft202012Validator(CONFIG_SCHEMA).iter_errors(config))
    missing = {name for name in ("tenant_id", "client_id") for error in errors if f"'{name}'" in error.message}
    assert missing == named & {"tenant_id", "client_id"}


NEEDY = {"client_secret", "client_certificate", "workload_identity"}

RAW = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@hypothesis.settings(suppress_health_check=[HealthCheck.too_slow])  # other tests may have the processor
@given(st.dictionaries(st.sampled_from([*CONFIG_SCHEMA["properties"]]), RAW))
def test_any_configuration_whatever_gives_settings_or_problems_of_one_line(config):
    for problem in outcome(_without=ENOUGH, **config):
        assert problem.split()[0] in CONFIG_SCHEMA["properties"]
        assert problem.isprintable()


def test_paths_may_begin_with_the_home_directory(monkeypatch, pem):
    monkeypatch.setenv("HOME", str(Path(pem).parent))
    assert read(ca_bundle="~/ca.pem").ca_bundle == pem


@pytest.mark.parametrize("name", ["ca_bundle", "client_certificate_path", "federated_token_file"])
def test_a_home_directory_that_is_not_known_is_told(name):
    assert "no home directory is known" in the_problem(**{name: "~no-such-user/file"})


@pytest.mark.parametrize(
    "name", ["subscription_ids", "resource_groups", "recommendation_categories", "assessment_statuses"]
)
def test_an_empty_entry_of_a_list_is_refused_rather_than_reading_more_than_was_meant(name):
    assert problems(**{name: [""]}) == [f"{name} holds an empty entry: remove it, or fill it in"]
