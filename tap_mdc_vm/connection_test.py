"""Test Connection: five checks, each of which rests on the ones before it, one line per check.

A check returns what a user may want to know although it passed, and raises a :class:`TapError` with cause and remedy
where it fails.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_mdc_vm import packaged
from tap_mdc_vm.clouds import CHINA
from tap_mdc_vm.connection import Connection
from tap_mdc_vm.coverage import check, survey
from tap_mdc_vm.errors import TapError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_mdc_vm.azure.resource_graph.model import Scope
    from tap_mdc_vm.coverage import Coverage
    from tap_mdc_vm.settings import Settings

logger = logging.getLogger("tap-mdc-vm")

_STREAMS = {
    "virtual_machines": "virtual machines",
    "network_interfaces": "network interfaces",
    "assessments": "assessments",
}
_NAMED = 10  # of a long list, in a note


def run(settings: Settings) -> None:
    """Run the checks in order, and stop at the first that fails.

    Raises:
        SystemExit: With status 1 if a check fails.
    """
    connection = Connection(settings)
    try:
        for name, check in Checks(settings, connection):
            try:
                note = check()
            except TapError as error:
                _say(f"FAIL {name}: {error}")
                logger.debug("Details", exc_info=True)
                raise SystemExit(1) from None
            _say(f"PASS {name}: {note}")
    finally:
        connection.close()


class Checks:
    """The five checks, under the names that the connector document has for them.

    Args:
        settings: What is being tested.
        connection: The same parts that a run uses.
    """

    def __init__(self, settings: Settings, connection: Connection) -> None:
        """Keep both; nothing is sent yet."""
        self._settings, self._connection = settings, connection
        self._scopes: tuple[Scope, ...] = ()
        cloud = settings.cloud
        # A managed identity gets its token from the machine, not from Entra ID's address.
        signs_in = settings.auth_method != "managed_identity"
        urls = [*([cloud.authority_host] if signs_in else []), cloud.resource_manager_url]
        self._urls = list(dict.fromkeys(urls))  # one address, if a stand-in plays both

    def __iter__(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield name and check, in order."""
        yield "Network Reachability", self.network_reachability
        yield "TLS Handshake", self.tls_handshake
        yield "Authentication Credential Check", self.authentication
        yield "Authorization Scope Check", self.authorization
        yield "Data Fetch", self.data_fetch

    def network_reachability(self) -> str:
        """Connect to each host, through the proxy where there is one."""
        transport = self._connection.transport
        reached = []
        for url in self._urls:
            transport.reach(url)
            proxy = transport.proxy(url)
            reached.append(_host(url) + (f" through the proxy {proxy}" if proxy else ""))
        return f"{_listed(reached)} can be reached."

    def tls_handshake(self) -> str:
        """Verify each host's certificate."""
        for url in self._urls:
            self._connection.transport.shake_hands(url)
        return f"{_listed(map(_host, self._urls))} can be trusted."

    def authentication(self) -> str:
        """Get a token."""
        self._connection.tokens.token()
        return f"Signed in with {self._settings.auth_method.replace('_', ' ')}."

    def authorization(self) -> str:
        """Find each configured subscription or management group; without any, at least one subscription."""
        coverage = survey(self._connection.reader, self._settings)
        self._scopes = coverage.scopes
        check(coverage, tolerant=False)
        return " ".join([f"{_count(len(coverage.readable), 'subscription')} can be read.", *self._remarks(coverage)])

    def _remarks(self, coverage: Coverage) -> Iterator[str]:
        if disabled := [f"{each.id} ({each.state})" for each in coverage.readable if each.state not in {"", "Enabled"}]:
            yield f"Not enabled, so perhaps without data: {_listed(disabled)}."
        foreign = [
            each.id for each in coverage.readable if each.tenant_id.lower() not in {"", self._settings.tenant_id}
        ]
        if foreign and self._settings.tenant_id:
            yield f"Of other tenants, by Azure Lighthouse: {_listed(foreign)}."

    def data_fetch(self) -> str:
        """Fetch a row of each stream, or learn that there is none."""
        found = {name: self._has_rows(name) for name in _STREAMS}
        fetched = _listed(words for name, words in _STREAMS.items() if found[name])
        remarks = [f"Fetched {fetched}." if fetched else "No data yet: nothing in scope has a virtual machine."]
        if found["virtual_machines"] and not found["assessments"]:
            remarks.append(self._advice_on_defender())
        elif fetched and not found["virtual_machines"]:
            remarks.append(
                "No virtual machines: if there are some, the application lacks the Reader role, of which Security"
                " Reader is no substitute."
            )
        return " ".join(remarks)

    def _has_rows(self, name: str) -> bool:
        query = packaged.query(name)
        return any(self._connection.client.ask(name, query, scope, top=1).rows for scope in self._scopes)

    def _advice_on_defender(self) -> str:
        if self._settings.cloud.name == CHINA.name:
            return "No assessments: Microsoft retired Defender for Cloud in Azure China on 2026-08-18."
        return (
            "No assessments: check that Defender for Cloud is on for the subscriptions (Environment settings), that the"
            " Microsoft.Security resource provider is registered, and that machines are older than a day."
            " See docs/troubleshooting.md#no-assessments."
        )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 443}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(words: Iterable[str]) -> str:
    """Return words joined by commas, the first few of many."""
    every = list(words)
    rest = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + rest
