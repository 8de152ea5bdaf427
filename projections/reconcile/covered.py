"""Which event types each read model must hold, said once more and independently of the mappings that are checked."""

from dataclasses import dataclass
from typing import Final

from contracts.events.registry import (
    ALERT_ANSWERED,
    BREAK_ENDED,
    BREAK_STARTED,
    CASH_PAID_IN,
    CASH_PAID_OUT,
    CLOCKED_IN,
    CLOCKED_OUT,
    DRAWER_OPENED,
    EVENT_CORRECTED,
    FACT_TYPES,
    SALE_COMPLETED,
    SALE_RETURNED,
    SALE_VOIDED,
    SHIFT_PUBLISHED,
    STOCK_ADJUSTED,
    STOCK_COUNTED,
    STOCK_ORDERED,
    STOCK_RECEIVED,
    STOCK_TRANSFERRED_IN,
    STOCK_TRANSFERRED_OUT,
    STOCK_WASTED,
    TILL_CLOSED,
    TILL_OPENED,
)
from projections.reconcile.compare import Key

MOVEMENTS: Final = frozenset({STOCK_ADJUSTED, STOCK_RECEIVED, STOCK_TRANSFERRED_IN, STOCK_TRANSFERRED_OUT, STOCK_WASTED})
SALES: Final = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED})


@dataclass(frozen=True, slots=True)
class Coverage:
    """A read model of facts, named like its projection; `splits_corrections` is false where it does not look into them."""

    model: str
    facts: frozenset[str]
    splits_corrections: bool = True

    def covers(self, key: Key) -> bool:
        """Tell whether the model must hold the events of a key."""
        event_type, _, corrected = key.event_type.partition(":")
        if event_type == EVENT_CORRECTED:
            return not self.splits_corrections or corrected in self.facts
        return event_type in self.facts

    def key(self, key: Key) -> Key:
        """Return the key under which the model counts the events of a key of the log."""
        return key if self.splits_corrections else key._replace(event_type=key.event_type.partition(":")[0])


SALES_MODEL: Final = Coverage("sales", SALES)
EVENT_INDEX: Final = Coverage("event_index", FACT_TYPES, splits_corrections=False)
STOCK_ON_HAND: Final = Coverage("stock_on_hand", SALES | MOVEMENTS | {STOCK_COUNTED})
INCOMING_GOODS: Final = Coverage("incoming_goods", frozenset({STOCK_ORDERED, STOCK_RECEIVED, STOCK_TRANSFERRED_OUT, STOCK_TRANSFERRED_IN}))
ATTENDANCE_DAY: Final = Coverage("attendance_day", frozenset({CLOCKED_IN, CLOCKED_OUT, SHIFT_PUBLISHED}))
TILL_PERIODS: Final = Coverage("till_periods", SALES | {TILL_OPENED, TILL_CLOSED, DRAWER_OPENED, CASH_PAID_IN, CASH_PAID_OUT})
OPEN_ALERTS: Final = Coverage("open_alerts", frozenset({ALERT_ANSWERED}))
POSTGRES_MODELS: Final = (EVENT_INDEX, STOCK_ON_HAND, INCOMING_GOODS, ATTENDANCE_DAY, TILL_PERIODS, OPEN_ALERTS)

FACTS_MODELS: Final = (
    Coverage("stock_ledger", SALES | MOVEMENTS | {STOCK_COUNTED}),
    Coverage("clock_events", frozenset({CLOCKED_IN, CLOCKED_OUT, BREAK_STARTED, BREAK_ENDED})),
    Coverage("alert_history", frozenset({ALERT_ANSWERED})),
)
"""Plain facts in ClickHouse, one table each, named like the model."""
