"""The same receipts for every contender: stores that sell all day, four lines a receipt, written as the codec writes them but faster."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from uuid import UUID

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS

LINES = 4
FIRST_DAY = date(2026, 3, 2)
_KST = timezone(timedelta(hours=9))
_PRICES = (1500, 2980, 4200, 12900)
_OPEN_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sold where; receipts of all stores alternate, in the order of time. Ids are random: the worst case of looking them up."""

    receipts: int = 60_000
    stores: int = 200
    skus: int = 1_000
    receipts_a_day: int = 60_000
    partitions: int = 6
    seed: int = 1

    @property
    def lines(self) -> int:
        """Sale lines in all."""
        return self.receipts * LINES


def receipts(load: Load, first: int = 0, step: int = 1) -> Iterator[OutboundRecord]:
    """Yield the receipts in the order of time: every one, or every `step`th from the `first` on."""
    chance = random.Random(load.seed + first)
    for number in range(first, load.receipts, step):
        days, of_day = divmod(number, load.receipts_a_day)
        day = FIRST_DAY + timedelta(days=days)
        opens = datetime(day.year, day.month, day.day, 9, tzinfo=_KST)
        yield _receipt(load, number, opens + timedelta(seconds=of_day * _OPEN_SECONDS // load.receipts_a_day), chance)


def _receipt(load: Load, number: int, at: datetime, chance: random.Random) -> OutboundRecord:
    store, till = f"S-{chance.randrange(load.stores):04d}", 1 + number % 2
    lines, total = [], 0
    for line in range(1, LINES + 1):
        quantity, price = chance.choice((1, 1, 1, 2)), chance.choice(_PRICES)
        sku, gross = int(load.skus * chance.random() ** 2), quantity * price
        lines.append(f'{{"line":{line},"sku":"SKU-{sku:05d}","quantity":"{quantity}","unit_price":"{price}","gross":{gross}}}')
        total += gross
    value = (
        f'{{"receipt_id":"R{number}","currency":"KRW","lines":[{",".join(lines)}],"till_id":"{till}",'
        f'"employee_id":"E-{store}-{till}","tenders":[{{"kind":"card","amount":{total}}}]}}'
    )
    return OutboundRecord(STORE_FACTS, store.encode(), value.encode(), _headers(store, at, UUID(int=chance.getrandbits(128), version=4)))


def _headers(store: str, at: datetime, identity: UUID) -> list[tuple[str, bytes]]:
    return [
        ("ce_businessdate", at.date().isoformat().encode()),
        ("ce_dataschema", b"contracts/schemas/sale.completed.v1.json"),
        ("ce_id", str(identity).encode()),
        ("ce_source", b"benchmark"),
        ("ce_specversion", b"1.0"),
        ("ce_storeid", store.encode()),
        ("ce_tenantid", b"chain"),
        ("ce_time", at.isoformat().encode()),
        ("ce_type", b"sale.completed.v1"),
        ("content-type", b"application/json"),
    ]
