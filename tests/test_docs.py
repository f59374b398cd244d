"""What people read is true: settings, fields, links and examples are compared with the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml
from pages import PAGES, ROOT
from yamllint import linter as yamllint
from yamllint.config import YamlLintConfig

from tap_mdc_vm import packaged
from tap_mdc_vm.settings import CONFIG_SCHEMA
from tap_mdc_vm.tap import TapMdcVm

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text(encoding="utf-8")
MELTANO = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
STREAMS = ("virtual_machines", "network_interfaces", "assessments", "vulnerabilities", "software", "defender_plans")
SETTINGS = sorted(CONFIG_SCHEMA["properties"])


def test_what_is_generated_from_the_code_is_up_to_date():
    script = [sys.executable, "scripts/write_reference.py", "--check"]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_on_its_page(setting: str):
    assert f"| `{setting}` |" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_settings_that_the_readme_names_exist():
    section = README.partition("## Settings\n")[2].partition("\n## ")[0]
    names = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.+?) \|", section, re.MULTILINE))))
    assert len(names) >= 6
    assert names <= set(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_in_the_meltano_project_with_its_default_and_its_secrecy(setting: str):
    by_name = {each["name"]: each for each in MELTANO["plugins"]["extractors"][0]["settings"]}
    schema = CONFIG_SCHEMA["properties"][setting]
    assert by_name[setting]["description"]
    assert by_name[setting].get("value") == schema.get("default")
    assert by_name[setting].get("sensitive", False) == schema.get("secret", False)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_field_is_in_its_streams_section(stream: str):
    sections = re.split(r"^##+ ", (ROOT / "docs" / "streams.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    section = next(text for text in sections if text.startswith(f"{stream}\n"))
    for field in packaged.schema(stream)["properties"]:
        assert f"| `{field}` |" in section


@pytest.mark.parametrize("stream", [*STREAMS, "etm_assets", "etm_findings"])
def test_every_stream_is_in_the_readme(stream: str):
    assert f"| `{stream}` |" in README


def test_every_command_of_the_distribution_is_in_the_readme():
    for command in re.findall(r"^(tap-mdc-vm[\w-]*) = ", (ROOT / "pyproject.toml").read_text(), re.MULTILINE):
        assert f"| `{command}` |" in README


def test_the_meltano_project_fits_meltanos_own_schema():
    schema = json.loads((resources.files("meltano") / "schemas" / "meltano.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(MELTANO)


def test_the_meltano_project_names_the_taps_capabilities():
    declared = set(MELTANO["plugins"]["extractors"][0]["capabilities"])
    assert declared == {capability.value for capability in TapMdcVm.capabilities} | {"test"}


def test_the_definition_for_meltanohub_describes_the_same_plugin():
    """The keys are those that the Hub's schema allows for an extractor, the required ones first."""
    hub = yaml.safe_load((ROOT / "hub" / "tap-mdc-vm.yml").read_text(encoding="utf-8"))
    required = {"name", "namespace", "variant", "quality", "repo"}
    allowed = {
        *("pip_url", "label", "description", "executable", "settings", "docs", "repo", "logo_url", "hidden", "python"),
        *("settings_group_validation", "commands", "capabilities", "metadata", "schema", "select", "keywords"),
        *("maintenance_status", "domain_url", "requires", "definition", "next_steps", "settings_preamble", "usage"),
        *("prereq", "supported_python_versions", "log_parser"),
    }
    assert required <= hub.keys() <= required | allowed
    extractor = MELTANO["plugins"]["extractors"][0]
    for key in ("name", "namespace", "executable", "capabilities", "settings_group_validation", "settings"):
        assert hub[key] == extractor[key]
    versions = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert hub["supported_python_versions"] == versions


def test_the_definition_for_meltanohub_passes_its_linter():
    """The rules are those of the Hub's own .yamllint.yaml."""
    rules = {
        "braces": {"forbid": "non-empty"},
        "document-start": {"present": False},
        "indentation": {"indent-sequences": False, "spaces": 2},
        "key-ordering": "enable",
        "line-length": "disable",
        "truthy": "disable",
    }
    config = YamlLintConfig(json.dumps({"extends": "default", "rules": rules}))
    text = (ROOT / "hub" / "tap-mdc-vm.yml").read_text(encoding="utf-8")
    assert list(yamllint.run(text, config)) == []


def test_every_variable_of_the_example_environment_is_a_setting():
    names = re.findall(r"^(?:# )?TAP_MDC_VM_(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(names) >= 3
    assert {name.lower() for name in names} <= CONFIG_SCHEMA["properties"].keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_scheduling_shows_the_jobs_and_schedules_that_the_project_has():
    page = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1])
    assert shown["jobs"] == MELTANO["jobs"]
    assert shown["schedules"] == MELTANO["schedules"]


def test_targets_has_a_section_of_its_own_for_every_loader():
    page = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
    for loader in MELTANO["plugins"]["loaders"]:
        if "inherit_from" not in loader:
            assert f"| `{loader['name']}` |" in page
            assert re.search(rf"run tap-mdc-vm(--flat)? {loader['name']}\n", page)


def test_every_query_is_on_the_page_of_questions():
    page = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    for query in (ROOT / "examples" / "sql").glob("*.sql"):
        assert f"| `{query.name}` |" in page


def test_the_architecture_page_names_every_module_of_the_tap():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tap = ROOT / "tap_mdc_vm"
    modules = {path.stem for path in [*tap.glob("*.py"), *tap.glob("azure/resource_graph/*.py")]} - {"__init__"}
    packages = {f"{path.parent.name}/" for path in tap.glob("*/__init__.py")}
    assert {name for name in modules | packages if f"`{name}`" not in page} == set()


def test_the_documentation_builds_without_a_warning(tmp_path: Path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


@pytest.mark.parametrize("stream", ["etm_assets", "etm_findings"])
def test_the_page_on_etm_maps_every_label_in_the_order_of_the_map(stream: str):
    page = (ROOT / "docs" / "etm.md").read_text(encoding="utf-8")
    section = page.partition(f"### Transform map of the {stream.removeprefix('etm_')}")[2].partition("\n#")[0]
    etm = yaml.safe_load((ROOT / "tap_mdc_vm" / "maps" / "etm.yml").read_text(encoding="utf-8"))
    labels = [label for label in etm["stream_maps"][stream] if not label.startswith("__")]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == labels
