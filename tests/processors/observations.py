"""Stories of the chains' stage: what stores say of their sales, and how far each partition of the stores' stage is."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.observations import SalesObserved
from contracts.events.registry import RULE_PROGRESSED, SALES_OBSERVED
from tests.processors.events import START, at, event

MIDNIGHT = START.replace(hour=0)


def observation(day: datetime, hour: int, actual: int, revision: int) -> SalesObserved:
    """Say what a store sold from the begin of a day (UTC) to the end of an hour, where 50.00 are usual."""
    return SalesObserved(
        business_date=day.date(),
        hour=hour,
        hour_end=day + timedelta(hours=hour + 1),
        day_begin=day,
        day_end=day + timedelta(days=1),
        revision=revision,
        currency="GBP",
        actual=actual,
        expected=5000,
        receipts=actual // 100,
        expected_receipts=50,
        residual=Decimal(0 if actual == 5000 else -6),
        spread=Decimal("0.15"),
        elapsed=Decimal("0.5"),
        like_days=8,
        false_discovery_rate=Decimal("0.5"),
        false_alarm_rate=Decimal("0.01"),
        least_deviation=500,
        high_deviation=2000,
        policy_version=0,
        rule_version=1,
    )


def observed(hour: int, store: str = "S1", actual: int = 5000, revision: int = 1) -> Event[Any]:
    """Say so of the first day of the story."""
    content = observation(MIDNIGHT, hour, actual, revision)
    return event(SALES_OBSERVED, f"observed/{hour}/{revision}", content.hour_end, content.model_dump(mode="json"), store)


def progress(partition: int, clock: datetime, partitions: int) -> Event[Any]:
    """Say how far a partition of stores is."""
    data = {"partition": partition, "next_offset": int(clock.timestamp()), "clock": clock, "partitions": partitions, "time": "simulated"}
    return event(RULE_PROGRESSED, f"progress/{partition}/{clock.isoformat()}", clock, data, CHAIN_WIDE)


def observation_chapters(partitions: int) -> Iterator[list[Event[Any]]]:
    """Go on hour by hour: six stores speak, one of them with trouble, one twice; then the clock passes the end of the hour."""
    for hour in count():
        stores = [observed(hour % 24, f"S{number}", 500 if number == 3 else 5000, 1 + hour // 24) for number in range(1, 7)]
        yield [*stores, stores[0], *(progress(number, at(60 * (hour - 7)), partitions) for number in range(partitions))]
