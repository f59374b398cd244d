"""The command ``tap-mdc-vm``."""

from __future__ import annotations

import gc
import logging
import os
import sys

from tap_mdc_vm.errors import ConfigurationError, TapError

_LOGGER = logging.getLogger("tap-mdc-vm")


def main() -> None:
    """Run the command; what a user can act on is one line per problem, and exit status 1.

    Raises:
        SystemExit: With status 0 only if every selected stream is complete.
    """
    gc.disable()  # what is being loaded is no garbage, now or later
    from tap_mdc_vm.tap import TapMdcVm  # noqa: PLC0415 - the SDK takes its time to load; errors.py does not

    gc.freeze()
    gc.enable()
    try:
        TapMdcVm.cli()
    except ConfigurationError as error:
        for problem in error.problems:
            _LOGGER.error("%s", problem)
    except TapError as error:
        _LOGGER.error("%s", error)
        _LOGGER.debug("Details", exc_info=True)
    except BrokenPipeError:
        _LOGGER.error("The target stopped reading; see its own log.")
        # What is still buffered would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


if __name__ == "__main__":
    main()
