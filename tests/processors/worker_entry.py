"""A rule worker as tests start it: the product's own, with crash points and switched-off guards from the command line."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

from processors.safeguards import Safeguards
from processors.shell.watchdog import STILL_SECONDS
from processors.worker import WorkerOptions, run_worker
from tests.processors.odd_rules import rules_of


class Trap:
    """At the nth visit of a point: ends the process, freezes it, or lingers there; says so in a file first.

    Who was frozen and woken ends the batch in hand and stays at the same point of the next one: what else it would do is chance.
    With `armed`, visits count from when that file is there.
    """

    def __init__(self, point: str, visit: int, action: str, seconds: float, told: Path, armed: str | None = None) -> None:
        self._point = point
        self._visit = visit
        self._action = action
        self._seconds = seconds
        self._told = told
        self._armed = Path(armed) if armed else None
        self._visits: Counter[str] = Counter()

    def reach(self, name: str) -> Awaitable[None] | None:
        """Spring where it was set."""
        if self._armed is not None and not self._armed.exists():
            return None
        self._visits[name] += 1
        if self._action == "freeze" and name == self._point and self._visits[name] > self._visit:
            return self._stay()
        if name != self._point or self._visits[name] != self._visit:
            return None
        self._told.write_text(name, "utf-8")
        if self._action == "linger":
            return self._linger()
        os.kill(os.getpid(), signal.SIGKILL if self._action == "kill" else signal.SIGSTOP)
        return None

    async def _stay(self) -> None:
        await asyncio.Event().wait()

    async def _linger(self) -> None:
        await asyncio.sleep(self._seconds)
        self._told.write_text("over", "utf-8")


def main() -> None:
    """Read the options as JSON and run."""
    given = json.loads(sys.argv[1])
    trap, stage = given.pop("trap", None), given.get("stage", "stores")
    run_worker(
        WorkerOptions(
            bootstrap=given["bootstrap"],
            data_dir=Path(given["data_dir"]),
            topic_prefix=given["prefix"],
            slot=given["slot"],
            stage=stage,
            partitions=given["partitions"],
            still_seconds=given.get("still_seconds", STILL_SECONDS),
            rules=rules_of(stage, given.get("rules", ())),
            safeguards=Safeguards(**given.get("safeguards", {})),
            crash_points=Trap(**{**trap, "told": Path(trap["told"])}) if trap else None,
        )
    )


if __name__ == "__main__":
    main()
