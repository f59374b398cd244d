"""The command ``tap-mdc-vm``."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

from tap_mdc_vm.errors import ConfigurationError, TapError

_LOGGER = logging.getLogger("tap-mdc-vm")

_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1  # of glibc's malloc.h
_LARGE = 1024 * 1024
"""Bytes of an answer that gets memory of its own, which goes back to the system once the answer was used."""

_KEPT = 4 * 1024 * 1024
"""Bytes at the end of the heap that stay there when they are free. Some hundred kilobytes of message lines come and go
all the time; with glibc's 128 KiB, the system would take and clear that memory each time, at an eighth of the CPU."""

_SWITCH_SECONDS = 0.02
"""How long the thread that makes records may go on while another waits for its turn. A change of turns costs, and the
threads that fetch answers are some pages ahead anyway."""

_GC_THRESHOLD = 20_000
"""New containers before Python looks for garbage. A page of rows is some thousands, and none of it refers to itself."""

_ENV_SKIPPED = "Skipping parse of env var settings..."  # the SDK's; the settings are read from there all the same
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_FOR_A_READER = ("--about", "--discover", "--help")  # options with which no target reads the output


def main() -> None:
    """Run the command; what a user can act on is one line per problem, and exit status 1.

    Raises:
        SystemExit: With status 0 only if every selected stream is complete.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the tap has its own handler: no traceback for Ctrl-C
    _share_one_heap()
    gc.disable()  # what is being loaded is no garbage, now or later
    from tap_mdc_vm.tap import TapMdcVm  # noqa: PLC0415 - the SDK takes its time to load; errors.py does not

    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    gc.enable()
    sys.setswitchinterval(_SWITCH_SECONDS)
    # Who configures the log gets all of it. What Meltano sets for every run is nobody's choice.
    if "SINGER_SDK_LOG_CONFIG" not in os.environ or "MELTANO_EXTRACTOR_NAME" in os.environ:
        for name in (_LOGGER.name, "singer_sdk.mapper", "singer_sdk.metrics"):
            logging.getLogger(name).addFilter(_is_needed)
    try:
        _check_level()
        _run(TapMdcVm.cli)
    except TapError as error:
        _LOGGER.debug("Details", exc_info=True)
        for problem in error.problems:
            _LOGGER.error("%s", problem)
        _repeat_for_config_test(error)
    except BrokenPipeError:
        _drop_output()
        if any(word.startswith(_FOR_A_READER) for word in sys.argv[1:]):
            sys.exit(0)  # the reader, such as head, has seen enough
        _LOGGER.error("The target stopped reading; see its own log.")
    except OSError as error:
        _LOGGER.error(
            "An error of this machine ended the run: %s. Look at where standard output goes, and at the file named "
            "here, if any; then run again.",
            error,
        )
        _LOGGER.debug("Details", exc_info=True)
        _drop_output()
    sys.exit(1)


def _check_level() -> None:
    """Look at the variables that the SDK takes the log's level from, as it would end with a traceback.

    Raises:
        ConfigurationError: There is no such level.
    """
    variable = next(filter(os.environ.get, ("TAP_MDC_VM_LOGLEVEL", "LOGLEVEL")), None)
    if variable and os.environ[variable].upper() not in logging.getLevelNamesMapping():
        raise ConfigurationError([f"{variable} must be one of {', '.join(_LEVELS)}"])


def _repeat_for_config_test(error: TapError) -> None:
    """Say all in one line of plain text, where ``meltano config test`` shows the last line that it reads, and no other.

    It reads both outputs as one, and has the log written as JSON.
    """
    if "SINGER_SDK_LOG_CONFIG" in os.environ and not os.isatty(2) and os.path.sameopenfile(1, 2):
        sys.stderr.write(f"{error}\n")


def _is_needed(record: logging.LogRecord) -> bool:
    """Return whether a user needs a line of the log: not what the SDK says of each map and stream, but at DEBUG."""
    of_the_sdk = record.name != _LOGGER.name or record.msg == _ENV_SKIPPED
    return record.levelno > logging.INFO or not of_the_sdk or logging.getLogger().isEnabledFor(logging.DEBUG)


def _share_one_heap() -> None:
    """Let all threads take their memory from one heap.

    By itself, glibc gives each thread a heap of its own (mallopt(3), on M_ARENA_MAX). Each heap keeps what its largest
    answers once took: a quarter of the tap's memory. One thread at a time runs Python, so one heap is enough. Other C
    libraries have nothing of the kind.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_ARENA_MAX, 1)
            mallopt(_M_MMAP_THRESHOLD, _LARGE)
            mallopt(_M_TRIM_THRESHOLD, _KEPT)


def _run(command: Callable[[], object]) -> None:
    """Run click's command, which ends the program by itself.

    Raises:
        SystemExit: With its status, once all that it wrote is written.
        BrokenPipeError: Nobody reads any more.
    """
    output = sys.stdout
    try:
        command()
    except SystemExit:
        if sys.stdout is not output:
            # A pipe broke. For click that is a reader who has seen enough: it wraps standard output, to keep it quiet,
            # and leaves. In a target's log that would be a failure without a reason.
            raise BrokenPipeError from None
        output.flush()  # a failure here gets its line; at the interpreter's end it would be a traceback
        raise


def _drop_output() -> None:
    """Let what is still buffered go nowhere: it would fail once more when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
