"""The one thread that writes the buffer: whatever comes while one commit is under way shares the next one.

A single post then costs a share of a disk flush, and still nobody is answered before it.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from api.store_and_forward.buffer import Buffer

Answer = TypeVar("Answer")
_MOST_TOGETHER = 256


class _Job:
    """Something to do in a transaction, and the promise of its answer."""

    def __init__(self, work: Callable[[Buffer], Any]) -> None:
        self.work = work
        self.promise: Future[Any] = Future()
        self.outcome: Any = None
        self.error: Exception | None = None

    def keep_promise(self) -> None:
        """Answer whoever waits."""
        if self.error is not None:
            self.promise.set_exception(self.error)
        else:
            self.promise.set_result(self.outcome)


class Writer:
    """Owns the buffer from `start` to `close`."""

    def __init__(self, buffer: Buffer, expected: tuple[type[Exception], ...]) -> None:
        self._buffer = buffer
        self._expected = expected
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="edge-writer")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    async def run(self, work: Callable[[Buffer], Answer]) -> Answer:
        """Do something in a transaction and return its answer once that is on the disk.

        Errors of the expected kinds concern this work alone and must be raised before it has changed anything. Any other error
        undoes it.
        """
        job = _Job(work)
        self._jobs.put(job)
        answer: Answer = await asyncio.wrap_future(job.promise)
        return answer

    async def close(self) -> None:
        """Finish what was asked for, then close the file."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        try:
            while (first := self._jobs.get()) is not None:
                jobs, is_last = self._with_others(first)
                self._perform([job for job in jobs if job.promise.set_running_or_notify_cancel()])
                if is_last:
                    break
        finally:
            self._buffer.close()

    def _with_others(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs = [first]
        while len(jobs) < _MOST_TOGETHER:
            try:
                following = self._jobs.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return jobs, True
            jobs.append(following)
        return jobs, False

    def _perform(self, jobs: list[_Job]) -> None:
        """Do jobs in one transaction; when it fails, each in its own, so that none suffers from another."""
        try:
            self._commit(jobs)
        except Exception as error:  # noqa: BLE001 - handed to whoever asked for the work
            if len(jobs) > 1:
                for job in jobs:
                    self._perform([job])
                return
            for job in jobs:
                job.error = error
        for job in jobs:
            job.keep_promise()

    def _commit(self, jobs: list[_Job]) -> None:
        with self._buffer.transaction():
            for job in jobs:
                self._do(job)

    def _do(self, job: _Job) -> None:
        job.outcome, job.error = None, None
        try:
            job.outcome = job.work(self._buffer)
        except self._expected as error:
            job.error = error
