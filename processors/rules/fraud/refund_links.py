"""Which sales the returns and voids of a store name, and for how much: tells of a second refund, and of a sale that comes after it."""

from struct import Struct
from typing import Any, NamedTuple

from contracts.envelope import Event
from processors.rules.fraud import ledger
from processors.rules.fraud.ledger import Link
from processors.rules.rule import RETENTION, Entity, Kind, Recounted, State, View

_ROW = Struct("<8s16sIqIB")
_KEPT = 6_000
"""Rows of a store, 246 kB; the oldest go first. A store that takes back a hundred receipts a day has 3,500."""


class RefundLinks(State, frozen=True, array_like=True):
    """Rows: token of the sale, the refund's event, its time in seconds, amount, business date, and whether it counts."""

    rows: bytes = b""


class Refund(NamedTuple):
    """A return or void that names a sale."""

    token: bytes
    event: bytes
    at: int
    amount: int
    day: int
    counts: int


REFUND_LINKS = Kind("refund_links", RefundLinks, 1, 2)
ENTITY = Entity(REFUND_LINKS, "store")


def token_of(link: Link) -> bytes:
    """Return what stands for the sale: its receipt where it is named, else the beginning of its event's id."""
    return link.receipt or link.sale[:8]


def with_refund(known: RefundLinks, event: Event[Any], link: Link, counts: bool, view: View) -> RefundLinks:
    """Add a return or void; forget those of before the retention."""
    at = ledger.seconds(event.envelope.occurred_at)
    day = ledger.place_for(event).day
    row = _ROW.pack(token_of(link), event.id.bytes, at, min(ledger.due(event.data), 2**62), day, counts)
    horizon = ledger.seconds(view.clock - RETENTION) if view.clock else 0
    return RefundLinks(_young(known.rows, horizon)[-_KEPT * _ROW.size :] + row)


def _young(rows: bytes, horizon: int) -> bytes:
    """Return the rows of after the horizon; they come roughly by age, so the first one tells whether there is anything to drop."""
    if not rows or Refund._make(_ROW.unpack_from(rows)).at > horizon:
        return rows
    return b"".join(_ROW.pack(*row) for row in map(Refund._make, _ROW.iter_unpack(rows)) if row.at > horizon)


def recounted(known: RefundLinks, change: Recounted) -> RefundLinks:
    """Apply what a correction changed."""
    rows = [Refund(*each) for each in _ROW.iter_unpack(known.rows)]
    return RefundLinks(b"".join(_ROW.pack(*row._replace(counts=change.verdict(row.event, bool(row.counts)))) for row in rows))


def names_any(known: State | None, tokens: tuple[bytes, ...]) -> bool:
    """Return False when no refund names any of the sales."""
    return isinstance(known, RefundLinks) and any(token in known.rows for token in tokens)


def refunds_of(known: State | None, token: bytes) -> list[Refund]:
    """Return the refunds that name a sale."""
    rows = known.rows if isinstance(known, RefundLinks) else b""
    found, at = [], rows.find(token)
    while at >= 0:
        if at % _ROW.size == 0:
            found.append(Refund._make(_ROW.unpack_from(rows, at)))
        at = rows.find(token, at + 1)
    return found


def tokens_of(known: State | None, events: frozenset[bytes]) -> list[bytes]:
    """Return the sales that some refunds name."""
    if not isinstance(known, RefundLinks):
        return []
    return [row.token for row in map(Refund._make, _ROW.iter_unpack(known.rows)) if row.event in events]
