"""The command ``tap-mdc-vm-map``: list, show, check and preview transform maps."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import ConfigurationError, TapError
from tap_mdc_vm.stream_maps.loading import examine, load
from tap_mdc_vm.stream_maps.map_file import names, read
from tap_mdc_vm.stream_maps.preview import aligned, preview
from tap_mdc_vm.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RAW = {
    "transform_map": "none",
    "stream_maps": {},
    "flattening_enabled": False,
}  # what the tap is run with for a preview


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        status: int = options.run_command(options)
        sys.stdout.flush()
    except ConfigurationError as error:
        for problem in error.problems:
            sys.stderr.write(f"tap-mdc-vm-map: {problem}\n")
        return 1
    except TapError as error:
        sys.stderr.write(f"tap-mdc-vm-map: {error}\n")
        return 1
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own last flush
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tap-mdc-vm-map",
        description="View, clone, check and try transform maps of tap-mdc-vm.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="list the maps that ship")
    command.set_defaults(run_command=_list)

    command = commands.add_parser("show", help="print a map, to read it or to make one's own of it")
    command.add_argument("name", metavar="NAME", help="a map that ships, such as etm")
    command.set_defaults(run_command=_show)

    command = commands.add_parser("check", help="name everything that is wrong with a map")
    command.add_argument("file", metavar="FILE", help="a map file (YAML or JSON), or the name of a map that ships")
    command.set_defaults(run_command=_check)

    command = commands.add_parser(
        "preview",
        help="show what a map makes of records, and how full each label is",
        description="Shows source, label and value for a few records, and for all of them how full each label is.",
    )
    command.add_argument(
        "input", metavar="MESSAGES", nargs="?", default="-", help="a file of Singer messages (-: a pipe)"
    )
    command.add_argument("--map", dest="transform_map", metavar="MAP", help="a name or a file (etm)")
    command.add_argument(
        "--config", metavar="FILE", help="the tap's settings: its map, its stream maps; also for --run"
    )
    command.add_argument("--records", metavar="N", type=int, default=2, help="records of each stream to show (2)")
    command.add_argument("--run", action="store_true", help="run the tap itself, instead of reading messages")
    command.set_defaults(run_command=_preview)
    return parser


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _list(_: argparse.Namespace) -> int:
    rows = [("map", "makes", "labels", "from")]
    for name in names():
        for number, (stream, content) in enumerate(load(name).stream_maps.items()):
            labels = [label for label in content if not label.startswith("__")]
            rows.append(("" if number else name, stream, str(len(labels)), content["__source__"]))
    rows.append(("none", "nothing beside the tap's own streams", "", ""))
    for line in aligned(rows, right=(2,)):
        _print(line)
    return 0


def _show(options: argparse.Namespace) -> int:
    if options.name not in names():
        raise ConfigurationError([f"there is no map {shown(options.name)}, only {', '.join(names())}"])
    sys.stdout.write(packaged.map_path(options.name).read_text(encoding="utf-8"))
    return 0


def _check(options: argparse.Namespace) -> int:
    try:
        examined = examine(read(options.file))
    except ConfigurationError as error:
        errors, warnings = error.problems, []
    else:
        errors, warnings = list(examined.problems), [*examined.transform_map.remarks, *examined.fragile]
    for kind, problems in (("error  ", errors), ("warning", warnings)):
        for problem in problems:
            _print(f"{kind}  {problem}")
    if errors or warnings:
        verdict = "the tap refuses this map" if errors else "the tap runs this map all the same"
        _print(f"{options.file}: {len(errors) + len(warnings)} found; {verdict}")
        return 1
    _print(f"{options.file}: no problems")
    return 0


def _preview(options: argparse.Namespace) -> int:
    settings = _settings(options.config)
    transform_map = load(
        options.transform_map or settings.get("transform_map") or "etm",
        settings.get("stream_maps"),
        settings.get("stream_map_config"),
    )
    with _messages(options) as lines:
        for line in preview(transform_map, lines, samples=options.records):
            _print(line)
    return 0


def _settings(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        settings = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"--config {shown(path)} can't be read: {error}"]) from error
    if not isinstance(settings, dict):
        raise ConfigurationError([f"--config {shown(path)} must hold a JSON object"])
    return settings


@contextlib.contextmanager
def _messages(options: argparse.Namespace) -> Iterator[Iterator[bytes]]:
    """Give the lines of the input: of the tap's output, of a file, or of a pipe."""
    if options.run:
        with _running(options.config) as lines:
            yield lines
    elif options.input != "-":
        try:
            file = Path(options.input).open("rb")  # noqa: SIM115 - so that only what opening raises is caught
        except OSError as error:
            raise ConfigurationError([f"{shown(options.input)} can't be read: {error.strerror}"]) from error
        with file:
            yield iter(file)
    elif sys.stdin.isatty():
        remedy = "Give a file or a pipe (tap-mdc-vm … | tap-mdc-vm-map preview), or --run to run the tap."
        raise TapError("There are no Singer messages to read.", remedy)
    else:
        yield iter(sys.stdin.buffer)


@contextlib.contextmanager
def _running(config: str | None) -> Iterator[Iterator[bytes]]:
    """Run the tap without a map and give the lines of its output. What it logs goes where this command logs.

    Args:
        config: A file with the tap's settings. None: they are in the environment.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "without-a-map.json"
        raw.write_text(json.dumps(_RAW), encoding="utf-8")
        files = ["--config", config, "--config", str(raw)] if config else []
        environment = os.environ | {f"TAP_MDC_VM_{name.upper()}": str(value) for name, value in _RAW.items()}
        command = [sys.executable, "-m", "tap_mdc_vm", *files]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as tap:  # noqa: S603 - our own command
            try:
                yield iter(tap.stdout or ())
            except BaseException:
                tap.terminate()
                raise
        if tap.returncode:
            raise TapError(f"The tap ended with status {tap.returncode}.", "Its own message, above, says why.")
