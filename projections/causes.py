"""Why a fact counts now and did not, or the other way round: what was recorded since a moment that changed it; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from projections.sale_facts import Correction, FactId

What = Literal["came", "taken_back", "counts_again"]


class Cause(NamedTuple):
    """What became of a fact, and the fact recorded since that did it: the event itself, or a correction."""

    what: What
    event_id: UUID
    recorded_at: datetime


class Causes:
    """What the corrections of some stores say of events; `out`: the facts that do not count now."""

    def __init__(self, corrections: Sequence[Correction], out: frozenset[FactId], since: datetime) -> None:
        self._by_id: Mapping[FactId, Correction] = {(c.store_id, c.event_id): c for c in corrections}
        self._first_of: dict[FactId, Correction] = {}
        for each in sorted(corrections, key=lambda c: c.position):
            self._first_of.setdefault((each.store_id, each.corrects_event_id), each)
        self._out = out
        self._since = since

    def counts(self, key: FactId) -> bool:
        """Tell whether a fact counts now."""
        return key not in self._out

    def corrects(self, key: FactId) -> UUID | None:
        """Return the event that a fact corrects, if it is a correction."""
        own = self._by_id.get(key)
        return own.corrects_event_id if own else None

    def of(self, key: FactId, recorded_at: datetime) -> Cause:
        """Judge a fact that changed, by when it was recorded first."""
        if recorded_at > self._since:
            return Cause("came", key[1], recorded_at)
        what: What = "counts_again" if self.counts(key) else "taken_back"
        for found in self._chain(key):
            if found.recorded_at > self._since:
                return Cause(what, found.event_id, found.recorded_at)
        return Cause(what, key[1], recorded_at)

    def _chain(self, key: FactId) -> Iterable[Correction]:
        """Follow what corrects an event, and what corrects that."""
        seen: set[FactId] = set()
        while key not in seen and (found := self._first_of.get(key)) is not None:
            yield found
            seen.add(key)
            key = (found.store_id, found.event_id)
