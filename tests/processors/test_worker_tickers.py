"""Two tickers beside each other move the clocks of a log as one does."""

import asyncio
from datetime import timedelta

import pytest

from contracts.codec import event_uuid, peek_type
from contracts.events.registry import TICK
from contracts.records import RawRecord
from infra.clock import utc_now
from infra.kafka.publisher import Publisher
from producers.ticker import run_ticker
from tests.processors.events import no_show_policy, shift
from tests.processors.oracle import standing_alerts
from tests.processors.scene import PARTITIONS, Scene

pytestmark = pytest.mark.stack

SHIFTS = 8
INTERVAL_SECONDS = 0.1


async def lead(scene: Scene, seconds: float, behind_seconds: float) -> None:
    """Be a ticker for a while, by a clock that is a little behind."""
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    async with Publisher(scene.bootstrap, "ticker", scene.prefix) as publisher:
        await run_ticker(publisher, PARTITIONS, INTERVAL_SECONDS, lambda: utc_now() - timedelta(seconds=behind_seconds), stop)


async def two_leaders(scene: Scene) -> None:
    """Let two tickers lead at once; the first one ends before the second."""
    await asyncio.gather(lead(scene, 2.0, 0.0), lead(scene, 3.5, 0.03))


def is_tick(record: RawRecord) -> bool:
    """Tell ticks from facts."""
    return peek_type(record.headers) == TICK


def test_two_tickers_lead_to_what_one_leads_to(scene: Scene) -> None:
    """Clocks, alerts and states are those of the log with each tick once; without some of the ticks the comparison fails."""
    begin = utc_now().replace(microsecond=0) - timedelta(minutes=10)
    starts = [begin + timedelta(seconds=1 + number * 0.3) for number in range(SHIFTS)]
    for partition in range(PARTITIONS):
        store = f"S{partition}"
        shifts = [
            shift(f"s{n}", at, at + timedelta(hours=8), f"person-{n}", published=begin - timedelta(hours=3), store=store)
            for n, at in enumerate(starts)
        ]
        scene.tell(no_show_policy(10), *shifts, partition=partition)
    scene.start()
    asyncio.run(two_leaders(scene))
    scene.caught_up()

    facts = scene.read(scene.topic)
    ticks = [record for record in facts if is_tick(record)]
    first = {event_uuid(record.headers): record for record in reversed(ticks)}
    once = [record for record in facts if not is_tick(record) or first[event_uuid(record.headers)] is record]
    assert len(first) > 20 * PARTITIONS
    assert len(ticks) > len(first) + 10 * PARTITIONS
    assert len({place for place in standing_alerts(scene.derived()) if place[0].startswith("person")}) == SHIFTS
    assert scene.differences(once) == []
    last = list(first.values())[:4]
    assert scene.differences([record for record in once if record not in last]) != []
