"""The command `tap-mdc-vm-sandbox`."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from .fleet import Fleet
from .quota import Quota
from .sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command beside the stand-in, or serve until interrupted.

    Returns:
        The command's exit status.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    with _sandbox(options) as sandbox:
        if options.command and options.command[0] == "serve":
            return _serve(sandbox)
        return _run(options.command, sandbox)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tap-mdc-vm-sandbox")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--machines", type=int, default=60)
    parser.add_argument("--assessments-per-machine", type=int, default=11)
    parser.add_argument("--subscriptions", type=int, default=3)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def _sandbox(options: argparse.Namespace) -> Sandbox:
    fleet = Fleet(
        seed=options.seed,
        machines=options.machines,
        assessments_per_machine=options.assessments_per_machine,
        subscriptions=options.subscriptions,
    )
    return Sandbox(fleet, quota=Quota(), port=options.port)


def _run(command: Sequence[str], sandbox: Sandbox) -> int:
    command = command[1:] if command and command[0] == "--" else command
    return subprocess.run(command, env=os.environ | sandbox.environment, check=False).returncode  # noqa: S603


def _serve(sandbox: Sandbox) -> int:
    for name, value in sandbox.environment.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    return 0
