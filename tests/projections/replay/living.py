"""A place with live runners that follow the register of generations, as `tillstream project` does, and replays beside them."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contracts.envelope import Event
from contracts.topics import TOPICS
from infra.addresses import Addresses
from infra.kafka.consumer import end_offsets
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from projections.catalogue import PROJECTIONS
from projections.generation_runners import run_generations
from projections.generations import Generation, list_generations
from projections.options import RunnerOptions
from projections.replay.postgres_tables import StoreDays
from projections.replay.run import ReplayRequest, replay
from tests.projections.folding import rows_of
from tests.projections.running import Trap
from tests.projections.story import adjusted, at, corrected, counted, outbound, sold
from tests.waiting import patience

STORES = ("S1", "S2", "S3")


def told(first: int, last: int) -> list[Event[Any]]:
    """Tell a story of three stores: counts, sales on two days, losses, and a correction."""
    story: list[Event[Any]] = []
    for number in range(first, last):
        store, when = STORES[number % 3], at(number * 7 + 1_440 * (number % 2))
        story.append(sold(f"sale {number}", when, 1 + number % 4, store=store))
        if number % 5 == 0:
            story.append(counted(f"count {number}", when, 100 + number, store=store))
        if number % 7 == 0:
            story.append(adjusted(f"loss {number}", when, -1, store=store))
        if number % 11 == 10:
            story.append(corrected(f"not {number}", story[-1 if number % 5 and number % 7 else -2]))
    return story


async def publish(place: Addresses, events: Sequence[Event[Any]]) -> None:
    """Put events on the log, each store in a partition of its own."""
    async with Publisher(place.kafka_bootstrap, "tests", place.topic_prefix) as publisher:
        await publisher.publish_all([outbound(each, STORES.index(each.store_id)) for each in events])


async def until_true(condition: Any, what: str, seconds: float = 40.0) -> None:
    """Poll with a deadline."""
    async with asyncio.timeout(patience(seconds)):
        while not condition():  # noqa: ASYNC110 - a database says nothing by itself
            await asyncio.sleep(0.05)
    assert condition(), what


@asynccontextmanager
async def live(place: Addresses, *names: str) -> AsyncIterator[None]:
    """Keep read models up to date while the body runs."""
    stop, ready = asyncio.Event(), asyncio.Event()
    options = RunnerOptions(addresses=place, on_ready=ready.set)
    service = asyncio.create_task(run_generations(names, options, stop))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([service, waiting], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
        assert not service.done() or service.result() is None
    finally:
        stop.set()
        waiting.cancel()
        await asyncio.gather(service, return_exceptions=True)


async def ends_of(place: Addresses, *names: str) -> dict[tuple[str, int], int]:
    """Return where the partitions end that these read models read, or all."""
    topics = {topic for name in names for topic in PROJECTIONS[name].topics} or set(TOPICS)
    return {(tp.topic, tp.partition): end for tp, end in (await end_offsets(place.kafka_bootstrap, topics, place.topic_prefix)).items()}


async def await_end(place: Addresses, name: str, *numbers: int) -> None:
    """Wait until these generations have applied all that is on the log."""
    ends = await ends_of(place, name)

    def reached() -> bool:
        rows = rows_of(place, f"SELECT generation, topic, part, next_offset FROM delivery.positions WHERE projection = '{name}'")
        found = {(row["generation"], row["topic"], row["part"]): row["next_offset"] for row in rows}
        return all(found.get((number, *at), -1) >= end for number in numbers for at, end in ends.items())

    await until_true(reached, f"{name} {numbers} reach the end")


async def generations(place: Addresses, name: str) -> dict[int, Generation]:
    """Return the generations of a read model that are there."""
    engine = async_engine(place.postgres_dsn, "tests")
    try:
        async with engine.connect() as conn:
            return {each.number: each for each in await list_generations(conn, [name], ("building", "running", "dropping"))}
    finally:
        await engine.dispose()


def start_killed(place: Addresses, directory: Path, name: str, point: str, visit: int = 1, store: str | None = None) -> int:
    """Run a replay in a process that kills itself at a point, and return how it ended."""
    given = {"addresses": asdict(place), "name": name, "store": store, "trap": [point, visit, "kill", str(directory / "told")]}
    command = [sys.executable, "-m", "tests.projections.replay.living", json.dumps(given)]
    return subprocess.run(command, timeout=patience(90), check=False).returncode


if __name__ == "__main__":
    parsed = json.loads(sys.argv[1])
    request = ReplayRequest(parsed["name"], StoreDays(parsed["store"]))
    asyncio.run(replay(Addresses(**parsed["addresses"]), request, crash_points=Trap(*parsed["trap"])))
