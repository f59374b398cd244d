"""The container: the Dockerfile is clean, brings all that the wheel is made of, and the examples fit it and the tap."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_mdc_vm.settings import CONFIG_SCHEMA

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CRON_JOB = list(yaml.safe_load_all((ROOT / "examples/kubernetes/cronjob.yaml").read_text(encoding="utf-8")))[1]
APP_JOB = yaml.safe_load((ROOT / "examples/container-apps/job.yaml").read_text(encoding="utf-8"))
POD = CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_the_dockerfile_has_no_fault_that_its_linter_knows():
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_image_that_it_builds_on_is_pinned_and_every_one_that_runs_is_without_root():
    stages = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE)
    external = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) - set(stages)
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", image) for image in external)
    base = DOCKERFILE.partition(" AS base")[2]
    assert re.search(r"^USER \d+:\d+$", base, re.MULTILINE)
    assert "USER root" not in base


def test_all_that_the_wheel_is_made_of_is_copied_and_not_ignored():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = build["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], build["project"]["readme"], "LICENSE", "pyproject.toml"}
    copies = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    copied = {word for words in copies for word in words.split()}
    kept = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert needed <= copied
    assert needed <= set(kept)


def test_its_target_is_the_one_of_the_meltano_project():
    loaders = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["loaders"]
    pip_url = next(each["pip_url"] for each in loaders if each["name"] == "target-postgres")
    _, constraints, target = pip_url.split()
    assert f"ARG TARGET={target}\n" in DOCKERFILE
    assert f"ARG CONSTRAINTS={constraints}\n" in DOCKERFILE


@pytest.mark.parametrize(
    "container",
    [
        pytest.param(POD["containers"][0], id="Kubernetes"),
        pytest.param(APP_JOB["properties"]["template"]["containers"][0], id="Container Apps"),
    ],
)
def test_every_variable_of_an_example_is_a_setting_and_no_secret_stands_there(container: dict[str, Any]):
    variables = {each["name"]: each.get("value") for each in container["env"]}
    ours = {name.removeprefix("TAP_MDC_VM_").lower() for name in variables if name.startswith("TAP_MDC_VM_")}
    assert {"auth_method", "subscription_ids", "emit_activate_version_messages"} <= ours
    assert ours <= CONFIG_SCHEMA["properties"].keys()
    assert not any(CONFIG_SCHEMA["properties"][name].get("secret") for name in ours)
    assert variables["TARGET_POSTGRES_SQLALCHEMY_URL"] is None


def test_the_pod_has_no_root_and_writes_nowhere_but_to_its_scratch_folder():
    container = POD["containers"][0]
    assert POD["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]
    assert CRON_JOB["spec"]["concurrencyPolicy"] == "Forbid"
