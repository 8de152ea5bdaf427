"""A day's shifts of one store and who came: most in time, some late, some never, some heard of too late."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import Literal

from contracts.events.clock import BreakEnded, BreakStarted, ClockedIn, ClockedOut
from contracts.events.registry import BREAK_ENDED, BREAK_STARTED, CLOCKED_IN, CLOCKED_OUT, SHIFT_PUBLISHED
from contracts.events.shifts import ShiftPublished
from contracts.fields import Model
from producers.simulator.agenda import Agenda
from producers.simulator.business_day import BusinessDay
from producers.simulator.injected import Place
from producers.simulator.streams import stream
from producers.simulator.unchecked import unchecked
from producers.simulator.world import Happened, SimulatedStore, World
from producers.simulator.writer import StoreWriter

Behaviour = Literal["in_time", "no_shows", "late_staff", "late_punches", "cancelled"]
SHIFT_HOURS = 8
BREAK_SECONDS = 3600
"""Korean law: an hour within eight."""
_TROUBLES: tuple[Behaviour, ...] = ("no_shows", "late_staff", "late_punches")
_CANCELLED, _PRESSED_TWICE = 0.1, 0.03
_CLOCK, _OFFICE = "clock", "office"


@dataclass(slots=True)
class Attendance:
    """How one shift is lived; seconds of the day."""

    shift: ShiftPublished
    starts: float
    behaviour: Behaviour
    rng: Random
    came: float = 0.0
    left: float = 0.0
    heard_after: float = 0.0

    def __post_init__(self) -> None:
        """Draw everything, whatever comes of it. Late is 25 minutes or more: after the grace and the tick that sees it end."""
        early, late, overrun = self.rng.uniform(60, 600), self.rng.uniform(1500, 4200), self.rng.uniform(0, 480)
        self.came = self.starts + late if self.behaviour == "late_staff" else self.starts - early
        self.left = self.starts + SHIFT_HOURS * 3600 + overrun
        self.heard_after = self.rng.uniform(2100, 5400)

    @property
    def works(self) -> bool:
        """Whether the person comes at all."""
        return self.behaviour not in {"no_shows", "cancelled"}


@dataclass(slots=True)
class RosterDay:
    """The roster of one store and business date."""

    world: World
    store: SimulatedStore
    day: BusinessDay
    writer: StoreWriter
    _present: list[tuple[float, float, str]] = field(default_factory=list)

    def plan(self, agenda: Agenda) -> None:
        """Put publications in the morning, then punches and breaks on the agenda."""
        rng = stream(self.world.options.seed, "roster", self.store.number, self.day.number)
        starts = self._starts()
        people = rng.sample(self.store.employees, len(starts))
        behaviours = self._behaviours(rng, len(starts))
        published = max(self.world.options.cut_off_hour + 1, 5) * 3600 + 5.0
        for number, (hour, employee, behaviour) in enumerate(zip(starts, people, behaviours, strict=True), 1):
            begin = self.day.moment(hour * 3600)
            shift_id = f"{self.store.store_id}-{self.day.label}-{number}"
            end = begin + timedelta(hours=SHIFT_HOURS)
            shift = unchecked(ShiftPublished, shift_id=shift_id, employee_id=employee, starts_at=begin, ends_at=end)
            attendance = Attendance(shift, hour * 3600.0, behaviour, rng)
            if attendance.works:
                self._present.append((attendance.came, attendance.left, employee))
            agenda.add(published + number, partial(self._publish, of=attendance))
            if behaviour == "cancelled":
                agenda.add(published + number + 1800, partial(self._cancel, of=attendance))
            self._plan_punches(agenda, attendance)
            self._note(attendance)

    def on_duty(self, seconds: float) -> list[str]:
        """Return who is there; the first of the list where nobody came is the store's manager."""
        present = [person for came, left, person in self._present if came <= seconds < left]
        return present or [self.store.employees[0]]

    def _starts(self) -> tuple[int, ...]:
        opens, last = self.store.opens, self.store.closes - SHIFT_HOURS
        return opens, opens, opens + 4, last, last

    def _behaviours(self, rng: Random, count: int) -> list[Behaviour]:
        chosen: list[Behaviour] = ["cancelled"] if rng.random() < _CANCELLED else []
        places: list[Behaviour | None] = [*chosen, *_TROUBLES, *[None] * (count - len(chosen) - len(_TROUBLES))]
        rng.shuffle(places)
        return [self._behaviour(place) for place in places]

    def _behaviour(self, place: Behaviour | None) -> Behaviour:
        if place is None or place == "cancelled":
            return place or "in_time"
        return place if self.world.plan.on_day(place, self.store.number, self.day.number) else "in_time"

    def _plan_punches(self, agenda: Agenda, of: Attendance) -> None:
        away, again = of.starts + of.rng.uniform(3.2, 4.2) * 3600, of.rng.random() < _PRESSED_TWICE
        back = away + BREAK_SECONDS + of.rng.uniform(-120, 240)
        if not of.works:
            return
        agenda.add(of.came, lambda at: self._came(at, of, "in"))
        if again:  # two events of one person, not one event sent twice
            agenda.add(of.came + 4, lambda at: self._came(at, of, "in-again"))
        agenda.add(away, lambda at: self._punch(at, BREAK_STARTED, of, "break", self._pressed(BreakStarted, of, paid=False)))
        agenda.add(back, lambda at: self._punch(at, BREAK_ENDED, of, "back", self._pressed(BreakEnded, of)))
        agenda.add(of.left, lambda at: self._punch(at, CLOCKED_OUT, of, "out", self._pressed(ClockedOut, of)))

    def _note(self, of: Attendance) -> None:
        if of.behaviour in _TROUBLES:
            place = Place(self.store.store_id, of.shift.starts_at, of.shift.ends_at, subject=of.shift.shift_id)
            self.world.injected.note(of.behaviour, place)

    def _publish(self, at: float, of: Attendance) -> Iterator[Happened]:
        yield self._office(at, of.shift, f"{of.shift.shift_id}/1")

    def _cancel(self, at: float, of: Attendance) -> Iterator[Happened]:
        cancelled = of.shift.model_copy(update={"revision": 2, "status": "cancelled"})
        yield self._office(at, cancelled, f"{of.shift.shift_id}/2")

    def _office(self, at: float, shift: ShiftPublished, key: str) -> Happened:
        event = self.writer.write(self.day, at, SHIFT_PUBLISHED, key, shift, _OFFICE, shift.shift_id)
        return Happened(event.envelope.occurred_at, event, _OFFICE)

    def _came(self, at: float, of: Attendance, key: str) -> Iterator[Happened]:
        unheard = of.behaviour == "late_punches"
        heard = self.day.moment(of.starts + of.heard_after + at - of.came) if unheard else None
        for made in self._punch(at, CLOCKED_IN, of, key, self._pressed(ClockedIn, of, offline=unheard)):
            yield made._replace(heard=heard)

    def _pressed(self, model: type[Model], of: Attendance, **more: bool) -> Model:
        return unchecked(model, employee_id=of.shift.employee_id, **more)

    def _punch(self, at: float, event_type: str, of: Attendance, key: str, content: Model) -> Iterator[Happened]:
        event = self.writer.write(self.day, at, event_type, f"{of.shift.shift_id}/{key}", content, _CLOCK, of.shift.employee_id)
        yield Happened(event.envelope.occurred_at, event, _CLOCK)
