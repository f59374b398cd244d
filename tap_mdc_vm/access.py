"""Whether what could be read when a run began can still be read when its rows have come.

Rights that are taken away while the tap reads take rows with them, without a sign in any answer or count.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tap_mdc_vm import events
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.coverage import survey
from tap_mdc_vm.errors import IncompleteError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tap_mdc_vm.azure.resource_graph.reader import Reader
    from tap_mdc_vm.coverage import Coverage
    from tap_mdc_vm.settings import Settings


class Access:
    """Access to the subscriptions that a run covers.

    Args:
        reader: Asks for the subscriptions.
        coverage: What could be read when the run began.
        settings: What was asked for.

    Attributes:
        lost: Subscriptions that could be read then, and can't be any more.
    """

    def __init__(self, reader: Reader, coverage: Coverage, settings: Settings) -> None:
        """Take the run's beginning for granted; nothing is asked yet."""
        self._reader, self._coverage = reader, coverage
        self._survey = partial(survey, reader, settings)
        self._aside = Workers(1)
        self._now: Future[Coverage] | None = None
        self.lost: tuple[str, ...] = ()

    def ask(self) -> None:
        """Begin to ask for the subscriptions anew: rows have come that the last answer says nothing about.

        The answer is waited for in :meth:`check`, so that whatever else proves the rows can be asked at once.
        """
        self._now = self._aside.submit(self._survey)

    def check(self) -> None:
        """See that nothing was lost when it was last asked for.

        Raises:
            IncompleteError: Something was, and the reader is not tolerant.
            TapError: Azure can't be asked.
        """
        if self._now is None:
            return
        readable = {subscription.id for subscription in self._now.result().readable}
        self._now = None
        self.lost = tuple(each.id for each in self._coverage.readable if each.id not in readable)
        if self.lost:
            error = IncompleteError(
                f"The application lost access to {', '.join(self.lost)} during the run: rows may be missing.",
                "Check the role assignments of the application, and run again. See docs/troubleshooting.md#no-access.",
            )
            if not self._reader.tolerant:
                raise error
            events.emit(events.FellShort("The run", str(error)))

    def close(self) -> None:
        """Let go of the thread."""
        self._aside.close()
