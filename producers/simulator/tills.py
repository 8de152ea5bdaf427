"""A day at the tills of one store: sales, returns of earlier ones, voids, corrections, a till that was offline."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.events.sales import SaleCompleted, SaleLine, SaleReturned, SaleVoided
from contracts.fields import Model
from contracts.money import line_amount
from producers.simulator.world import RECEIPTS_A_DAY, Good, SimulatedRecord, SimulatedStore, World, rng_of

HOUR_SHAPE = (3, 2, 1, 1, 1, 2, 4, 8, 11, 7, 6, 8, 13, 10, 7, 7, 8, 11, 13, 12, 10, 9, 8, 6)
WEEKDAY_SHAPE = (0.95, 0.94, 0.96, 1.0, 1.15, 1.1, 0.9)
_RETURN, _POST_VOID, _ABANDONED, _EXCHANGE, _BAG = 0.015, 0.005, 0.004, 0.003, 0.06
_BAG_SKU = "SVC-BAG"


Content = TypeVar("Content", bound=Model)


@dataclass(slots=True)
class TillMemory:
    """Sales that may still be returned, voided or corrected: each at most once. Lives as long as the store."""

    sales: list[tuple[Event[SaleCompleted], datetime]] = field(default_factory=list)


class TillDay:
    """One store on one business date."""

    def __init__(self, world: World, store: SimulatedStore, number: int, memory: TillMemory) -> None:
        self._world, self._store, self._memory = world, store, memory
        self._day = world.options.start + timedelta(days=number)
        self._rng = rng_of(world.options, "till", store.store_id, number)
        self._shares = [good.share for good in world.goods]
        self._serial = 0

    def records(self) -> Iterator[SimulatedRecord]:
        """Yield the day's events with their arrival, in order of occurrence."""
        outage = self._outage()
        today = []
        for at in self._moments():
            till = self._rng.choice(("T1", "T2"))
            event = self._happening(at, till)
            today.append(event)
            arrival = at + timedelta(seconds=self._rng.uniform(0.2, 3))
            if outage and till == "T2" and outage[0] <= at < outage[1]:
                arrival = outage[2] + timedelta(milliseconds=20 * len(today))
            yield SimulatedRecord(arrival, event)
        yield from self._corrections()

    def _moments(self) -> list[datetime]:
        rng, store = self._rng, self._store
        hours = range(store.opens, store.closes)
        busy = WEEKDAY_SHAPE[self._day.weekday()] * store.footfall * self._world.options.scale
        count = max(1, round(RECEIPTS_A_DAY * busy * rng.uniform(0.93, 1.07)))
        chosen = rng.choices(hours, [HOUR_SHAPE[hour % 24] for hour in hours], k=count)
        seconds = sorted(hour * 3600 + rng.randrange(3_600_000) / 1000 for hour in chosen)
        return [self._world.wall(self._day, moment) for moment in seconds]

    def _outage(self) -> tuple[datetime, datetime, datetime] | None:
        """A till loses its line for a while and sends everything when it is back, later on the same business date."""
        rng = self._rng
        hour, minutes, wait = rng.randrange(self._store.opens + 1, 20), rng.randrange(30, 61), rng.randrange(20, 121)
        if rng.random() < 0.5:
            return None
        begin = self._world.wall(self._day, hour * 3600)
        end = begin + timedelta(minutes=minutes)
        return begin, end, end + timedelta(minutes=wait)

    def _happening(self, at: datetime, till: str) -> Event[SaleCompleted] | Event[SaleReturned] | Event[SaleVoided]:
        self._serial += 1
        roll = self._rng.random()
        if roll < _RETURN and (earlier := self._forget(at, timedelta(days=30))):
            return self._returned(at, till, earlier)
        if _RETURN <= roll < _RETURN + _POST_VOID and (earlier := self._forget(at, timedelta(minutes=40))):
            return self._voided(at, till, earlier)
        receipt = f"{till}-{self._day:%Y%m%d}-{self._serial:05}"
        lines = self._lines()
        if _RETURN + _POST_VOID <= roll < _RETURN + _POST_VOID + _ABANDONED:
            return self._abandoned(at, till, receipt, lines)
        sale = SaleCompleted(lines=lines, **self._receipt(receipt, till, lines))
        event = self._event(SALE_COMPLETED, at, sale, till, receipt)
        if all(line.kind != "return" for line in lines):  # an exchange is not undone as a whole
            self._memory.sales.append((event, at))
        return event

    def _forget(self, now: datetime, within: timedelta) -> Event[SaleCompleted] | None:
        """Take an earlier sale out of the memory, so that nothing else happens to it."""
        sales = self._memory.sales
        if len(sales) > 20_000:
            del sales[:10_000]
        first = next((place for place in range(len(sales) - 1, -1, -1) if now - sales[place][1] > within), -1) + 1
        return sales.pop(self._rng.randrange(first, len(sales)))[0] if first < len(sales) else None

    def _lines(self) -> tuple[SaleLine, ...]:
        rng = self._rng
        count = rng.choices((1, 2, 3, 4, 5), (45, 28, 15, 8, 4))[0]
        goods = rng.choices(self._world.goods, self._shares, k=count)
        lines = [self._line(place, good) for place, good in enumerate(goods, 1)]
        if rng.random() < _EXCHANGE:
            lines.append(self._line(len(lines) + 1, rng.choice(self._world.goods)).model_copy(update={"kind": "return", "discount": 0}))
        if rng.random() < _BAG:
            price = Decimal(100 if self._world.options.currency == "KRW" else "0.10")
            gross, _ = line_amount(price, Decimal(1), self._world.options.currency)
            lines.append(
                SaleLine(line=len(lines) + 1, kind="service", sku=_BAG_SKU, description="Bag", quantity=1, unit_price=price, gross=gross)
            )
        return tuple(lines)

    def _line(self, place: int, good: Good) -> SaleLine:
        rng = self._rng
        quantity = Decimal(rng.choices((1, 2, 3), (85, 12, 3))[0])
        if good.by_weight:
            quantity = Decimal(rng.randrange(120, 900)).scaleb(-3)
        gross, _ = line_amount(good.unit_price, quantity, self._world.options.currency)
        discount = _share(gross, "0.1") if rng.random() < 0.1 else 0
        return SaleLine(
            line=place,
            sku=good.sku,
            description=good.name,
            quantity=quantity,
            unit_price=good.unit_price,
            gross=gross,
            discount=discount,
            tax=_share(gross - discount, "0.1"),
        )

    def _receipt(self, receipt: str, till: str, lines: tuple[SaleLine, ...]) -> dict[str, Any]:
        currency = self._world.options.currency
        return {
            "receipt_id": receipt,
            "currency": currency,
            "till_id": till,
            "employee_id": self._store.employees[self._serial % len(self._store.employees)],
            "rounding_remainder": sum((line_amount(line.unit_price, line.quantity, currency)[1] for line in lines), Decimal(0)),
        }

    def _returned(self, at: datetime, till: str, sale: Event[SaleCompleted]) -> Event[SaleReturned]:
        items = [line for line in sale.data.lines if line.kind == "item"]
        line = self._rng.choice(items).model_copy(update={"line": 1})
        receipt = f"{till}-{self._day:%Y%m%d}-{self._serial:05}"
        content = SaleReturned(
            lines=(line,),
            original_event_id=sale.id,
            original_receipt_id=sale.data.receipt_id,
            reason="unwanted",
            **self._receipt(receipt, till, (line,)),
        )
        return self._event(SALE_RETURNED, at, content, till, receipt)

    def _voided(self, at: datetime, till: str, sale: Event[SaleCompleted]) -> Event[SaleVoided]:
        lines = sale.data.lines
        common = self._receipt(sale.data.receipt_id, till, lines)
        content = SaleVoided(lines=lines, phase="after_completion", voided_event_id=sale.id, reason="rung up twice", **common)
        return self._event(SALE_VOIDED, at, content, till, sale.data.receipt_id)

    def _abandoned(self, at: datetime, till: str, receipt: str, lines: tuple[SaleLine, ...]) -> Event[SaleVoided]:
        content = SaleVoided(lines=lines, phase="before_completion", reason="customer left", **self._receipt(receipt, till, lines))
        return self._event(SALE_VOIDED, at, content, till, receipt)

    def _corrections(self) -> Iterator[SimulatedRecord]:
        """The office finds, after closing, that a sale was wrong or never happened."""
        at = self._world.wall(self._day, self._store.closes * 3600 + 600)
        for _ in range(self._rng.randrange(1, 3)):
            self._serial += 1
            sale = self._forget(at, timedelta(hours=12))
            if sale is None:
                return
            happened = self._rng.random() < 0.6
            content = EventCorrected(
                corrects_event_id=sale.id,
                corrects_type=SALE_COMPLETED,
                corrects_occurred_at=sale.envelope.occurred_at,
                kind="incorrect_data" if happened else "did_not_occur",
                reason="wrong quantity keyed" if happened else "training receipt",
                replacement=self._recounted(sale.data).model_dump(mode="json", exclude_none=True) if happened else None,
            )
            event = self._event(EVENT_CORRECTED, at, content, "office", sale.data.receipt_id, sale.envelope.business_date)
            yield SimulatedRecord(at + timedelta(seconds=self._serial % 60), event)
            at += timedelta(minutes=2)

    def _recounted(self, sale: SaleCompleted) -> SaleCompleted:
        first = sale.lines[0]
        quantity = first.quantity + 1
        gross, _ = line_amount(first.unit_price, quantity, sale.currency)
        line = first.model_copy(update={"quantity": quantity, "gross": gross, "tax": _share(gross - first.discount, "0.1")})
        lines = (line, *sale.lines[1:])
        remainder = sum((line_amount(row.unit_price, row.quantity, sale.currency)[1] for row in lines), Decimal(0))
        return sale.model_copy(update={"lines": lines, "rounding_remainder": remainder})

    def _event(self, event_type: str, at: datetime, content: Content, device: str, subject: str, on: date | None = None) -> Event[Content]:
        event_id = self._world.event_id(event_type, self._store.store_id, self._day, self._serial)
        event = self._world.fact(event_id, event_type, self._store, at, content, device, subject)
        if on is not None:
            event = replace(event, envelope=event.envelope.model_copy(update={"business_date": on}))
        return event


def _share(amount: int, rate: str) -> int:
    return int((amount * Decimal(rate)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
