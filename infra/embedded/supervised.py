"""One supervised process: what to run, the process that runs now, and how it is brought to an end."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.embedded.process_table import (
    Family,
    ProcessId,
    end_family,
    executable_of,
    identify,
    this_process,
)
from infra.embedded.stack_file import ProcessRecord
from infra.settings import child_environment

_LAUNCHER = Path(__file__).with_name("launch.py")
_LOG_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ProcessSpec:
    """What to run and how to treat it.

    `argv` and the values of `env` may contain `{slot}`, the number of the copy, from 0. `ready` gets
    the process id and is asked again and again until it says yes; it must answer within about a
    second and must not raise. `with_previous` starts it beside the one before it in the list rather
    than after that one is ready. A private `directory` becomes the working directory and lets
    children be found that leave the process group. `before_start` runs before every start.
    """

    name: str
    argv: Sequence[str]
    ready: Callable[[int], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    identity: str = "same"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace_seconds: float = 10.0
    parent_death_signal: signal.Signals = signal.SIGKILL
    start_timeout_seconds: float = 60.0
    restart: bool = True
    count: int = 1
    with_previous: bool = False
    before_start: Callable[[], None] | None = None


class SupervisedProcess:
    """One copy of a spec: the process that runs now, if any, and its recent history."""

    def __init__(self, spec: ProcessSpec, slot: int, log_dir: Path) -> None:
        self.spec = spec
        self.slot = slot
        self.name = spec.name if spec.count == 1 else f"{spec.name}-{slot}"
        self.log_file = log_dir / f"{self.name}.log"
        self.is_ready = False
        self.is_finished = False
        self.failures = 0
        self.started_at = 0.0
        self.ready_at = 0.0
        self.restart_at = 0.0
        self._popen: subprocess.Popen[bytes] | None = None
        self._id: ProcessId | None = None
        self._executable = ""

    @property
    def pid(self) -> int | None:
        """Return the id of the process that runs now."""
        return self._popen.pid if self._popen else None

    def start(self, now: float) -> None:
        """Start the process, from the main thread: its life is tied to the thread that starts it."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("processes are started from the main thread only")
        if self.spec.before_start:
            self.spec.before_start()
        argv = [part.replace("{slot}", str(self.slot)) for part in self.spec.argv]
        extra = {k: v.replace("{slot}", str(self.slot)) for k, v in self.spec.env.items()}
        with _open_log(self.log_file) as output:
            self._popen = subprocess.Popen(
                launch_argv(argv, self.spec.identity, self.spec.parent_death_signal),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.spec.directory,
                env=child_environment(**extra),
                start_new_session=True,
            )
        self._id = identify(self._popen.pid)
        self._executable = executable_of(self._popen.pid)
        self.started_at, self.restart_at, self.is_ready = now, 0.0, False

    def exit_status(self) -> int | None:
        """Return the exit status of a process that has ended, `None` while it runs."""
        return self._popen.poll() if self._popen else None

    def check_ready(self, now: float) -> bool:
        """Ask the process once whether it is ready; remember a yes."""
        if not self.is_ready and self._popen and self.spec.ready(self._popen.pid):
            self.is_ready, self.ready_at = True, now
            self._executable = executable_of(self._popen.pid)
        return self.is_ready

    def signal_stop(self) -> None:
        """Ask the process to end."""
        if self._popen and self._popen.poll() is None:
            self._popen.send_signal(self.spec.stop_signal)

    def wait_or_kill(self, deadline: float) -> None:
        """Wait for the end of the process; after the deadline kill all that belongs to it."""
        if self._popen:
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(max(0.0, deadline - time.monotonic()))
            self.end()

    def end(self) -> None:
        """Kill what is left of the process and of what it started, and forget it."""
        if self._popen is None:
            return
        if self._id:
            end_family(self._family(self._id))
        else:
            self._popen.kill()
        self._popen.wait()
        self._popen, self._id, self.is_ready = None, None, False

    def _family(self, leader: ProcessId) -> Family:
        directory = str(self.spec.directory.resolve()) if self.spec.directory else None
        return Family(leader, self._executable, directory)

    def record(self) -> ProcessRecord | None:
        """Return what `stack.json` says of it, `None` while it does not run."""
        if self._id is None:
            return None
        family = self._family(self._id)
        return ProcessRecord(
            name=self.name,
            pid=self._id.pid,
            start_time=self._id.start_time,
            log=str(self.log_file),
            executable=family.executable,
            directory=family.directory,
        )


def launch_argv(argv: Sequence[str], identity: str, parent_death_signal: signal.Signals) -> list[str]:
    """Return the command that runs `argv` tied to the life of the calling thread."""
    return [
        sys.executable,
        "-I",
        "-S",
        str(_LAUNCHER),
        str(this_process().pid),
        str(int(parent_death_signal)),
        identity,
        *argv,
    ]


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
