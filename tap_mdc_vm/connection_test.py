"""Test Connection: five checks, each of which rests on the ones before it, one line per check.

A check returns what a user may want to know although it passed, and raises a :class:`TapError` with cause and remedy
where it fails.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from urllib.parse import urlsplit

import click

from tap_mdc_vm import absences, packaged, queries
from tap_mdc_vm.coverage import Coverage, check, disabled, survey
from tap_mdc_vm.errors import TableMissingError, TapError
from tap_mdc_vm.run import Run
from tap_mdc_vm.settings import Settings
from tap_mdc_vm.sources import FINDINGS, MACHINES, SOURCES

logger = logging.getLogger("tap-mdc-vm")

_NAMED = 10  # of a long list, in a note


def run(settings: Settings) -> None:
    """Run the checks in order, and stop at the first that fails.

    Raises:
        SystemExit: With status 1 if a check fails.
    """
    with Run(settings) as parts:
        for name, check_it in Checks(parts):
            try:
                note = check_it()
            except TapError as error:
                _say(f"FAIL {name}: {error}")
                logger.debug("Details", exc_info=True)
                if is_watched():
                    _say("Mend that, then run the test again.")
                raise SystemExit(1) from None
            _say(f"PASS {name}: {note}")
    checkup = "tap-mdc-vm-checkup tells which of the tap's other assumptions about Azure hold here."
    if is_watched():
        _say(f"All is well. Now load something, such as with: meltano run tap-mdc-vm target-jsonl. {checkup}")
    else:
        logger.info("%s", checkup)


def is_watched() -> bool:
    """Tell whether a person reads what is written, and no program."""
    return sys.stdout.isatty() and sys.stderr.isatty()


class Checks:
    """The five checks, under the names that the connector document has for them."""

    def __init__(self, run: Run) -> None:
        self._run, cloud = run, run.settings.cloud
        # A managed identity gets its token from the machine, not from Entra ID's address.
        hosts = [] if run.settings.auth_method == "managed_identity" else [cloud.authority_host]
        self._urls = list(dict.fromkeys([*hosts, cloud.resource_manager_url]))  # one, if a stand-in plays both

    def __iter__(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield name and check, in order."""
        yield "Network Reachability", self.network_reachability
        yield "TLS Handshake", self.tls_handshake
        yield "Authentication Credential Check", self.authentication
        yield "Authorization Scope Check", self.authorization
        yield "Data Fetch", self.data_fetch

    def network_reachability(self) -> str:
        """Connect to each host, through the proxy where there is one."""
        for url in self._urls:
            self._run.transport.reach(url)
        proxies = [(url, self._run.transport.proxy(url)) for url in self._urls]
        reached = [_host(url) + (f" through the proxy {proxy}" if proxy else "") for url, proxy in proxies]
        return f"{_listed(reached)} can be reached."

    def tls_handshake(self) -> str:
        """Verify each host's certificate."""
        for url in self._urls:
            self._run.transport.shake_hands(url)
        return f"{_listed(map(_host, self._urls))} can be trusted."

    def authentication(self) -> str:
        """Get a token."""
        self._run.tokens.token()
        account = self._run.tokens.account()
        return f"Signed in with {self._run.settings.auth_method.replace('_', ' ')}{account and f' as {account}'}."

    @cached_property
    def _coverage(self) -> Coverage:
        return survey(self._run.reader, self._run.settings)

    def authorization(self) -> str:
        """Find each configured subscription or management group; without any, at least one subscription."""
        check(self._coverage, tolerant=False)
        number, own = len(self._coverage.readable), self._run.settings.tenant_id
        notes = [f"{number:,} subscription{'s' * (number != 1)} can be read."]
        if names := disabled(self._coverage):
            notes.append(f"Not enabled, so perhaps without data: {_listed(names)}.")
        foreign = [each.id for each in self._coverage.readable if each.tenant_id.lower() not in {"", own}]
        if foreign and own:
            notes.append(f"Of other tenants, by Azure Lighthouse: {_listed(foreign)}.")
        return " ".join(notes)

    def data_fetch(self) -> str:
        """Fetch a row of each stream, or learn that there is none."""
        extra = [name for name in self._run.settings.extra_streams if not SOURCES[name].of]
        rows = {name: self._has_rows(name) for name in (*packaged.STREAMS, *extra)}
        found, lacking = ([name for name in rows if rows[name] is has] for has in (True, None))
        fetched = f"Fetched {_listed(map(_spoken, found))}."
        notes = [fetched] if found else []
        if lacking:
            without = _listed(map(_spoken, lacking))
            notes.append(f"This cloud lacks the table of {without}: they are left out, as on_incomplete is warn.")
        return " ".join([*notes, *self._absences(rows)])

    def _has_rows(self, name: str) -> bool | None:
        """Tell whether a stream has rows; None if the cloud lacks its table, and a run would go on without it."""
        query = queries.query(name, self._run.settings)
        try:
            return any(self._run.client.ask(name, query.text, scope, top=1).rows for scope in self._coverage.scopes)
        except TableMissingError:
            if self._run.reader.tolerant:
                return None
            raise

    def _absences(self, rows: dict[str, bool | None]) -> Iterator[str]:
        reader, settings = self._run.reader, self._run.settings
        filtered = [remark.line() for remark in absences.no_machine_passes(settings)]
        if not rows[MACHINES] and filtered:
            yield from filtered
        elif not any(rows.values()):
            yield "No data yet: nothing in scope has a virtual machine."
        elif not rows[MACHINES]:
            yield (
                "No virtual machines: if there are some, the application lacks the Reader role, of which Security"
                " Reader is no substitute."
            )
        if rows[FINDINGS] is None:
            return
        subscriptions = {subscription.id for subscription in self._coverage.readable}
        machines = absences.subscriptions_with(reader, queries.query(MACHINES, settings), subscriptions)
        silent = absences.silent(reader, machines, (), filtered=True)
        yield from (remark.line() for remark in absences.unassessed(absences.reasons(reader, settings, sorted(silent))))
        yield from (remark.line() for remark in absences.of_another_form(reader, settings, self._coverage.scopes))


def _say(line: str) -> None:
    """Write a line to standard error, its first word in colour where it is a verdict and somebody is watching."""
    for word, colour in (("PASS", "green"), ("FAIL", "red")):
        if line.startswith(word):
            line = click.style(word, fg=colour, bold=True) + line.removeprefix(word)
    click.echo(line, err=True)  # which takes the colour off for a program


def _spoken(stream: str) -> str:
    return stream.replace("_", " ")


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 443}"


def _listed(words: Iterable[str]) -> str:
    """Return words joined by commas, the first few of many."""
    every = list(words)
    rest = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + rest
