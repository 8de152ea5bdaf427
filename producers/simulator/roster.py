"""A day's shifts of one store and who came: most in time, some late, some never, some heard of too late."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from contracts.events.clock import ClockedIn, ClockedOut
from contracts.events.registry import CLOCKED_IN, CLOCKED_OUT, SHIFT_PUBLISHED
from contracts.events.shifts import ShiftPublished
from producers.simulator.world import SimulatedRecord, SimulatedStore, World, rng_of

Behaviour = Literal["in_time", "absent", "late", "heard_late", "cancelled"]
SHIFT_HOURS = 8
_SHARES: tuple[tuple[Behaviour, float], ...] = (("absent", 0.25), ("late", 0.25), ("heard_late", 0.25), ("cancelled", 0.1))
"""How probable one such shift is on a store's day."""
_DEVICE = "clock"


class RosterDay:
    """The roster of one store and business date. The first store's first day has one of each behaviour."""

    def __init__(self, world: World, store: SimulatedStore, number: int) -> None:
        self._world, self._store = world, store
        self._day = world.options.start + timedelta(days=number)
        self._rng = rng_of(world.options, "roster", store.store_id, number)
        self._published_at = world.day_start(number) + timedelta(seconds=5)
        self._shown = number == 0 and store is world.stores[0]

    def records(self) -> Iterator[SimulatedRecord]:
        """Yield shifts as published in the morning, then punches with their arrival."""
        starts = self._starts()
        people = self._rng.sample(self._store.employees, len(starts))
        behaviours = self._behaviours(len(starts))
        for place, (hour, employee, behaviour) in enumerate(zip(starts, people, behaviours, strict=True)):
            start = self._world.wall(self._day, hour * 3600)
            shift = ShiftPublished(
                shift_id=f"{self._store.store_id}-{self._day:%Y%m%d}-{place + 1}",
                employee_id=employee,
                starts_at=start,
                ends_at=start + timedelta(hours=SHIFT_HOURS),
            )
            yield from self._published(shift, place, behaviour)
            yield from self._punches(shift, behaviour)

    def _starts(self) -> tuple[int, ...]:
        opens, closes = self._store.opens, self._store.closes
        return opens, opens, opens + 4, closes - SHIFT_HOURS, closes - SHIFT_HOURS

    def _behaviours(self, count: int) -> list[Behaviour]:
        chosen: list[Behaviour] = [name for name, share in _SHARES if self._rng.random() < share or self._shown]
        chosen += ["in_time"] * (count - len(chosen))
        self._rng.shuffle(chosen)
        return chosen

    def _published(self, shift: ShiftPublished, place: int, behaviour: Behaviour) -> Iterator[SimulatedRecord]:
        at = self._published_at + timedelta(seconds=place)
        yield self._record(SHIFT_PUBLISHED, f"{shift.shift_id}/1", at, shift, at)
        if behaviour == "cancelled":
            at += timedelta(minutes=30)
            cancelled = shift.model_copy(update={"revision": 2, "status": "cancelled"})
            yield self._record(SHIFT_PUBLISHED, f"{shift.shift_id}/2", at, cancelled, at)

    def _punches(self, shift: ShiftPublished, behaviour: Behaviour) -> Iterator[SimulatedRecord]:
        """Late ones arrive 25 minutes or more after the start: after the grace and the tick that sees it end."""
        rng, start = self._rng, shift.starts_at
        early, late, unheard, overrun = rng.uniform(1, 10), rng.uniform(25, 70), rng.uniform(35, 90), rng.uniform(0, 8)
        if behaviour in {"absent", "cancelled"}:
            return
        came = start + timedelta(minutes=late) if behaviour == "late" else start - timedelta(minutes=early)
        arrival = start + timedelta(minutes=unheard) if behaviour == "heard_late" else came + timedelta(seconds=2)
        punch = ClockedIn(employee_id=shift.employee_id, offline=behaviour == "heard_late")
        yield self._record(CLOCKED_IN, f"{shift.shift_id}/in", came, punch, arrival)
        if rng.random() < 0.03:  # pressed twice: two events of one person, not one event sent twice
            again = came + timedelta(seconds=4)
            yield self._record(CLOCKED_IN, f"{shift.shift_id}/in-again", again, punch, arrival + timedelta(seconds=4))
        left = shift.ends_at + timedelta(minutes=overrun)
        yield self._record(
            CLOCKED_OUT, f"{shift.shift_id}/out", left, ClockedOut(employee_id=shift.employee_id), left + timedelta(seconds=2)
        )

    def _record(
        self, event_type: str, key: str, at: datetime, content: ShiftPublished | ClockedIn | ClockedOut, arrival: datetime
    ) -> SimulatedRecord:
        event = self._world.fact(self._world.event_id(event_type, key), event_type, self._store, at, content, _DEVICE, content.employee_id)
        return SimulatedRecord(arrival, event)
