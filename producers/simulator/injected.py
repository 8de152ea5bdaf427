"""What was put in on purpose, as it happened: the list that detectors are judged by."""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

PLACES_KEPT = 10_000


@dataclass(slots=True)
class Place:
    """Where and when something was put in, with the events that show it, and figures of its kind."""

    store_id: str
    at: datetime
    until: datetime | None = None
    device: str | None = None
    subject: str | None = None
    event_ids: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines, without what it does not have."""
        row = {name: value for name, value in asdict(self).items() if value not in (None, [], {})}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


class Injected:
    """Counts everything, and keeps the first places of each kind: a simulation may be longer than memory."""

    def __init__(self, kept: int = PLACES_KEPT) -> None:
        self._kept = kept
        self.counts: Counter[str] = Counter()
        self.places: defaultdict[str, list[Place]] = defaultdict(list)

    def note(self, kind: str, place: Place) -> Place:
        """Take one place of a kind; figures and events may be added to it as they come."""
        self.counts[kind] += 1
        if len(self.places[kind]) < self._kept:
            self.places[kind].append(place)
        return place

    def as_json(self) -> dict[str, Any]:
        """Return counts and places by kind."""
        return {
            kind: {"count": count, "places": [place.as_json() for place in self.places[kind]]}
            for kind, count in sorted(self.counts.items())
        }
