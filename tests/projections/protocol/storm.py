"""A process whose runners join their groups and leave them within a second: gently or without a word, some before they own anything."""

import asyncio
import json
import random
import signal
import sys
from contextlib import suppress

from infra.addresses import Addresses
from infra.logs import configure_logging
from infra.postgres.engine import async_engine
from projections.catalogue import PROJECTIONS
from projections.generation_runners import end_all
from projections.holds import Holds
from projections.options import RunnerOptions
from projections.runner import Runner

_STAYS_SECONDS = (0.1, 1.0)
_JOIN_SECONDS = 10.0
_LEAVE_EARLY, _LEAVE_GENTLY = 0.25, 0.5


async def _comes_and_goes(name: str, options: RunnerOptions, enough: asyncio.Event, dice: random.Random) -> None:
    engine = async_engine(options.addresses.postgres_dsn, "storm")
    try:
        while not enough.is_set():
            leaves = asyncio.Event()
            runner = Runner(PROJECTIONS[name], options, engine, Holds(engine), leaves)
            visit = asyncio.create_task(runner.run())
            early, gently = dice.random() < _LEAVE_EARLY, dice.random() < _LEAVE_GENTLY
            if not early:
                await _within(_JOIN_SECONDS, runner.owned)
            await _within(dice.uniform(*_STAYS_SECONDS), enough)
            if gently:
                leaves.set()
                await asyncio.wait([visit], timeout=options.stop_grace_seconds)
            await end_all([visit])
    finally:
        await engine.dispose()


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _storm(names: list[str], options: RunnerOptions) -> None:
    enough, dice = asyncio.Event(), random.Random(7)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, enough.set)
    await asyncio.gather(*(_comes_and_goes(name, options, enough, dice) for name in names))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    configure_logging("tests", "info", "json")
    settings = tuple((name, value) for name, value in given["consumer_settings"])
    asyncio.run(_storm(given["names"], RunnerOptions(Addresses(**given["addresses"]), consumer_settings=settings, max_records=50)))
