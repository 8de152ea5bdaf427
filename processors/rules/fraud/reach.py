"""Which events the rules about cashiers judge: what cashiers do, while it can still be corrected."""

from datetime import date, timedelta
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import DRAWER_OPENED, SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from processors.rules.fraud import ledger
from processors.rules.fraud.days import DAYS_KEPT
from processors.rules.fraud.ledger import Place
from processors.rules.rule import RETENTION, Occurred, View, microseconds

DEEDS = frozenset({SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED, DRAWER_OPENED})
_NAME = "place within reach of the rules about cashiers"
_AHEAD_AT_MOST = timedelta(days=2)
_RETENTION = RETENTION // RETENTION.resolution
_DAY = 86_400_000_000
_FIRST_DAY = date(1970, 1, 1).toordinal()


def place_within_reach(happening: Occurred, view: View) -> Place | None:
    """Return the place of an event that is to be judged; None for what is too old, or dated days ahead by a broken clock."""
    known = happening.worked_out
    if _NAME not in known:
        known[_NAME] = _place(happening.event, view)
    place: Place | None = known[_NAME]
    return place


def _place(event: Event[Any], view: View) -> Place | None:
    if not ledger.is_kept(event):
        return None
    envelope, place = event.envelope, ledger.place_for(event)
    if envelope.clock_ahead and envelope.ingested_at is not None and envelope.occurred_at > envelope.ingested_at + _AHEAD_AT_MOST:
        return None
    clock = view.clock_at
    if clock is None:
        return place
    is_old = place.day + DAYS_KEPT <= clock // _DAY + _FIRST_DAY or microseconds(envelope.occurred_at) <= clock - _RETENTION
    return None if is_old else place
