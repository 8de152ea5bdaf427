"""The corrections of a store as state: which events and corrections do not count."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from contracts.corrections import Link, not_counting
from processors.rules.rule import RETENTION, Kind, State, microseconds

_RETENTION = RETENTION // RETENTION.resolution
_KEPT = 5_000


class Correction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One correction: itself, what it names, where it was recorded first, and when the corrected event happened."""

    event: bytes
    corrects: bytes
    position: int
    about: int


class Corrections(State, frozen=True, array_like=True):
    """The corrections of a store within the retention."""

    rows: tuple[Correction, ...] = ()


CORRECTIONS = Kind("corrections", Corrections, 1, 6)
"""Written behind all that a correction changes: one that is held already changes nothing any more."""
CORRECTIONS_NAME = "all"


def remembered(known: Corrections, clock: datetime | None) -> Corrections:
    """Forget the corrections of events that can no longer be undone, and the oldest of too many: what they took back stays so."""
    horizon = microseconds(clock) - _RETENTION if clock else None
    kept = [row for row in known.rows if horizon is None or row.about > horizon]
    return Corrections(tuple(kept[-_KEPT:]))


def with_correction(known: Corrections, event: UUID, corrects: UUID, position: int, about: datetime) -> Corrections:
    """Add a correction, once."""
    if any(row.event == event.bytes for row in known.rows):
        return known
    return Corrections((*known.rows, Correction(event.bytes, corrects.bytes, position, microseconds(about))))


@lru_cache(maxsize=512)
def without_effect(known: Corrections) -> frozenset[bytes]:
    """Return the ids that do not count."""
    links = [Link(UUID(bytes=row.event), UUID(bytes=row.corrects), row.position) for row in known.rows]
    return frozenset(each.bytes for each in not_counting(links))
