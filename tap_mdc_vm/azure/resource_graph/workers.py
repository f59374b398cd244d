"""Work that is concurrent, bounded and handed out in order, and goes on from one piece of work to the next."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_SPARE = 4
"""Jobs ahead beside one for each thread: what Azure's quota lets go out while the caller waits for an urgent answer."""

_ROOM = 32 * 1024 * 1024
"""Bytes that results ahead of their use may take, as far as their sizes are foreseen. The one that the
caller waits for takes none yet."""


@dataclass(slots=True, eq=False)
class Lane(Generic[T]):
    """Jobs whose results are wanted in the jobs' order; :meth:`Workers.lane` makes one.

    Attributes:
        jobs: Those not begun yet.
        begun: Results to be, of those that are begun and not handed out yet.
        size: About how many bytes the result of one takes.
        is_read: Whether somebody iterates its results.
    """

    jobs: deque[Callable[[], T]] = field(default_factory=deque)
    begun: deque[Future[T]] = field(default_factory=deque)
    size: int = 0
    is_read: bool = False

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for the next result."""
        return self.is_read and bool(self.begun) and not self.begun[0].done()


class Workers:
    """A fixed number of threads that run what they are given.

    They are daemons: a run that fails ends at once, and does not wait for answers that nobody will read.
    ``ThreadPoolExecutor`` would wait for them at the interpreter's exit.

    Lanes are served in the order in which they were made, those that are read before all others. While the last jobs
    of one are under way, the first of the next are begun, so that no thread idles between two pieces of work. All of
    them together are only a few jobs more ahead of their use than there are threads, and fewer where results are large,
    so that memory is bounded.
    """

    def __init__(self, count: int) -> None:
        """Start the threads."""
        self._count = count
        self._jobs: queue.PriorityQueue[tuple[bool, int, Callable[[], None] | None]] = queue.PriorityQueue()
        self._number = itertools.count()
        self._lanes: list[Lane[Any]] = []
        self._serving = threading.Lock()
        for number in range(count):
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True).start()

    def submit(self, job: Callable[[], T], *, urgent: bool = False) -> Future[T]:
        """Run ``job`` on the next thread that is free, if urgent before all that wait; return its result to be."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who asks for the result
                future.set_exception(error)

        self._put(run, urgent=urgent)
        return future

    def lane(self) -> Lane[T]:
        """Return a lane behind those made before. What its jobs are may turn out later: see :meth:`add`."""
        lane: Lane[T] = Lane()
        with self._serving:
            self._lanes.append(lane)
        return lane

    def add(self, lane: Lane[T], jobs: Iterable[Callable[[], T]], *, size: int = 0) -> None:
        """Put jobs before those of a lane that are not begun, and begin with them as soon as threads are free.

        Args:
            lane: Whose jobs they are. Those that are under way may add some.
            jobs: In their order.
            size: About how many bytes the result of one of the lane's jobs takes.
        """
        with self._serving:
            lane.jobs.extendleft(reversed(list(jobs)))
            lane.size = size
            self._serve()

    def results(self, lane: Lane[T]) -> Iterator[T]:
        """Yield the results of a lane, which from now on goes before all others.

        The jobs of a lane that the caller stops to read are dropped, unless they are under way.

        Raises:
            Exception: What a job raised, when its turn comes.
        """
        with self._serving:
            lane.is_read = True
            self._lanes.remove(lane)
            self._lanes.insert(0, lane)
        try:
            while lane.begun or lane.jobs:
                yield self._next(lane).result()
        finally:
            self.drop(lane)

    def drop(self, lane: Lane[T]) -> None:
        """Forget a lane, and its jobs as far as they are not under way."""
        with self._serving:
            if lane in self._lanes:
                self._lanes.remove(lane)
        for future in lane.begun:
            future.cancel()

    def close(self) -> None:
        """Let the threads end once they have done what they were given."""
        for _ in range(self._count):
            self._put(None)

    def _next(self, lane: Lane[T]) -> Future[T]:
        """Begin what may be begun, and return what the caller waits for next."""
        with self._serving:
            self._serve()
            return lane.begun.popleft()

    def _serve(self) -> None:
        """Begin as many jobs as may be ahead of their use, those of the foremost lanes first; needs the lock."""
        free, room = self._count + _SPARE, _ROOM
        for lane in self._lanes:
            free -= len(lane.begun)
            room -= (len(lane.begun) - lane.is_waited_for) * lane.size
            is_stuck = lane.is_read and not lane.begun
            while lane.jobs and (is_stuck or (free > 0 and room > 0)):
                lane.begun.append(self.submit(lane.jobs.popleft()))
                free, room, is_stuck = free - 1, room - lane.size, False

    def _put(self, job: Callable[[], None] | None, *, urgent: bool = False) -> None:
        self._jobs.put((not urgent, next(self._number), job))

    def _work(self) -> None:
        while (job := self._jobs.get()[-1]) is not None:
            job()
            del job  # or a thread that idles would hold the megabytes of its last result
