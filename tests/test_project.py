"""What lies around the package: the Meltano project, make, and what git ignores."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from meltano.cli import cli as meltano_cli
from meltano.core.plugin.settings_service import PluginSettingsService
from meltano.core.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
MELTANO = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
PLACES = {
    "target-jsonl": "destination_path",
    "target-postgres": "default_target_schema",
    "target-s3-jsonl": "path_template",
    "target-duckdb": "path",
    "target-csv": "output_path",
    "target-csv--etm": "output_path",
    "target-s3-parquet": "prefix",
    "etm-delivery": "prefix",
}
"""The setting that says where a plugin writes: a folder, a file, a schema, a prefix."""
WRITING = [plugin["name"] for kind in ("loaders", "utilities") for plugin in MELTANO["plugins"][kind]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the Meltano project that commands may change."""
    shutil.copy(ROOT / "meltano.yml", tmp_path)
    return tmp_path


def place(folder: Path, environment: str, name: str) -> Any:
    """Return where a plugin writes in an environment, as Meltano tells it."""
    project = Project(folder)
    project.activate_environment(environment)
    return PluginSettingsService(project, project.plugins.find_plugin(name)).get(PLACES[name])


@pytest.mark.parametrize("plugin", WRITING)
def test_in_the_sandbox_every_target_writes_to_a_place_of_its_own_whatever_variables_say(
    plugin: str, project: Path, monkeypatch: pytest.MonkeyPatch
):
    variable = f"{plugin}_{PLACES[plugin]}".upper().replace("-", "_")
    assert place(project, "sandbox", plugin) != place(project, "prod", plugin)
    (project / ".env").write_text(f"{variable}=the real place\n", encoding="utf-8")
    assert place(project, "prod", plugin) == "the real place"
    assert "sandbox" in place(project, "sandbox", plugin)
    monkeypatch.setenv(variable, "the real place")
    assert "sandbox" in place(project, "sandbox", plugin)


@pytest.fixture
def meltano(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Run a command of Meltano in the project, and return the lines of meltano.yml that it took away or added."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(Project, "_default", None)

    definition = project / "meltano.yml"

    def run(*words: str) -> list[str]:
        before = definition.read_text(encoding="utf-8").splitlines()
        done = CliRunner().invoke(meltano_cli, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        after = definition.read_text(encoding="utf-8").splitlines()
        lost, new = (line for line in before if line not in after), (line for line in after if line not in before)
        return [f"-{line}" for line in lost] + [f"+{line}" for line in new]

    return run


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("config set target-jsonl custom_name defender", ["+      custom_name: defender"]),
        ("select tap-mdc-vm assessments *", ["+    select:", "+    - assessments.*"]),
        ('schedule set defender-daily --interval "0 3 * * *"', ["-  interval: 30 5 * * *", "+  interval: 0 3 * * *"]),
        (
            'schedule add defender-to-etm-daily --job defender-to-etm --interval "30 5 * * *"',
            ["+- name: defender-to-etm-daily", "+  job: defender-to-etm"],
        ),
        ("schedule list", []),
        ("environment list", []),
        ("state list", []),
        (
            "--environment prod config set tap-mdc-vm page_size 500",
            ["+      extractors:", "+          page_size: 500"],
        ),
    ],
)
def test_commands_of_meltano_change_nothing_else_in_the_project(
    command: str, lines: list[str], meltano: Callable[..., list[str]]
):
    changed = meltano(*shlex.split(command))
    assert [line for line in changed if line in lines] == lines
    assert len(changed) <= len(lines) + 2


def test_make_clean_leaves_loads_and_meltanos_state_alone(tmp_path: Path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = [".venv/bin/python", ".meltano/loaders/target-jsonl/x", ".meltano/.all", "output/sandbox/x.jsonl", "site/x"]
    kept = ["output/assessments-20261123T053000.jsonl", ".meltano/meltano.db", ".meltano/logs/elt/x", ".env"]
    for name in chain(made, kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"Makefile", *kept}


def test_make_notices_an_environment_of_another_python_than_the_one_asked_for(tmp_path: Path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    other = tmp_path / ".venv" / "bin" / "python"
    other.parent.mkdir(parents=True)
    other.write_text("#!/bin/sh\necho 3.1\n", encoding="utf-8")
    other.chmod(0o755)
    command = ["make", "--dry-run", f"PYTHON={sys.executable}"]
    done = subprocess.run([*command, "lint"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert ".venv is of Python 3.1, PYTHON is" in done.stderr
    assert subprocess.run([*command, "clean"], cwd=tmp_path, capture_output=True, check=False).returncode == 0


def written() -> set[str]:
    """Return the files that commands of the pages write into the clone, but for maps, which belong into it."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    pattern = r"(?:(?<!\d)>|-o|-keyout|-out|--config|--json|--markdown) ?([\w][\w./-]*\.\w+)"
    return {name for block in blocks for name in re.findall(pattern, block) if not name.endswith((".yml", ".yaml"))}


def test_git_ignores_every_file_that_the_pages_have_people_create():
    names = written() | {"config.json", ".env", "tap.pfx", "output/x.jsonl"}
    assert {"messages.jsonl", "key.pem", "overview.html"} <= names
    command = ["git", "check-ignore", "--no-index", *sorted(names)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert names - set(done.stdout.split()) == set()


def test_commands_stand_in_blocks_in_which_the_tests_look_for_them():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    marks = {mark for _, mark in re.findall(r"^( *)```(\w*)\n.*?^\1```$", text, re.DOTALL | re.MULTILINE)}
    assert marks - {"sh", "yaml", "text", "json", "python", "hcl", "dotenv"} == set()


def test_every_pipe_from_the_tap_fails_when_the_tap_fails():
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            if re.search(r"tap-mdc-vm\b[^|]*\| *[a-z-]*target-|sh -c", line):
                assert "pipefail" in line, f"{page.name}: {line}"
