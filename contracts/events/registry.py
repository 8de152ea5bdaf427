"""The literal table of every event type: its model, family and kind. Adding a type begins here."""

from dataclasses import dataclass
from typing import Literal

from contracts.events import alerts, clock, control, correction, observations, reference, reorder, sales, shifts, stock, till
from contracts.fields import Model

Kind = Literal["fact", "reference", "correction", "control", "derived"]


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type: `name` is the `ce_type` with its major version."""

    name: str
    model: type[Model]
    kind: Kind


SALE_COMPLETED = "sale.completed.v1"
SALE_RETURNED = "sale.returned.v1"
SALE_VOIDED = "sale.voided.v1"
SALE_SUSPENDED = "sale.suspended.v1"
SALE_PRACTISED = "sale.practised.v1"
TILL_OPENED = "till.opened.v1"
TILL_CLOSED = "till.closed.v1"
TILL_HEARTBEAT = "till.heartbeat.v1"
CASH_PAID_IN = "cash.paid_in.v1"
CASH_PAID_OUT = "cash.paid_out.v1"
DRAWER_OPENED = "drawer.opened.v1"
CLOCKED_IN = "clock.in.v1"
CLOCKED_OUT = "clock.out.v1"
BREAK_STARTED = "clock.break_started.v1"
BREAK_ENDED = "clock.break_ended.v1"
STOCK_COUNTED = "stock.counted.v1"
STOCK_ADJUSTED = "stock.adjusted.v1"
STOCK_ORDERED = "stock.ordered.v1"
STOCK_RECEIVED = "stock.received.v1"
STOCK_TRANSFERRED_OUT = "stock.transferred_out.v1"
STOCK_TRANSFERRED_IN = "stock.transferred_in.v1"
STOCK_WASTED = "stock.wasted.v1"
SHIFT_PUBLISHED = "shift.published.v1"
STORE_DEFINED = "store.defined.v1"
SKU_DEFINED = "sku.defined.v1"
EMPLOYEE_DEFINED = "employee.defined.v1"
SUPPLIER_DEFINED = "supplier.defined.v1"
PROMOTION_DEFINED = "promotion.defined.v1"
POLICY_SET = "policy.set.v1"
EVENT_CORRECTED = "event.corrected.v1"
TICK = "tick.v1"
ALERT_CHANGED = "alert.changed.v1"
ALERT_ANSWERED = "alert.answered.v1"
REORDER_RECOMMENDED = "reorder.recommended.v1"
RULE_PROGRESSED = "rule.progressed.v1"
SALES_OBSERVED = "sales.observed.v1"

EVENT_TYPES: dict[str, EventType] = {
    row.name: row
    for row in (
        EventType(SALE_COMPLETED, sales.SaleCompleted, "fact"),
        EventType(SALE_RETURNED, sales.SaleReturned, "fact"),
        EventType(SALE_VOIDED, sales.SaleVoided, "fact"),
        EventType(SALE_SUSPENDED, sales.SaleSuspended, "fact"),
        EventType(SALE_PRACTISED, sales.SalePractised, "fact"),
        EventType(TILL_OPENED, till.TillOpened, "fact"),
        EventType(TILL_CLOSED, till.TillClosed, "fact"),
        EventType(TILL_HEARTBEAT, till.TillHeartbeat, "fact"),
        EventType(CASH_PAID_IN, till.CashPaidIn, "fact"),
        EventType(CASH_PAID_OUT, till.CashPaidOut, "fact"),
        EventType(DRAWER_OPENED, till.DrawerOpened, "fact"),
        EventType(CLOCKED_IN, clock.ClockedIn, "fact"),
        EventType(CLOCKED_OUT, clock.ClockedOut, "fact"),
        EventType(BREAK_STARTED, clock.BreakStarted, "fact"),
        EventType(BREAK_ENDED, clock.BreakEnded, "fact"),
        EventType(STOCK_COUNTED, stock.StockCounted, "fact"),
        EventType(STOCK_ADJUSTED, stock.StockAdjusted, "fact"),
        EventType(STOCK_ORDERED, stock.StockOrdered, "fact"),
        EventType(STOCK_RECEIVED, stock.StockReceived, "fact"),
        EventType(STOCK_TRANSFERRED_OUT, stock.StockTransferredOut, "fact"),
        EventType(STOCK_TRANSFERRED_IN, stock.StockTransferredIn, "fact"),
        EventType(STOCK_WASTED, stock.StockWasted, "fact"),
        EventType(SHIFT_PUBLISHED, shifts.ShiftPublished, "fact"),
        EventType(ALERT_ANSWERED, alerts.AlertAnswered, "fact"),
        EventType(STORE_DEFINED, reference.StoreDefined, "reference"),
        EventType(SKU_DEFINED, reference.SkuDefined, "reference"),
        EventType(EMPLOYEE_DEFINED, reference.EmployeeDefined, "reference"),
        EventType(SUPPLIER_DEFINED, reference.SupplierDefined, "reference"),
        EventType(PROMOTION_DEFINED, reference.PromotionDefined, "reference"),
        EventType(POLICY_SET, reference.PolicySet, "reference"),
        EventType(EVENT_CORRECTED, correction.EventCorrected, "correction"),
        EventType(TICK, control.Tick, "control"),
        EventType(RULE_PROGRESSED, control.RuleProgressed, "control"),
        EventType(ALERT_CHANGED, alerts.AlertChanged, "derived"),
        EventType(REORDER_RECOMMENDED, reorder.ReorderRecommended, "derived"),
        EventType(SALES_OBSERVED, observations.SalesObserved, "derived"),
    )
}

FACT_TYPES: frozenset[str] = frozenset(t.name for t in EVENT_TYPES.values() if t.kind == "fact")
POSTABLE_TYPES: frozenset[str] = FACT_TYPES | {EVENT_CORRECTED}
"""What the edge accepts from outside; everything else has its own writer."""
TILL_TYPES: frozenset[str] = frozenset(t.name for t in EVENT_TYPES.values() if "till_id" in t.model.model_fields)
"""What only a till sends, and so a sign that it is there: all that can name one."""
