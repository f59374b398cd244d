"""One run's way to Azure: transport, sign-in, quota, workers and reader, put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_mdc_vm.azure.credentials import token_source
from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.pacing import Governor
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.azure.transport import Transport

if TYPE_CHECKING:
    from tap_mdc_vm.settings import Settings


class Connection:
    """Everything that talks to Azure. Nothing is sent before something is asked of its parts.

    Args:
        settings: Where to, as whom, and how many at once.

    Attributes:
        client: Asks one question at a time.
        governor: Keeps to the quota, and knows how often and how long it had to wait.
        reader: Reads queries whole.
        tokens: Hands out access tokens.
        transport: Sends over HTTPS.
    """

    def __init__(self, settings: Settings) -> None:
        """Put the parts together."""
        self.transport = Transport(
            ca_bundle=settings.ca_bundle, timeout=settings.request_timeout, pool_size=settings.max_concurrency
        )
        self.tokens = token_source(settings, self.transport)
        self.governor = Governor()
        self.client = Client(settings.cloud.resource_manager_url, self.transport, self.tokens, self.governor)
        self._workers = Workers(settings.max_concurrency)
        self.reader = Reader(
            self.client, self._workers, page_size=settings.page_size, tolerant=settings.on_incomplete == "warn"
        )

    def close(self) -> None:
        """Let go of every thread, also of those that wait for the quota, and of the connections that are kept."""
        self.governor.close()
        self._workers.close()
        self.transport.close()
        self.transport.close()
