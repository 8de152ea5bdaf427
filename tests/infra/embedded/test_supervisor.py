"""The supervisor on small real processes: readiness, restart, stop, leftovers, families."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.embedded.process_table import Family, ProcessId, end_family, identify, is_running, members
from infra.embedded.stack_file import ProcessRecord, StackRecord, read_record, write_record
from infra.embedded.supervised import launch_argv
from infra.processes import BackOff, ProcessSpec, StartFailed, StartInterrupted, Supervisor
from tests.waiting import until

AT_ONCE = BackOff(delays_seconds=(0.05, 0.1), healthy_after_seconds=0.2)

_SLEEP = "import time; time.sleep(600)"
_WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_SLEEP!r}]).wait()"
_DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w').close(); {_SLEEP}"
_LEAVES_ITS_SESSION = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_SLEEP!r}], start_new_session=True).wait()"


def _spec(name: str, code: str = _SLEEP, **more: object) -> ProcessSpec:
    given = {"ready": lambda _pid: True, **more}
    return ProcessSpec(name=name, argv=[sys.executable, "-c", code], **given)


def _family(supervisor: Supervisor, index: int = 0) -> Family:
    record = supervisor.processes[index].record()
    assert record is not None
    return record.family()


@contextmanager
def _bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", _SLEEP], start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_what_ends_is_started_again_and_its_children_are_ended_first(tmp_path: Path) -> None:
    """A killed process takes what it started with it before it comes back."""
    with Supervisor(tmp_path, AT_ONCE) as supervisor:
        supervisor.start_all([_spec("worker", _WITH_CHILD)])
        before = _family(supervisor)
        until(lambda: len(members(before)) == 2)
        os.kill(before.leader.pid, signal.SIGKILL)

        until(lambda: supervisor.poll() or supervisor.processes[0].pid not in (None, before.leader.pid))

        assert members(before) == []
        assert supervisor.processes[0].failures == 1
        until(lambda: supervisor.poll() or supervisor.processes[0].failures == 0, what="health forgets failures")


def test_children_that_leave_the_session_are_found_by_their_directory(tmp_path: Path) -> None:
    """As Postgres sessions do: same program, same private directory, a session of their own."""
    private = tmp_path / "private"
    private.mkdir()
    with Supervisor(tmp_path, AT_ONCE) as supervisor, _bystander() as stranger:
        supervisor.start_all([_spec("server", _LEAVES_ITS_SESSION, directory=private)])
        family = _family(supervisor)
        until(lambda: len(members(family)) == 2)
        os.kill(family.leader.pid, signal.SIGKILL)
        until(lambda: supervisor.processes[0].exit_status() is not None)

        left = members(family)
        end_family(family)

        assert len(left) == 1
        assert members(family) == []
        assert identify(stranger.pid) is not None


def test_waits_between_restarts_grow_and_end_at_the_longest() -> None:
    """1, 3, 6, then 12 seconds for ever."""
    waits = [BackOff().delay_seconds(failures) for failures in range(1, 7)]

    assert waits == [1.0, 3.0, 6.0, 12.0, 12.0, 12.0]


def test_a_process_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    """A stop ends within the grace that the spec gives."""
    with Supervisor(tmp_path, AT_ONCE) as supervisor:
        ready = lambda _pid: (tmp_path / "deaf").exists()  # noqa: E731
        supervisor.start_all([_spec("deaf", _DEAF, directory=tmp_path, ready=ready, stop_grace_seconds=0.3)])
        family = _family(supervisor)
        begun = time.monotonic()
        supervisor.stop_all()
        took = time.monotonic() - begun

    assert members(family) == []
    assert 0.3 <= took < ProcessSpec.stop_grace_seconds


def test_one_that_never_gets_up_fails_the_start_with_its_last_words(tmp_path: Path) -> None:
    """The error names the process, its log file and what it said."""
    with pytest.raises(StartFailed, match="no such table") as raised, Supervisor(tmp_path, AT_ONCE) as supervisor:
        supervisor.start_all([_spec("broken", "import sys; sys.exit('no such table')", ready=lambda _pid: False)])

    assert (raised.value.name, raised.value.log_file) == ("broken", tmp_path / "logs" / "broken.log")


def test_a_stop_during_the_start_ends_it(tmp_path: Path) -> None:
    """Nobody has to wait for readiness that will not come."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(StartInterrupted), Supervisor(tmp_path, AT_ONCE) as supervisor:
        supervisor.start_all([_spec("slow", ready=lambda _pid: False)], stop=stop)

    assert read_record(tmp_path) is None


def test_copies_know_their_slot_and_have_a_log_each(tmp_path: Path) -> None:
    """A spec with a count runs as many, each with its own number."""
    code = f"import os, sys; print('slot', os.environ['SLOT'], sys.argv[1], flush=True); {_SLEEP}"
    spec = _spec("worker", env={"SLOT": "{slot}"}, count=2)
    spec = ProcessSpec(**{**vars(spec), "argv": [sys.executable, "-c", code, "--slot={slot}"]})
    with Supervisor(tmp_path, AT_ONCE) as supervisor:
        supervisor.start_all([spec])
        for slot in (0, 1):
            written = tmp_path / "logs" / f"worker-{slot}.log"
            until(lambda log=written, number=slot: log.read_text() == f"slot {number} --slot={number}\n")

        record = read_record(tmp_path)

    assert record is not None
    assert [process.name for process in record.processes] == ["worker-0", "worker-1"]


def test_leftovers_of_a_killed_supervisor_are_ended(tmp_path: Path) -> None:
    """What `stack.json` names with its right start time is ended before anything starts."""
    with _bystander() as left:
        leader = identify(left.pid)
        assert leader is not None
        _record(tmp_path, leader)
        with Supervisor(tmp_path, AT_ONCE):
            assert left.wait(5) == -signal.SIGKILL


def test_a_stranger_with_the_process_id_of_a_leftover_is_left_alone(tmp_path: Path) -> None:
    """Process ids are used again; the start time tells."""
    with _bystander() as stranger:
        found = identify(stranger.pid)
        assert found is not None
        _record(tmp_path, ProcessId(found.pid, found.start_time - 1))
        with Supervisor(tmp_path, AT_ONCE):
            assert is_running(found)


def _record(data_dir: Path, leader: ProcessId) -> None:
    process = ProcessRecord(name="kafka", pid=leader.pid, start_time=leader.start_time, log="", executable="")
    write_record(data_dir, StackRecord(supervisor_pid=1, supervisor_start_time=0, processes=[process]))


def test_a_program_whose_parent_died_before_it_could_be_watched_does_not_run(tmp_path: Path) -> None:
    """The launcher compares its parent with who started it, after the kernel was asked."""
    touched = tmp_path / "touched"
    argv = launch_argv(["touch", str(touched)], "same", signal.SIGKILL)
    someone_else = argv.index(str(os.getpid()))
    argv[someone_else] = "1"

    subprocess.run(argv, check=True, timeout=10)

    assert not touched.exists()


def test_processes_are_started_from_the_main_thread_only(tmp_path: Path) -> None:
    """A process ends with the thread that started it, so a passing thread must not."""
    raised: list[BaseException] = []
    with Supervisor(tmp_path, AT_ONCE) as supervisor:

        def run() -> None:
            try:
                supervisor.start_all([_spec("worker")])
            except RuntimeError as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        supervisor.processes.clear()

    assert [str(error) for error in raised] == ["processes are started from the main thread only"]
