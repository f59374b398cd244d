"""Work that is concurrent, bounded and handed out in order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


class Workers:
    """A fixed number of threads that run what they are given.

    They are daemons: a run that fails ends at once, and does not wait for answers that nobody will read.
    ``ThreadPoolExecutor`` would wait for them at the interpreter's exit.

    Args:
        count: How many run at the same time.
    """

    def __init__(self, count: int) -> None:
        """Start the threads."""
        self._count = count
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True).start()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Run ``job`` on a thread that is free, and return its result to be."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who asks for the result
                future.set_exception(error)

        self._jobs.put(run)
        return future

    def in_order(self, jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Run jobs side by side and yield their results in the jobs' order.

        At most one job more than there are threads is under way or waits to be taken, so that memory is bounded by
        the results of that many. Jobs not begun when the caller stops are dropped.

        Raises:
            Exception: What a job raised, when its turn comes.
        """
        waiting: deque[Future[T]] = deque()
        try:
            for job in jobs:
                waiting.append(self.submit(job))
                if len(waiting) > self._count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """Let the threads end once they have done what they were given."""
        for _ in range(self._count):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
