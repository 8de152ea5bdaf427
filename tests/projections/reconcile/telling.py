"""A story with events of every family that is compared, on a real log, and projected into every read model."""

import asyncio
from typing import Any

from contracts.codec import build_event, encode
from contracts.envelope import Envelope, Event
from contracts.events.registry import ALERT_ANSWERED, CLOCKED_IN, STOCK_COUNTED, STOCK_ORDERED
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.records import OutboundRecord
from contracts.topics import ALERTS, DEAD_LETTERS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.addresses import Addresses
from projections.reconcile.run import ReconcileOptions, reconcile
from tests.projections.applying import apply_log
from tests.projections.clickhouse.driving import publish, publish_records
from tests.projections.clickhouse.sales_events import DAY, at, corrected, line, returned, sale, voided
from tests.projections.story import alert, recommended
from tests.projections.story import store as store_defined

MODELS = (
    *("event_index", "stock_on_hand", "incoming_goods", "attendance_day", "till_periods", "open_alerts"),
    *("stores", "reference_data", "reorder_recommendations", "dead_letters", "till_days"),
    *("sales", "stock_ledger", "clock_events", "alert_history", "event_log"),
)


def event(name: str, store: str = "S1") -> str:
    """Return an event's id."""
    return str(derived_id("test", store, name))


def fact(kind: str, name: str, content: dict[str, Any], store: str = "S1") -> Event[Model]:
    """Return an event of another family."""
    envelope = Envelope(
        id=derived_id("test", store, name),
        source="test",
        type=kind,
        occurred_at=at(9),
        tenant_id="chain",
        store_id=store,
        business_date=DAY,
        history=True,
    )
    return build_event(envelope, content)


def story() -> list[Event[Model]]:
    """Return events of every family that is compared, with corrections and repeats."""
    first, second = sale("R1", at(9), line(1, 500), line(2, 70)), sale("R2", at(10), line(1, 300))
    punch = fact(CLOCKED_IN, "P1", {"employee_id": "E1"})
    events = [
        first,
        second,
        returned("T1", at(11), line(1, 40)),
        voided("V1", at(11), line(1, 300), tenders=[{"kind": "cash", "amount": 300}]),
        corrected("C1", first, sale("right", at(9), line(1, 450))),
        corrected("C2", second),
        corrected("C3", punch),
        punch,
        fact(STOCK_COUNTED, "N1", {"sheet_id": "N1", "lines": [{"line": 1, "sku": "SKU-1", "quantity": "12"}]}),
        fact(STOCK_ORDERED, "O1", {"purchase_order_id": "PO-1", "lines": [{"line": 1, "sku": "SKU-1", "quantity": "12"}]}),
        fact(ALERT_ANSWERED, "A1", {"alert_id": str(event("alert")), "rule": "no_show", "subject": "E1", "answer": "false_alarm"}),
        sale("R3", at(12), line(1, 10), store="S2"),
    ]
    return events + events[:3]


def spoken() -> list[Event[Model]]:
    """Return what rules say of two alerts, with a business date and without, and a repeat."""
    raised, undated = alert(1, "raised"), alert(1, "raised", "ben")
    undated = Event(undated.envelope.model_copy(update={"business_date": None}), undated.data)
    return [raised, alert(2, "resolved"), undated, raised]


def letter() -> OutboundRecord:
    """Return what a rule worker says of a record that it could not apply."""
    record = encode(sale("poison", at(9)), STORE_FACTS)
    about = [("x-source-topic", STORE_FACTS.encode()), ("x-source-partition", b"2"), ("x-source-offset", b"17"), ("x-reason", b"why")]
    return OutboundRecord(DEAD_LETTERS, record.key, b"{", [*record.headers, *about])


def tell(place: Addresses) -> None:
    """Put everything on the log; versions of a store come on both topics that have them."""
    publish(place, story())
    publish(place, spoken(), ALERTS)
    publish(place, [store_defined()])
    publish(place, [store_defined(), store_defined(version=2)], REFERENCE_DATA)
    publish(place, [recommended(1, 5), recommended(2, 7)], REORDER_RECOMMENDATIONS)
    publish_records(place, [letter()])


def project(place: Addresses) -> None:
    """Bring all read models level with the log, and let a reconciliation have read it."""
    apply_log(place, *MODELS)
    asyncio.run(reconcile(place, ReconcileOptions(wait_seconds=0)))
