"""The command ``tap-mdc-vm-map``: list, show, check and preview transform maps."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from tap_mdc_vm import packaged
from tap_mdc_vm.errors import ConfigurationError, TapError
from tap_mdc_vm.settings import gathered, values
from tap_mdc_vm.stream_maps.checking import MapCheck, load
from tap_mdc_vm.stream_maps.map_file import names, read
from tap_mdc_vm.stream_maps.preview import aligned, preview
from tap_mdc_vm.wording import shown

_RAW = {"transform_map": "none", "stream_maps": {}, "flattening_enabled": False}  # how a preview runs the tap


class _Commands(click.Group):
    def invoke(self, context: click.Context) -> None:
        """Run a command: what a user can act on is one line per problem, and exit status 1."""
        try:
            super().invoke(context)
            sys.stdout.flush()
        except TapError as error:
            for problem in error.problems:
                click.echo(f"tap-mdc-vm-map: {problem}", err=True)
            context.exit(1)
        except BrokenPipeError:  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own last flush


@click.group("tap-mdc-vm-map", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """View, clone, check and try transform maps of tap-mdc-vm."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")


@main.command("list")
def list_maps() -> None:
    """List the maps that ship."""
    rows = [("map", "makes", "labels", "from")]
    for name in names():
        for number, (stream, content) in enumerate(load(name).stream_maps.items()):
            labels = [label for label in content if not label.startswith("__")]
            rows.append(("" if number else name, stream, str(len(labels)), content["__source__"]))
    rows.append(("none", "nothing beside the tap's own streams", "", ""))
    for line in aligned(rows, right=(2,)):
        click.echo(line)


@main.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the map NAME, to read it or to make one's own of it."""
    if name not in names():
        raise ConfigurationError([f"there is no map {shown(name)}, only {', '.join(names())}"])
    click.echo(packaged.map_path(name).read_text(encoding="utf-8"), nl=False)


@main.command()
@click.argument("file")
@click.pass_context
def check(context: click.Context, file: str) -> None:
    """Name everything that is wrong with a map: a FILE (YAML or JSON), or the name of a map that ships.

    Errors are what the tap refuses; then the exit status is 1. Warnings are what it runs all the same.
    """
    warnings: list[str] = []
    try:
        found = MapCheck(read(file))
        errors, warnings = list(found.problems()), [*found.remarks(), *found.fragile()]
    except ConfigurationError as error:
        errors = error.problems
    lines = [*(f"error    {each}" for each in errors), *(f"warning  {each}" for each in warnings)]
    for line in lines:
        click.echo(line)
    verdict = "the tap refuses this map" if errors else "the tap runs this map all the same"
    click.echo(f"{file}: {len(lines)} found; {verdict}" if lines else f"{file}: no problems")
    context.exit(1 if errors else 0)


@main.command("preview")
@click.argument("messages", default="-")
@click.option("--map", "transform_map", metavar="MAP", help="A name or a file (etm).")
@click.option("--config", metavar="FILE", help="The tap's settings, beside the environment; also for --run.")
@click.option("--records", metavar="N", default=2, help="Records of each stream to show (2).")
@click.option("--run", is_flag=True, help="Run the tap itself, instead of reading messages.")
def preview_map(messages: str, transform_map: str | None, config: str | None, records: int, run: bool) -> None:  # noqa: FBT001 - click's
    """Show what a map makes of records, and how full each label is.

    Shows source, label and value for a few records, and for all of them how full each label is. MESSAGES is a file of
    Singer messages (-: a pipe).
    """
    settings = gathered([config] if config else [])
    named, *own = values(settings, "transform_map", "stream_maps", "stream_map_config")
    loaded = load(transform_map or named, *own)
    with _running(config) if run else _reading(messages) as lines:
        for line in preview(loaded, lines, samples=records):
            click.echo(line)


@contextlib.contextmanager
def _reading(messages: str) -> Iterator[Iterator[bytes]]:
    """Give the lines of a file or of a pipe."""
    if messages == "-" and sys.stdin.isatty():
        remedy = "Give a file or a pipe (tap-mdc-vm … | tap-mdc-vm-map preview), or --run to run the tap."
        raise TapError("There are no Singer messages to read.", remedy)
    try:
        file = click.open_file(messages, "rb")
    except OSError as error:
        raise ConfigurationError([f"{shown(messages)} can't be read: {error.strerror}"]) from error
    with file:
        yield iter(file)


@contextlib.contextmanager
def _running(config: str | None) -> Iterator[Iterator[bytes]]:
    """Run the tap without a map and give the lines of its output. What it logs goes where this command logs."""
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
