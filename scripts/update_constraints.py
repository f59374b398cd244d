"""Pins the newest versions that fit together: one file for the project, one for each loader and utility of meltano.yml.

They live in environments of their own, and some need versions that exclude each other, so one file
can't hold them all. The pins hold for every supported Python and platform. No file names a package index:
that is for the configuration of pip to say.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints"


def compile_pins(name: str, arguments: list[str], requirements: str = "") -> None:
    """Write ``constraints/<name>.txt``.

    Args:
        name: Of the environment that the pins are for.
        arguments: Further arguments of ``uv pip compile``: where the requirements are.
        requirements: Read by uv when an argument is ``-``.
    """
    options = shlex.split(
        "--quiet --universal --python-version 3.11 --upgrade --system-certs --no-header --no-annotate"
    )
    command = [find_uv_bin(), "pip", "compile", *options, *arguments]
    pins = subprocess.run(command, cwd=ROOT, input=requirements, stdout=subprocess.PIPE, text=True, check=True)
    (CONSTRAINTS / f"{name}.txt").write_text(pins.stdout, encoding="utf-8")


def main() -> int:
    """Pin everything anew."""
    CONSTRAINTS.mkdir(exist_ok=True)
    everything = shlex.split("pyproject.toml --extra sandbox --group dev --group bench -")
    compile_pins("project", everything, "pip\n")
    meltano = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    for plugin in [*meltano["plugins"]["loaders"], *meltano["plugins"]["utilities"]]:
        if pip_url := plugin.get("pip_url"):  # one that inherits has none of its own
            words = shlex.split(pip_url)
            compile_pins(plugin["name"], ["-"], "\n".join(word for word in words if "==" in word))
    return 0


if __name__ == "__main__":
    sys.exit(main())
