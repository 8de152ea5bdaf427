"""`tillstream demo`: the whole line once, from an empty directory to a reconciled answer, with a result for machines.

The supervisor lives in the main thread, because what it starts is tied to that thread; the work runs beside it.
"""

import json
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from infra.embedded.stack_error import StackError
from infra.embedded.stack_file import read_record
from infra.settings import Settings
from producers.mappings.reader import MappingInvalid
from tillstream.demo.work import DemoInput, DemoResult, perform
from tillstream.options import settings_for
from tillstream.running import RunningStack, whole_stack
from tillstream.timemode import remembered_time

DEFAULT_DIRECTORY = Path(".tillstream") / "demo"


@dataclass
class _Beside:
    """Work that runs in a thread of its own, and how it ended."""

    result: DemoResult | None = None
    error: BaseException | None = None

    def run(self, console: Console, stack: RunningStack, given: DemoInput) -> None:
        try:
            self.result = perform(console, stack, given)
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self.error = error


def run_demo(console: Console, *, data: Path | None, mapping: Path | None, json_file: Path | None, seed: int, data_dir: Path | None) -> int:
    """Run the demo and return its exit status: 0 when everything reconciles."""
    settings = settings_for(data_dir or DEFAULT_DIRECTORY, time="simulated", reconcile_every="off")
    began = time.monotonic()
    try:
        given = DemoInput.of(data, mapping, seed)
        _make_fresh(settings)
        remembered_time(settings, "simulated")
        console.print(
            f"[bold]Starting the embedded stack[/bold] in {settings.data_dir} (real Kafka, Postgres and ClickHouse; simulated time)"
        )
        with whole_stack(settings, lambda step: console.print(f"  {step}")) as stack:
            result = _work(console, stack, given)
    except (StackError, MappingInvalid, DirectoryInUse) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    seconds = round(time.monotonic() - began, 1)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(result.as_json(seconds), indent=2, ensure_ascii=False) + "\n", "utf-8")
    console.print(
        f"\nDone in {seconds:.0f} s. Keep it running with these numbers: [bold]tillstream up --data-dir {settings.data_dir}[/bold]",
        highlight=False,
    )
    return 0 if result.status == "ok" else 1


class DirectoryInUse(RuntimeError):
    """The demo would have to delete a directory that is in use or is not its own."""


def _make_fresh(settings: Settings) -> None:
    """Empty the demo's directory, unless a stack runs on it or it holds something else."""
    directory = settings.data_dir
    record = read_record(directory)
    if record is not None and record.is_live():
        raise DirectoryInUse(f"a stack runs on {directory} (process {record.supervisor_pid}); stop it first, or name another --data-dir")
    if not directory.exists() or not any(directory.iterdir()):
        return
    if not (directory / "time").exists():
        raise DirectoryInUse(f"{directory} is not empty and holds no stack; name another --data-dir")
    shutil.rmtree(directory)


def _work(console: Console, stack: RunningStack, given: DemoInput) -> DemoResult:
    beside = _Beside()
    thread = threading.Thread(target=beside.run, args=(console, stack, given), name="demo")
    thread.start()
    while thread.is_alive():
        stack.supervisor.poll()
        thread.join(0.05)
    if beside.error is not None:
        raise beside.error
    if beside.result is None:
        raise RuntimeError("the demo's work ended without a result")
    return beside.result
