"""Which event types each read model must hold, said once more and independently of the mappings that are checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from contracts.events.registry import (
    ALERT_ANSWERED,
    ALERT_CHANGED,
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
from contracts.topics import ALERTS, STORE_FACTS
from projections.reconcile.compare import Digest, Entry, Events, Key, Sums, plus

MOVEMENTS: Final = frozenset({STOCK_ADJUSTED, STOCK_RECEIVED, STOCK_TRANSFERRED_IN, STOCK_TRANSFERRED_OUT, STOCK_WASTED})
SALES: Final = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED})


@dataclass(frozen=True, slots=True)
class Coverage:
    """A read model of events, named like its projection; `splits_corrections` is false where it does not look into them.

    `only_ids`: the types of which it keeps neither business date nor hash, so that their ids alone are compared.
    """

    model: str
    facts: frozenset[str]
    splits_corrections: bool = True
    only_ids: frozenset[str] = frozenset()

    @property
    def topics(self) -> frozenset[str]:
        """The topics that its events are on."""
        return frozenset(ALERTS if event_type == ALERT_CHANGED else STORE_FACTS for event_type in self.facts)

    def covers(self, key: Key) -> bool:
        """Tell whether the model must hold the events of a key."""
        event_type, _, corrected = key.event_type.partition(":")
        if event_type == EVENT_CORRECTED:
            return not self.splits_corrections or corrected in self.facts
        return event_type in self.facts

    def expected(self, sums: Mapping[Key, Sums]) -> dict[Key, Digest]:
        """Return what the model must hold, under its own keys, of what the log holds."""
        found: dict[Key, Digest] = {}
        for key, of_key in sums.items():
            if self.covers(key):
                wanted = of_key.by_id if key.event_type in self.only_ids else of_key.by_hash
                own = self.key(key)
                found[own] = plus(found[own], wanted) if own in found else wanted
        return found

    def key(self, key: Key) -> Key:
        """Return the key under which the model counts the events of a key of the log."""
        if key.event_type in self.only_ids:
            return key._replace(business_date="")
        return key if self.splits_corrections else key._replace(event_type=key.event_type.partition(":")[0])

    def known(self, key: Key, logged: Events) -> Events:
        """Return what the model can know of the events of a key of the log."""
        if key.event_type not in self.only_ids:
            return logged
        return {event_id: Entry(hash_of_id(event_id), entry.place) for event_id, entry in logged.items()}


def hash_of_id(event_id: str) -> int:
    """Return the lower 64 bits of an id, signed: what is summed where there is no hash of the content."""
    return int.from_bytes(UUID(event_id).bytes[8:], signed=True)


SALES_MODEL: Final = Coverage("sales", SALES)
EVENT_INDEX: Final = Coverage("event_index", FACT_TYPES, splits_corrections=False)
STOCK_ON_HAND: Final = Coverage("stock_on_hand", SALES | MOVEMENTS | {STOCK_COUNTED})
INCOMING_GOODS: Final = Coverage("incoming_goods", frozenset({STOCK_ORDERED, STOCK_RECEIVED, STOCK_TRANSFERRED_OUT, STOCK_TRANSFERRED_IN}))
ATTENDANCE_DAY: Final = Coverage("attendance_day", frozenset({CLOCKED_IN, CLOCKED_OUT, SHIFT_PUBLISHED}))
TILL_PERIODS: Final = Coverage("till_periods", SALES | {TILL_OPENED, TILL_CLOSED, DRAWER_OPENED, CASH_PAID_IN, CASH_PAID_OUT})
OPEN_ALERTS: Final = Coverage("open_alerts", frozenset({ALERT_ANSWERED, ALERT_CHANGED}), only_ids=frozenset({ALERT_CHANGED}))
POSTGRES_MODELS: Final = (EVENT_INDEX, STOCK_ON_HAND, INCOMING_GOODS, ATTENDANCE_DAY, TILL_PERIODS, OPEN_ALERTS)

FACTS_MODELS: Final = (
    Coverage("stock_ledger", SALES | MOVEMENTS | {STOCK_COUNTED}),
    Coverage("clock_events", frozenset({CLOCKED_IN, CLOCKED_OUT, BREAK_STARTED, BREAK_ENDED})),
    Coverage("alert_history", frozenset({ALERT_ANSWERED, ALERT_CHANGED})),
)
"""Plain facts in ClickHouse, one table each, named like the model."""
