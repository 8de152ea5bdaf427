"""Runs processes and keeps them running: start in order, wait until ready, restart, stop in reverse.

One supervisor per data directory. Nothing it starts outlives it: each process asks the kernel to be
ended with its parent, and what a killed supervisor left behind is ended by the next one.
"""

import fcntl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import structlog
from pydantic import JsonValue

from infra.embedded.process_table import end_family, this_process
from infra.embedded.progress import Progress, Step, silent
from infra.embedded.stack_error import StackError
from infra.embedded.stack_file import StackRecord, read_record, remove_record, write_record
from infra.embedded.supervised import ProcessSpec, SupervisedProcess

__all__ = [
    "BackOff",
    "ProcessSpec",
    "StartFailed",
    "StartInterrupted",
    "SupervisedProcess",
    "Supervisor",
    "SupervisorRunning",
]

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.05
_TAIL_BYTES = 2_000
_EARLY_EXITS_ALLOWED = 1


class SupervisorRunning(StackError):
    """Another supervisor holds the data directory."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        who = f" (process {pid})" if pid else ""
        super().__init__(f"a stack already runs on {data_dir}{who}: stop it first")
        self.data_dir = data_dir
        self.pid = pid


class StartFailed(StackError):
    """A process ended, or did not become ready, while the stack was being started."""

    def __init__(self, name: str, reason: str, log_file: Path) -> None:
        tail = _tail(log_file)
        super().__init__(f"{name} {reason}; the end of {log_file}:\n{tail}")
        self.name = name
        self.log_file = log_file


class StartInterrupted(StackError):
    """The start was given up because a stop was asked for meanwhile."""


@dataclass(frozen=True)
class BackOff:
    """How long to wait before the next restart of a process that keeps ending."""

    delays_seconds: tuple[float, ...] = (1.0, 3.0, 6.0, 12.0)
    healthy_after_seconds: float = 30.0

    def delay_seconds(self, failures: int) -> float:
        """Return the wait after the given number of failures in a row, from 1."""
        return self.delays_seconds[min(failures, len(self.delays_seconds)) - 1]


class Supervisor:
    """Holds a data directory and the processes that run on it.

    Used as a context manager: entering claims the directory (`SupervisorRunning` when another
    supervisor lives) and ends what a killed one left; leaving stops everything. All calls belong to
    the main thread.
    """

    def __init__(self, data_dir: Path, back_off: BackOff | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.processes: list[SupervisedProcess] = []
        self._back_off = back_off or BackOff()
        self._facts: dict[str, JsonValue] = {}
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        (self.data_dir / "logs").mkdir(exist_ok=True)
        lock = (self.data_dir / "supervisor.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            record = read_record(self.data_dir)
            raise SupervisorRunning(self.data_dir, record.supervisor_pid if record else None) from None
        self._lock = lock
        self._end_leftovers()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.stop_all()
        finally:
            if self._lock:
                self._lock.close()
                self._lock = None

    def _end_leftovers(self) -> None:
        record = read_record(self.data_dir)
        for process in record.processes if record else []:
            remaining = end_family(process.family())
            log.info("leftover_ended", process=process.name, pid=process.pid, remaining=remaining)
        remove_record(self.data_dir)

    def describe(self, **facts: JsonValue) -> None:
        """Add to what `stack.json` tells of this stack; never a secret."""
        self._facts.update(facts)
        self._write_record()

    def start_all(
        self,
        specs: Sequence[ProcessSpec],
        progress: Progress = silent,
        stop: threading.Event | None = None,
    ) -> None:
        """Start specs in order, each after the one before is ready; may be called again with more.

        Raises `StartFailed`, and `StartInterrupted` once `stop` is set.
        """
        batches: list[list[ProcessSpec]] = []
        for spec in specs:
            if spec.with_previous and batches:
                batches[-1].append(spec)
            else:
                batches.append([spec])
        for batch in batches:
            self._start_batch(batch, progress, stop or threading.Event())

    def _start_batch(self, batch: Sequence[ProcessSpec], progress: Progress, stop: threading.Event) -> None:
        log_dir = self.data_dir / "logs"
        started = [SupervisedProcess(spec, slot, log_dir) for spec in batch for slot in range(spec.count)]
        self.processes += started
        for process in started:
            progress(Step(process.name, "starting"))
            process.start(time.monotonic())
        self._write_record()
        waiting = list(started)
        while waiting:
            self.poll()
            for process in list(waiting):
                self._refuse_failed_start(process)
                if process.is_ready or process.is_finished:
                    waiting.remove(process)
                    took = time.monotonic() - process.started_at
                    progress(Step(process.name, f"ready after {took:.1f} s"))
            if waiting and stop.wait(_POLL_SECONDS):
                raise StartInterrupted("stopped while starting")

    def _refuse_failed_start(self, process: SupervisedProcess) -> None:
        if not process.is_ready and process.failures > _EARLY_EXITS_ALLOWED:
            raise StartFailed(process.name, "ended while starting", process.log_file)

    def poll(self) -> None:
        """Look once at every process: note readiness, restart what ended and has waited enough."""
        now = time.monotonic()
        changed = [self._attend(process, now) for process in self.processes]
        if any(changed):
            self._write_record()

    def _attend(self, process: SupervisedProcess, now: float) -> bool:
        if process.is_finished:
            return False
        if process.pid is None:
            if now < process.restart_at:
                return False
            process.start(now)
            log.info("process_restarted", process=process.name, pid=process.pid)
            return True
        if process.exit_status() is not None:
            self._note_end(process, now)
            return True
        if not process.is_ready:
            return self._await_ready(process, now)
        if process.failures and now - process.ready_at >= self._back_off.healthy_after_seconds:
            process.failures = 0
        return False

    def _await_ready(self, process: SupervisedProcess, now: float) -> bool:
        if process.check_ready(now):
            log.info("process_ready", process=process.name, seconds=round(now - process.started_at, 2))
            return True
        if now - process.started_at > process.spec.start_timeout_seconds:
            log.error("process_not_ready", process=process.name, log=str(process.log_file))
            process.failures += 1
            process.end()
            process.restart_at = now + self._back_off.delay_seconds(process.failures)
        return False

    def _note_end(self, process: SupervisedProcess, now: float) -> None:
        status = process.exit_status()
        process.end()
        if not process.spec.restart:
            process.is_finished = True
            log.info("process_finished", process=process.name, status=status)
            return
        process.failures += 1
        delay = self._back_off.delay_seconds(process.failures)
        process.restart_at = now + delay
        log.warning("process_ended", process=process.name, status=status, restart_in_seconds=delay)

    def run_forever(self, stop: threading.Event) -> None:
        """Supervise until the event is set (a signal handler may do so)."""
        while not stop.wait(_POLL_SECONDS):
            self.poll()

    def stop_all(self, progress: Progress = silent) -> None:
        """Stop everything in reverse order of starting, then remove `stack.json`."""
        batch: list[SupervisedProcess] = []
        for process in reversed(self.processes):
            batch.append(process)
            if not process.spec.with_previous and process.slot == 0:
                self._stop_batch(batch, progress)
                batch = []
        self._stop_batch(batch, progress)
        self.processes = []
        if self._lock:
            remove_record(self.data_dir)

    def _stop_batch(self, batch: Sequence[SupervisedProcess], progress: Progress) -> None:
        begun = time.monotonic()
        for process in batch:
            progress(Step(process.name, "stopping"))
            process.signal_stop()
        for process in batch:
            process.wait_or_kill(begun + process.spec.stop_grace_seconds)
            log.info("process_stopped", process=process.name)

    def _write_record(self) -> None:
        me = this_process()
        records = [process.record() for process in self.processes]
        write_record(
            self.data_dir,
            StackRecord(
                supervisor_pid=me.pid,
                supervisor_start_time=me.start_time,
                facts=self._facts,
                processes=[record for record in records if record],
            ),
        )


def _tail(path: Path) -> str:
    try:
        return path.read_bytes()[-_TAIL_BYTES:].decode("utf-8", errors="replace")
    except OSError:
        return "(no log)"
