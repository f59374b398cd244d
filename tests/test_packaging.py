"""What people install is whole: an sdist, the wheel built from it, and that wheel in an environment of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
STREAMS = {"virtual_machines", "network_interfaces", "assessments"}


def run(*command: object, cwd: Path) -> str:
    """Run a command without the settings of this machine's environment, and return its standard output."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TAP_MDC_VM_")}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an sdist, and a wheel from nothing but that."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an empty environment, and return its folder of commands."""
    environment = tmp_path_factory.mktemp("empty")
    venv.create(environment)
    wheel = next(distributions.glob("*.whl"))
    pins = ROOT / "constraints" / "project.txt"
    # Neither a pip of its own nor code that is compiled beforehand is worth its time for a few starts.
    pip = (sys.executable, "-m", "pip", "--python", environment / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-compile", "--constraint", pins, wheel, cwd=environment)
    return environment / "bin"


def test_the_wheel_discovers_its_streams_from_any_folder_without_a_configuration(installed: Path, tmp_path: Path):
    catalog = json.loads(run(installed / "tap-mdc-vm", "--discover", cwd=tmp_path))
    assert {stream["tap_stream_id"] for stream in catalog["streams"]} == STREAMS
    for stream in catalog["streams"]:
        checkout = json.loads((ROOT / "schemas" / f"{stream['stream']}.json").read_text())
        assert stream["schema"]["properties"].keys() == checkout["properties"].keys()


def test_the_wheel_tells_about_itself_from_any_folder(installed: Path, tmp_path: Path):
    about = json.loads(run(installed / "tap-mdc-vm", "--about", "--format", "json", cwd=tmp_path))
    assert about["name"] == "tap-mdc-vm"
    assert "client_secret" in about["settings"]["properties"]


def test_the_wheel_shows_its_transform_map(installed: Path, tmp_path: Path):
    assert (
        run(installed / "tap-mdc-vm-map", "show", "etm", cwd=tmp_path)
        == (ROOT / "tap_mdc_vm" / "maps" / "etm.yml").read_text()
    )


def test_without_its_extra_the_sandbox_names_what_to_install(installed: Path, tmp_path: Path):
    command = [installed / "tap-mdc-vm-sandbox", "--", "true"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "tap-mdc-vm[sandbox]" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_installed_is_what_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["sandbox"]]
    packages = {"tap_mdc_vm", "tap_mdc_vm_sandbox"}
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    imports = re.findall(r"^ *(?:from|import) (\w+)", "\n".join(map(Path.read_text, files)), re.MULTILINE)
    providers = packages_distributions()
    distributions = {providers[each][0].lower().replace("_", "-") for each in {*imports} & providers.keys() - packages}
    assert {re.match(r"[\w-]+", each)[0] for each in declared} == distributions


def test_both_distributions_carry_the_licence_and_every_data_file(distributions: Path):
    data = {path.relative_to(ROOT / "tap_mdc_vm") for path in (ROOT / "tap_mdc_vm").rglob("*.kql")}
    data |= {path.relative_to(ROOT / "tap_mdc_vm") for path in (ROOT / "tap_mdc_vm").rglob("*.yml")}
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        in_wheel = set(wheel.namelist())
    assert {f"tap_mdc_vm/{path}" for path in data} <= in_wheel
    assert {f"tap_mdc_vm/schemas/{stream}.json" for stream in STREAMS} <= in_wheel
    assert any(name.endswith("licenses/LICENSE") for name in in_wheel)
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as sdist:
        in_sdist = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md"} | {f"schemas/{stream}.json" for stream in STREAMS} <= in_sdist


def pinned(name: str) -> dict[str, str]:
    """Return the versions of a file of constraints by package."""
    lines = (ROOT / "constraints" / f"{name}.txt").read_text().splitlines()
    pins = [line.partition(";")[0].strip().partition("==") for line in lines]
    assert all(version for _, _, version in pins), "a line is no exact version"
    return {re.sub(r"\[.*\]", "", package).lower().replace("_", "-"): version for package, _, version in pins}


def test_everything_that_make_installs_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["sandbox"]]
    wanted += [entry for group in project["dependency-groups"].values() for entry in group if isinstance(entry, str)]
    names = {re.match(r"[\w.-]+", entry)[0].lower().replace("_", "-") for entry in wanted}
    assert names - pinned("project").keys() == set()


def test_everything_that_meltano_installs_is_pinned():
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]
    for plugin in [*plugins["loaders"], *plugins["utilities"]]:
        if "inherit_from" in plugin:
            continue
        options, file, *packages = plugin["pip_url"].split()
        assert (options, file) == ("--constraint", f"constraints/{plugin['name']}.txt")
        pins = pinned(plugin["name"])
        assert packages
        assert all(pins[package.partition("==")[0]] == package.partition("==")[2] for package in packages)
    assert plugins["extractors"][0]["pip_url"] == "--constraint constraints/project.txt --editable ."
