"""Whether what could be read when a run began can still be read when its rows have come.

Rights that are taken away while the tap reads take rows with them, without a sign in any answer or count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_mdc_vm import events
from tap_mdc_vm.coverage import survey
from tap_mdc_vm.errors import IncompleteError

if TYPE_CHECKING:
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
        self._reader, self._coverage, self._settings = reader, coverage, settings
        self.lost: tuple[str, ...] = ()

    def check(self) -> None:
        """Ask for the subscriptions anew: rows have come that the last answer says nothing about.

        Raises:
            IncompleteError: One was lost, and the reader is not tolerant.
            TapError: Azure can't be asked.
        """
        readable = {subscription.id for subscription in survey(self._reader, self._settings).readable}
        self.lost = tuple(each.id for each in self._coverage.readable if each.id not in readable)
        if self.lost:
            error = IncompleteError(
                f"The application lost access to {', '.join(self.lost)} during the run: rows may be missing.",
                "Check the role assignments of the application, and run again. See docs/troubleshooting.md#no-access.",
            )
            if not self._reader.tolerant:
                raise error
            events.emit(events.FellShort("The run", str(error)))
