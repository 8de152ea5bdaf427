"""Runners as tests start them: a process of the product's own code, with crash points and switched-off safeguards from the command line."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contracts.records import OutboundRecord
from infra.addresses import Addresses
from infra.kafka.publisher import Position, Publisher
from infra.logs import configure_logging
from projections.generation_runners import run_generations
from projections.options import DeadLetterLimit, RunnerOptions, Safeguards
from tests.projections.folding import rows_of
from tests.waiting import patience, until


class Trap:
    """At the nth visit of a point, ends or freezes this process, or ends the one with a given id; says so in a file first."""

    def __init__(self, point: str, visit: int, action: str, told: str) -> None:
        self._point, self._visit, self._action, self._told = point, visit, action, Path(told)
        self._visits: Counter[str] = Counter()

    def reach(self, name: str) -> None:
        """Spring where it was set."""
        self._visits[name] += 1
        if name == self._point and self._visits[name] == self._visit:
            self._told.write_text(name, "utf-8")
            if self._action.isdecimal():
                os.kill(int(self._action), signal.SIGKILL)
            else:
                os.kill(os.getpid(), signal.SIGKILL if self._action == "kill" else signal.SIGSTOP)


@dataclass
class RunnerProcess:
    """A runner in a process of its own."""

    process: subprocess.Popen[bytes]
    told: Path
    ready: Path
    output: Path

    def is_ready(self) -> bool:
        """Tell whether it owns its partitions; fails when it has ended."""
        assert self.process.poll() is None, self.output.read_text("utf-8")
        return self.ready.exists()

    def says(self, what: str) -> bool:
        """Tell whether its log has a word."""
        return what in self.output.read_text("utf-8")

    def end(self) -> None:
        """End it, frozen or not."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(patience(10))


@dataclass
class Scene:
    """The runners of one test, on one place."""

    place: Addresses
    directory: Path
    started: list[RunnerProcess]

    def start(
        self, *names: str, trap: tuple[str, int, str] | None = None, safeguards: Safeguards | None = None, **options: Any
    ) -> RunnerProcess:
        """Start a runner of these projections."""
        number = len(self.started)
        told, ready, output = (self.directory / f"{number}.{kind}" for kind in ("told", "ready", "log"))
        given = {
            "addresses": asdict(self.place),
            "names": names,
            "ready": str(ready),
            "trap": [*trap, str(told)] if trap else None,
            "safeguards": asdict(safeguards or Safeguards()),
            "options": options,
        }
        with output.open("wb") as sink:
            process = subprocess.Popen([sys.executable, "-m", "tests.projections.running", json.dumps(given)], stdout=sink, stderr=sink)
        self.started.append(RunnerProcess(process, told, ready, output))
        return self.started[-1]

    def publish(self, records: Sequence[OutboundRecord]) -> list[Position]:
        """Put records on the log."""

        async def work() -> list[Position]:
            async with Publisher(self.place.kafka_bootstrap, "tests", self.place.topic_prefix) as publisher:
                return await publisher.publish_all(records)

        return asyncio.run(work())

    def position(self, projection: str, part: int = 0, topic: str = "store-facts-v1") -> int:
        """Return how far a projection is in one partition, −1 before it owned it."""
        rows = rows_of(
            self.place,
            f"SELECT next_offset FROM delivery.positions WHERE projection = '{projection}' AND topic = '{topic}' AND part = {part}",
        )
        return rows[0]["next_offset"] if rows else -1

    def await_position(self, projection: str, offset: int, timeout: float = 40.0) -> None:
        """Wait until a projection has passed all records before an offset of partition 0."""
        until(lambda: self.position(projection) >= offset, timeout, f"{projection} reaches {offset}")


@contextmanager
def scene_on(place: Addresses, directory: Path) -> Iterator[Scene]:
    """Run a scene whose processes end with it."""
    scene = Scene(place, directory, [])
    try:
        yield scene
    finally:
        for runner in scene.started:
            runner.end()


def main() -> None:
    """Read the options as JSON and run until SIGTERM."""
    given = json.loads(sys.argv[1])
    configure_logging("tests", "info", "json")
    extra = {"crash_points": Trap(*given["trap"])} if given["trap"] else {}
    options = RunnerOptions(
        addresses=Addresses(**given["addresses"]),
        safeguards=Safeguards(**given["safeguards"]),
        on_ready=lambda: Path(given["ready"]).touch(),
        **{name: DeadLetterLimit(**value) if name == "limit" else value for name, value in given["options"].items()},
        **extra,
    )

    async def work() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await run_generations(given["names"], options, stop)

    asyncio.run(work())


if __name__ == "__main__":
    main()
