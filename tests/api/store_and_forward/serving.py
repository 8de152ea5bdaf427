"""An edge buffer process that kills itself at a named point: `python -m tests.api.store_and_forward.serving <JSON>`.

Two writers that break the promise on purpose show that the kill tests are able to see a loss.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.store_and_forward.buffer import Buffer, Waiting
from api.store_and_forward.config import EdgeConfig
from api.store_and_forward.serve import serve
from api.store_and_forward.writer import Writer
from infra.logs import configure_logging
from tests.api.store_and_forward.running import NOWHERE, QUICK, Edge, till
from tests.waiting import patience


class Trap:
    """Kills its own process at the n-th visit of a point."""

    def __init__(self, point: str, visits: int) -> None:
        self._point = point
        self._visits = visits

    def reach(self, name: str) -> None:
        """Count a visit."""
        if name == self._point:
            self._visits -= 1
            if self._visits == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class AnswersEarly(Writer):
    """Answers without a commit."""

    def _commit(self, jobs: list[Any]) -> None:
        if not self._buffer._connection.in_transaction:
            self._buffer._connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            self._do(job)


class _Taken(Buffer):
    """Takes items off the list when they are read."""

    def oldest(self, most_items: int, most_bytes: int) -> list[Waiting]:
        found = super().oldest(most_items, most_bytes)
        self.remove([row.sequence for row in found])
        return found


class RemovesEarly(Writer):
    """Removes before the centre has answered."""

    def __init__(self, buffer: Buffer, expected: tuple[type[Exception], ...]) -> None:
        super().__init__(_Taken(buffer._connection, buffer._room, buffer._remembered_ids), expected)


WRITERS = {"as it is": Writer, "answers early": AnswersEarly, "removes early": RemovesEarly}


@dataclass
class EdgeProcess:
    """A buffer in a process of its own."""

    process: subprocess.Popen[str]
    edge: Edge

    def await_death(self) -> None:
        """Wait until it has killed itself."""
        assert self.process.wait(patience(20)) == -signal.SIGKILL


@contextmanager
def edge_process(
    config: EdgeConfig, trap: tuple[str, int] | None = None, writer: str = "as it is", centre: str | None = None
) -> Iterator[EdgeProcess]:
    """Run a buffer while the body runs; it is killed at the end if it still runs."""
    given = {"centre": centre or config.centre, "directory": str(config.directory), "token_file": str(config.token_file)}
    command = [sys.executable, "-m", "tests.api.store_and_forward.serving", json.dumps(given | {"trap": trap, "writer": writer})]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip() or NOWHERE  # a trap may close before the buffer serves
        assert trap or url != NOWHERE, "the buffer did not start"
        with till(url, config.directory) as client:
            yield EdgeProcess(process, Edge(url, config.directory, client))
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def main(arguments: Sequence[str]) -> None:
    """Serve until told to stop, or killed by the trap."""
    given = json.loads(arguments[0])
    configure_logging("edge", "error")
    config = EdgeConfig(
        centre=given["centre"],
        token_file=Path(given["token_file"]),
        directory=Path(given["directory"]),
        pace=QUICK,
        idle_seconds=0.05,
        crash_points=Trap(*given["trap"]) if given["trap"] else None,
    )
    serve(config, "127.0.0.1", 0, lambda address: print(address, flush=True), WRITERS[given["writer"]])


if __name__ == "__main__":
    main(sys.argv[1:])
