"""A small world for the API: two stores, and the real projections running beside the test."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from contracts.codec import build_event, encode
from contracts.envelope import Envelope, Event
from contracts.events.reference import StoreDefined
from contracts.events.registry import STORE_DEFINED
from contracts.fields import Model
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.consumer import Partition, end_offsets
from infra.postgres.engine import async_engine
from projections.catalogue import PROJECTIONS
from projections.freshness import read_freshnesses
from projections.generation_runners import run_generations
from projections.options import RunnerOptions
from tests.api.alerts import publish
from tests.api.events import TENANT, event_id
from tests.projections.applying import apply_log
from tests.waiting import patience, until

_LOOK_SECONDS = 0.05
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def store(store_id: str, timezone: str, currency: str, country: str, cut_off_hour: int, tenant: str = TENANT) -> Event[Model]:
    """Define the first version of a store."""
    data = StoreDefined(
        version=1,
        effective_from=LONG_AGO,
        store_id=store_id,
        name=f"Store {store_id}",
        timezone=timezone,
        currency=currency,
        country=country,
        cut_off_hour=cut_off_hour,
    )
    envelope = Envelope(
        id=event_id("store", store_id), source="tests", type=STORE_DEFINED, occurred_at=LONG_AGO, tenant_id=tenant, store_id=store_id
    )
    return build_event(envelope, data)


STORES = (
    store("A", "Asia/Seoul", "KRW", "KR", 5),
    store("B", "Europe/London", "GBP", "GB", 0),
    store("X", "Asia/Seoul", "KRW", "KR", 0, "rival"),
)


def define_stores(addresses: Addresses) -> None:
    """Write the stores to the log and let the real projection read them."""
    records = [encode(event, topic) for event in STORES for topic in (REFERENCE_DATA, STORE_FACTS)]
    asyncio.run(publish(addresses, records))
    apply_log(addresses, "stores")


@contextmanager
def projected(addresses: Addresses, *names: str) -> Iterator[None]:
    """Run projections in a thread while the body runs."""
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        await run_generations(names, RunnerOptions(addresses), stop)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(work()))
        try:
            yield
        finally:
            if not running.done():
                until(lambda: loops, 30, "the runners have started")
                loops[0].call_soon_threadsafe(stop.set)
            running.result(20)


def catch_up(addresses: Addresses, *names: str, timeout: float = 30.0) -> None:
    """Wait until projections have applied all that their topics hold now."""
    asyncio.run(_await_level(addresses, names, timeout))


async def _await_level(addresses: Addresses, names: Sequence[str], timeout: float) -> None:  # noqa: ASYNC109
    topics = {topic for name in names for topic in PROJECTIONS[name].topics}
    ends = await end_offsets(addresses.kafka_bootstrap, topics, addresses.topic_prefix)
    engine = async_engine(addresses.postgres_dsn, "tests")
    try:
        async with asyncio.timeout(patience(timeout)):
            while True:
                if all(_is_level(fresh.positions, ends) for fresh in await read_freshnesses(engine, *names)):
                    return
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not level with the log within {timeout} s: {', '.join(names)}") from None
    finally:
        await engine.dispose()


def _is_level(positions: Mapping[tuple[str, int], int], ends: Mapping[Partition, int]) -> bool:
    """Tell whether a read model has applied all that its topics held; one that was never started has not."""
    topics = {topic for topic, _ in positions}
    return bool(positions) and all(positions.get((tp.topic, tp.partition), 0) >= end for tp, end in ends.items() if tp.topic in topics)
