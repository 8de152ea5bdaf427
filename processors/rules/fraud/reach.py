"""Which events the rules about cashiers judge: what cashiers do, while it can still be corrected."""

from datetime import timedelta
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import DRAWER_OPENED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from processors.rules.fraud import ledger
from processors.rules.fraud.days import DAYS_KEPT
from processors.rules.fraud.ledger import Place
from processors.rules.rule import RETENTION, View

DEEDS = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED, DRAWER_OPENED})
_AHEAD_AT_MOST = timedelta(days=2)


def place_within_reach(event: Event[Any], view: View) -> Place | None:
    """Return the place of an event that is to be judged; None for what is too old, or dated days ahead by a broken clock."""
    if not ledger.is_kept(event):
        return None
    envelope, place = event.envelope, ledger.place_for(event)
    if envelope.clock_ahead and envelope.ingested_at is not None and envelope.occurred_at > envelope.ingested_at + _AHEAD_AT_MOST:
        return None
    clock = view.clock
    if clock is not None and (place.day + DAYS_KEPT <= clock.toordinal() or envelope.occurred_at <= clock - RETENTION):
        return None
    return place
