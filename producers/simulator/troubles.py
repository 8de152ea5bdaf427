"""The spans of a store's day in which something is wrong with a till, its line, its clock or the trade. Drawn once a morning."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from random import Random
from typing import NamedTuple

from producers.simulator.business_day import BusinessDay
from producers.simulator.injected import Place
from producers.simulator.world import TILLS, SimulatedStore, World

_HOUR, _WEEK_HOURS = 3600.0, 168.0


class Span(NamedTuple):
    """A trouble of a device (None: of the whole store) for some seconds of a day; `amount` is what its kind needs."""

    device: str | None
    begin: float
    end: float
    amount: float
    place: Place

    def covers(self, device: str, seconds: float) -> bool:
        """Tell whether a device is within it."""
        return self.begin <= seconds < self.end and (self.device is None or self.device == device)


def _offline(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    """A till loses its line for a while and sends everything when it is back, later on the same business date."""
    begin = rng.randrange(store.opens + 1, store.closes - 4) * _HOUR
    return begin, begin + rng.randrange(30, 61) * 60, rng.randrange(20, 121) * 60.0


def _late(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    begin = rng.randrange(store.opens + 1, store.closes - 4) * _HOUR
    return begin, begin + rng.uniform(1, 3) * _HOUR, exp(rng.uniform(log(3), log(_WEEK_HOURS))) * _HOUR


def _clock_minutes(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    begin = rng.randrange(store.opens, store.closes - 4) * _HOUR
    return begin, begin + rng.uniform(1, 4) * _HOUR, rng.choice((-1, 1)) * rng.randrange(120, 241)


def _clock_ahead(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    begin = rng.randrange(store.opens, store.closes - 4) * _HOUR
    return begin, begin + rng.uniform(0.5, 2) * _HOUR, rng.uniform(1, 20) * _HOUR


def _clock_1970(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    begin = rng.randrange(store.opens, store.closes - 4) * _HOUR
    return begin, begin + rng.uniform(0.2, 1) * _HOUR, 0.0


def _one_receipt(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    begin = rng.randrange(store.opens + 1, store.closes - 3) * _HOUR
    return begin, store.closes * _HOUR, 1.0


def _silent(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    begin = rng.randrange(store.opens + 1, store.closes - 5) * _HOUR
    return begin, begin + rng.uniform(1, 4) * _HOUR, 0.0


def _drop(rng: Random, store: SimulatedStore) -> tuple[float, float, float]:
    begin = rng.randrange(store.opens, store.closes - 5)
    return begin * _HOUR, min(begin + rng.randrange(3, 11), store.closes) * _HOUR, rng.choice((0.25, 0.4, 0.6))


_DRAWN: dict[str, Callable[[Random, SimulatedStore], tuple[float, float, float]]] = {
    "offline_tills": _offline,
    "late_batches": _late,
    "clock_minutes": _clock_minutes,
    "clock_ahead": _clock_ahead,
    "clock_1970": _clock_1970,
    "sequence_gaps": _one_receipt,
    "conflicting_duplicates": _one_receipt,
    "silent_tills": _silent,
    "sales_drops": _drop,
}
_FIGURES = {
    "offline_tills": "wait_seconds",
    "late_batches": "wait_seconds",
    "clock_minutes": "seconds_ahead",
    "clock_ahead": "seconds_ahead",
    "sales_drops": "percent",
}


@dataclass(frozen=True, slots=True)
class Troubles:
    """The spans of one store and day, by kind."""

    spans: dict[str, Span]
    clocks: tuple[str, ...] = ()
    """Those kinds of today that concern clocks."""

    def at(self, kind: str, device: str, seconds: float) -> Span | None:
        """Return the span of a kind that a device is in."""
        span = self.spans.get(kind)
        return span if span is not None and span.covers(device, seconds) else None

    def clock(self, device: str, seconds: float) -> tuple[str, Span] | None:
        """Return what is wrong with a device's clock."""
        for kind in self.clocks:
            if (span := self.at(kind, device, seconds)) is not None:
                return kind, span
        return None


def troubles_of(world: World, store: SimulatedStore, day: BusinessDay) -> Troubles:
    """Draw the troubles of a day, each kind from its own stream, and note where they are."""
    spans = {}
    for kind, draw in _DRAWN.items():
        rng = world.plan.on_day(kind, store.number, day.number)
        if rng is not None:
            begin, end, amount = draw(rng, store)
            device = None if kind == "sales_drops" else rng.choice(TILLS)
            figures = {_FIGURES[kind]: round(amount * 100 if kind == "sales_drops" else amount)} if kind in _FIGURES else {}
            place = Place(store.store_id, day.moment(begin), day.moment(end), device, figures=figures)
            spans[kind] = Span(device, begin, end, amount, place)
            if kind not in {"sequence_gaps", "conflicting_duplicates"}:  # noted when they befall a receipt
                world.injected.note(kind, place)
    return Troubles(spans, tuple(kind for kind in ("clock_1970", "clock_ahead", "clock_minutes") if kind in spans))
