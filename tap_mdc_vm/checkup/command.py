"""The command ``tap-mdc-vm-checkup``."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from pathlib import Path

import click

from tap_mdc_vm.checkup.asking import Asker
from tap_mdc_vm.checkup.evidence import gather
from tap_mdc_vm.checkup.report import Report, report
from tap_mdc_vm.coverage import check, survey
from tap_mdc_vm.errors import TapError
from tap_mdc_vm.run import Run
from tap_mdc_vm.settings import Settings, gathered
from tap_mdc_vm.wording import shown

_LOGGER = logging.getLogger("tap-mdc-vm")

_TALKATIVE = ("urllib3", "msal", "azure", "requests")
"""Libraries that write addresses into their log, with the tenant's id in them."""


@click.command()
@click.option("--config", "files", multiple=True, metavar="FILE", help="Settings as JSON; the environment fills in.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False), metavar="FILE", help="Write the report as JSON.")
@click.option(
    "--markdown", type=click.Path(dir_okay=False), metavar="FILE", help="Write the report to be pasted into an issue."
)
@click.version_option(version("tap-mdc-vm"))
def main(files: tuple[str, ...], json_file: str | None, markdown: str | None) -> None:
    """Ask the tenant which of the tap's assumptions about Azure hold there.

    Takes the tap's settings. The report holds numbers, forms and Microsoft's own words, and no value of the tenant's.
    The exit status is 0 if nothing that a sync needs fails.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        result = checkup(Settings.from_config(gathered(files)))
    except (TapError, OSError) as error:
        for problem in error.problems if isinstance(error, TapError) else [error]:
            click.echo(f"tap-mdc-vm-checkup: {problem}", err=True)
        sys.exit(1)
    for line in result.lines():
        click.echo(line)
    for option, path, text in (("--json", json_file, result.as_json), ("--markdown", markdown, result.as_markdown)):
        if path:
            _write(option, path, text())
    sys.exit(0 if result.passed else 1)


def _write(option: str, path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        click.echo(f"tap-mdc-vm-checkup: {option} {shown(path)} can't be written: {error.strerror}", err=True)
        sys.exit(1)


def checkup(settings: Settings) -> Report:
    """Ask all questions, in the first 250 subscriptions if there are more, and judge the answers.

    A check-up is about Azure, not about what a sync chooses: filters are left out.

    Raises:
        TapError: Azure can't be asked, or nothing can be read.
    """
    with Run(settings) as run:
        coverage = survey(run.reader, settings)
        check(coverage, tolerant=True)
        asker = Asker(run, coverage.scopes[0])
        evidence = gather(asker.ask)
    return report(evidence, asker.seconds, version=version("tap-mdc-vm"), cloud=settings.cloud.name)
