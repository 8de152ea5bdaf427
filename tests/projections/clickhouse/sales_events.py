"""Small sales for tests: receipts of one store and hour, their returns, voids and corrections, and random heaps of them."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from contracts.codec import build_event, encode
from contracts.envelope import Envelope, Event
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.records import RawRecord
from contracts.topics import STORE_FACTS

SEOUL = timezone(timedelta(hours=9))
DAY = date(2026, 3, 2)
RECORDED = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp() * 1000)


def at(hour: int, minute: int = 0, day: date = DAY, zone: timezone = SEOUL) -> datetime:
    """Return a local time."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)


def line(number: int, amount: int = 1000, quantity: str = "1", kind: str = "item", discount: int = 0) -> dict[str, Any]:
    """Return a line of a price in whole won."""
    gross = int(amount * float(quantity))
    return {
        "line": number,
        "kind": kind,
        "sku": f"SKU-{number}",
        "quantity": quantity,
        "unit_price": str(amount),
        "gross": gross,
        "discount": discount,
    }


def sale(
    name: str,
    moment: datetime,
    *lines: dict[str, Any],
    store: str = "S1",
    kind: str = SALE_COMPLETED,
    day: date | None = None,
    currency: str = "KRW",
    **more: Any,
) -> Event[Model]:
    """Return a receipt whose id follows from its store and name alone."""
    if kind == SALE_VOIDED:
        more.setdefault("phase", "after_completion")
    content = {"receipt_id": name, "currency": currency, "lines": list(lines) or [line(1)], **more}
    return build_event(_envelope(kind, name, store, moment, day), content)


def returned(name: str, moment: datetime, *lines: dict[str, Any], **more: Any) -> Event[Model]:
    """Return a return."""
    return sale(name, moment, *lines, kind=SALE_RETURNED, **more)


def voided(name: str, moment: datetime, *lines: dict[str, Any], **more: Any) -> Event[Model]:
    """Return a void."""
    return sale(name, moment, *lines, kind=SALE_VOIDED, **more)


def corrected(name: str, wrong: Event[Model], right: Event[Model] | None = None) -> Event[Model]:
    """Return a correction of an event: it did not occur, or it should have been another."""
    content = {
        "corrects_event_id": wrong.id,
        "corrects_type": wrong.type if wrong.type != EVENT_CORRECTED else wrong.data.corrects_type,  # type: ignore[attr-defined]
        "corrects_occurred_at": wrong.envelope.occurred_at if wrong.type != EVENT_CORRECTED else wrong.data.corrects_occurred_at,  # type: ignore[attr-defined]
        "kind": "did_not_occur" if right is None else "incorrect_data",
        "reason": "a test",
    }
    if right is not None:
        content["replacement"] = right.data.model_dump(mode="json", exclude_none=True)
    envelope = wrong.envelope
    return build_event(_envelope(EVENT_CORRECTED, name, envelope.store_id, at(23), envelope.business_date), content)


def _envelope(kind: str, name: str, store: str, moment: datetime, day: date | None) -> Envelope:
    return Envelope(
        id=derived_id("test", store, name),
        source="till/test",
        type=kind,
        occurred_at=moment,
        tenant_id="chain",
        store_id=store,
        business_date=day or moment.date(),
        history=True,
    )


def on_log(events: list[Event[Model]], partition_of: dict[str, int] | None = None) -> list[RawRecord]:
    """Lay events on an imagined log, each store in a partition of its own, in their order."""
    places: dict[str, int] = partition_of if partition_of is not None else {}
    heads: dict[int, int] = {}
    records = []
    for event in events:
        part = places.setdefault(event.store_id, len(places))
        heads[part] = heads.get(part, -1) + 1
        record = encode(event, STORE_FACTS)
        records.append(RawRecord(STORE_FACTS, part, heads[part], RECORDED, record.key, record.value, record.headers))
    return records


@st.composite
def heaps(draw: st.DrawFn) -> list[Event[Model]]:
    """Draw events of two stores in the order of their log: sales, returns, voids, corrections of any of them, and repeats."""
    events: list[Event[Model]] = []
    for number in range(draw(st.integers(1, 12))):
        store = draw(st.sampled_from(["S1", "S2"]))
        rows = [
            line(
                index + 1, draw(st.integers(1, 9)) * 100, draw(st.sampled_from(["1", "2", "0.5"])), draw(st.sampled_from(KINDS)),
                draw(st.integers(0, 50)),
            )
            for index in range(draw(st.integers(1, 3)))
        ]  # fmt: skip
        moment = at(draw(st.integers(9, 11)), draw(st.integers(0, 59)), DAY + timedelta(days=draw(st.integers(0, 1))))
        more = {"store": store, "currency": draw(st.sampled_from(["KRW", "JPY"]))}
        make = draw(st.sampled_from([sale, sale, returned, voided]))
        events.append(make(f"R{number}", moment, *rows, **more))
    for number in range(draw(st.integers(0, 5))):
        wrong = draw(st.sampled_from(events))
        right = draw(st.none() | st.just(sale("right", at(10), line(1, 700), store=wrong.store_id)))
        if right is not None and wrong.type != SALE_COMPLETED:
            right = None
        events.append(corrected(f"C{number}", wrong, right))
    repeats = draw(st.lists(st.sampled_from(events), max_size=5))
    return draw(st.permutations(events + repeats))


KINDS = ["item", "item", "service", "return"]
