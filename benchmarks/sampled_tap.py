"""The tap, and where its main thread is each hundredth of a second: a line of JSON, the last one of its log."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING

from tap_mdc_vm.__main__ import main

if TYPE_CHECKING:
    from types import FrameType

_SECONDS = 0.01
_PARTS = {
    "threading": "waiting for answers",
    "tap_mdc_vm.azure": "proof of completeness",
    "tap_mdc_vm.stream_maps": "the ETM map",
    "tap_mdc_vm.messages": "encoding and writing",
    "tap_mdc_vm.rows": "rows into records, and joins",
    "tap_mdc_vm.joins": "rows into records, and joins",
    "tap_mdc_vm.sources": "rows into records, and joins",
    "tap_mdc_vm.inventory": "rows into records, and joins",
}


def part(frame: FrameType | None) -> str:
    """Return what a thread is at: the part of its innermost frame that belongs to one."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        for name, what in _PARTS.items():
            if module == name or module.startswith(f"{name}."):
                return what
        frame = frame.f_back
    return "the rest"


if __name__ == "__main__":
    seen: Counter[str] = Counter()
    # By signals, which reach the main thread wherever it is: another thread sees where it lets go of Python's lock.
    signal.signal(signal.SIGALRM, lambda _, frame: seen.update([part(frame)]))
    signal.setitimer(signal.ITIMER_REAL, _SECONDS, _SECONDS)
    try:
        main()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # a signal after the interpreter's end would be a failure
        print(json.dumps({what: count / seen.total() for what, count in seen.most_common()}), file=sys.stderr)
