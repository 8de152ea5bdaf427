"""The same log for every contender: stores that count their shelves in the morning and then sell, with ticks in between."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from contracts.codec import build_event, encode
from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.registry import CLOCKED_IN, POLICY_SET, SALE_COMPLETED, SHIFT_PUBLISHED, STOCK_COUNTED, STORE_DEFINED, TICK
from contracts.identifiers import derived_id
from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS

OPENS = datetime(2026, 11, 2, 9, 0, tzinfo=timezone(timedelta(hours=9)))
"""Nine in the morning in Seoul, a Monday; all times carry the offset of the shop, as whatever comes through the edge does."""
LINES = 4
_HOURS = 12
CLOSES = OPENS + timedelta(hours=_HOURS)
_PRICES = (1500, 2980, 4200, 12900)


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sold where."""

    stores: int = 200
    skus: int = 1_000
    receipts: int = 120_000
    partitions: int = 6
    seed: int = 1
    rush: int = 0
    """Receipts that follow the day, at the rate of `RUSH_A_SECOND`."""
    counted: int = 100
    """Units on each shelf in the morning."""
    day_tick: timedelta = timedelta(minutes=10)
    """Between two ticks of the day."""

    @property
    def lines(self) -> int:
        """Sale lines of the day."""
        return self.receipts * LINES


RUSH_A_SECOND = 3_750
"""Receipts of four lines: 15,000 sale lines a second, by the clocks of the tills."""
_RUSH_TICK = timedelta(seconds=10)
"""Between two ticks as the ticker of a live stack sends them."""


def store_id(number: int) -> str:
    """Name a store."""
    return f"S-{number:04d}"


def opening(load: Load) -> Iterator[OutboundRecord]:
    """Yield settings, policies, shifts, the morning's counts and ticks: what is there before the first sale."""
    yield from _everywhere(load, _chain_policy())
    early, counted = OPENS - timedelta(hours=3), OPENS - timedelta(hours=2)
    for number in range(load.stores):
        store = store_id(number)
        yield _fact(STORE_DEFINED, store, "defined", early, _settings(store))
        for till in ("1", "2"):
            person = f"E-{number}-{till}"
            shift = {"shift_id": f"D-{person}", "employee_id": person, "starts_at": OPENS, "ends_at": OPENS + timedelta(hours=_HOURS)}
            yield _fact(SHIFT_PUBLISHED, store, f"shift/{till}", early, shift)
            yield _fact(CLOCKED_IN, store, f"in/{till}", OPENS - timedelta(minutes=5), {"employee_id": person})
        lines = [{"line": n + 1, "sku": _sku(n), "quantity": str(load.counted)} for n in range(load.skus)]
        yield _fact(STOCK_COUNTED, store, "count", counted, {"sheet_id": "morning", "lines": lines})
    for minutes in (100, 50, 0):  # counts are judged an hour after them: that too is over before the first sale
        yield from _ticks(load, OPENS - timedelta(minutes=minutes))


def day(load: Load) -> Iterator[OutboundRecord]:
    """Yield a day of receipts in time order, each of four lines, and ticks."""
    moments = (OPENS + timedelta(seconds=number * _HOURS * 3600 / load.receipts) for number in range(load.receipts))
    yield from _selling(load, moments, 0, OPENS, load.day_tick)


def rush(load: Load) -> Iterator[OutboundRecord]:
    """Yield what is sold after that as fast as one core has to fold it, with the ticks of a live stack."""
    moments = (CLOSES + timedelta(seconds=number / RUSH_A_SECOND) for number in range(load.rush))
    yield from _selling(load, moments, load.receipts, CLOSES, _RUSH_TICK)


def _selling(load: Load, moments: Iterable[datetime], first: int, begins: datetime, between: timedelta) -> Iterator[OutboundRecord]:
    chance, next_tick = random.Random(load.seed + first), begins + between
    for number, at in enumerate(moments, first):
        while next_tick <= at:
            yield from _ticks(load, next_tick)
            next_tick += between
        yield receipt(load, number, at, chance)


def receipt(load: Load, number: int, at: datetime, chance: random.Random) -> OutboundRecord:
    """Sell four SKUs in some store."""
    store, till = chance.randrange(load.stores), str(1 + number % 2)
    lines: list[dict[str, Any]] = []
    for line in range(1, LINES + 1):
        quantity, price = chance.choice((1, 1, 1, 2)), chance.choice(_PRICES)
        sku = _sku(int(load.skus * chance.random() ** 2))
        lines.append({"line": line, "sku": sku, "quantity": str(quantity), "unit_price": str(price), "gross": quantity * price})
    data = {"receipt_id": f"R{number}", "currency": "KRW", "lines": lines, "till_id": till, "employee_id": f"E-{store}-{till}"}
    data["tenders"] = [{"kind": "card", "amount": sum(line["gross"] for line in lines)}]
    return _fact(SALE_COMPLETED, store_id(store), f"sale/{number}", at, data)


def _sku(number: int) -> str:
    return f"SKU-{number:05d}"


def _settings(store: str) -> dict[str, Any]:
    return {
        "version": 1, "effective_from": OPENS - timedelta(days=400), "store_id": store, "name": store, "timezone": "Asia/Seoul",
        "currency": "KRW", "country": "KR", "head_count": 9, "tills": ["1", "2"],
    }  # fmt: skip


def _chain_policy() -> Event[Any]:
    parameters = {"policy": "reorder_point", "reorder_point": "20", "order_up_to": "120"}
    data = {"version": 1, "effective_from": OPENS - timedelta(days=400), "parameters": parameters}
    return _event(POLICY_SET, CHAIN_WIDE, "policy", OPENS - timedelta(days=1), data)


def _ticks(load: Load, at: datetime) -> Iterator[OutboundRecord]:
    for partition in range(load.partitions):
        data = {"at": at, "partition": partition, "time": "simulated"}
        yield encode(_event(TICK, CHAIN_WIDE, f"tick/{partition}/{at}", at, data), STORE_FACTS, partition)


def _everywhere(load: Load, event: Event[Any]) -> Iterator[OutboundRecord]:
    for partition in range(load.partitions):
        yield encode(event, STORE_FACTS, partition)


def _fact(type_: str, store: str, name: str, at: datetime, data: dict[str, Any]) -> OutboundRecord:
    return encode(_event(type_, store, name, at, data), STORE_FACTS)


def _event(type_: str, store: str, name: str, at: datetime, data: dict[str, Any]) -> Event[Any]:
    identity: UUID = derived_id("rule-speed", store, name)
    envelope = Envelope(
        id=identity, source="benchmark", type=type_, occurred_at=at, tenant_id="chain", store_id=store,
        business_date=None if store == CHAIN_WIDE else at.date(),
    )  # fmt: skip
    return build_event(envelope, data)


@dataclass(frozen=True, slots=True)
class Log:
    """What there is before the first sale, the day and the rush; made once for all that fold it."""

    load: Load
    warm: list[OutboundRecord]
    sold: list[OutboundRecord]
    rushed: list[OutboundRecord]

    @classmethod
    def of(cls, load: Load) -> "Log":
        """Make the records of a load."""
        return cls(load, list(opening(load)), list(day(load)), list(rush(load)))
