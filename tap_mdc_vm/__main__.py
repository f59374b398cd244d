"""The command ``tap-mdc-vm``."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

from tap_mdc_vm.errors import ConfigurationError, TapError

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGGER = logging.getLogger("tap-mdc-vm")

_M_ARENA_MAX = -8  # of glibc's malloc.h

_TURN = 0.02
"""Seconds for which the thread that makes records may go on while another waits for its turn: those that fetch answers
are some pages ahead, and each change of turns costs."""

_GARBAGE = 20_000
"""New containers before Python looks for garbage: a page of rows is some thousands, none of it garbage that refers to
itself."""


def main() -> None:
    """Run the command; what a user can act on is one line per problem, and exit status 1.

    Raises:
        SystemExit: With status 0 only if every selected stream is complete.
    """
    _share_one_heap()
    gc.disable()  # what is being loaded is no garbage, now or later
    from tap_mdc_vm.tap import TapMdcVm  # noqa: PLC0415 - the SDK takes its time to load; errors.py does not

    gc.freeze()
    gc.set_threshold(_GARBAGE)
    gc.enable()
    sys.setswitchinterval(_TURN)
    try:
        _run(TapMdcVm.cli)
    except ConfigurationError as error:
        for problem in error.problems:
            _LOGGER.error("%s", problem)
    except TapError as error:
        _LOGGER.error("%s", error)
        _LOGGER.debug("Details", exc_info=True)
    except BrokenPipeError:
        _LOGGER.error("The target stopped reading; see its own log.")
        _drop_output()
    except OSError as error:
        _LOGGER.error(
            "An error of this machine ended the run: %s. Look at where standard output goes, and at the file named "
            "here, if any; then run again.",
            error,
        )
        _LOGGER.debug("Details", exc_info=True)
        _drop_output()
    sys.exit(1)


def _share_one_heap() -> None:
    """Let all threads take their memory from one heap.

    By itself, glibc gives each thread a heap of its own (mallopt(3), on M_ARENA_MAX), and each keeps what its largest
    answers once took: a quarter of the tap's memory. As one thread at a time runs Python, they needn't be apart. Other
    C libraries have nothing of the kind.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _run(command: Callable[[], object]) -> None:
    """Run click's command, which ends the program by itself.

    Raises:
        SystemExit: With its status, once all that it wrote is written.
        BrokenPipeError: Nobody reads any more.
        OSError: The output can't be written.
        TapError: As the tap.
    """
    output = sys.stdout
    try:
        command()
    except SystemExit:
        if sys.stdout is not output:
            # For click, a pipe that breaks is a reader who has seen enough: it puts a wrapper before standard output,
            # which keeps quiet, and leaves. To a target's log that would be a failure without a reason.
            raise BrokenPipeError from None
        output.flush()  # what fails here has its line; when the interpreter ends, it would be a traceback
        raise


def _drop_output() -> None:
    """Let what is still buffered go nowhere: it would fail once more when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
