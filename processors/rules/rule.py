"""What a rule is: which states an event touches, and what each touched state becomes; pure, one state at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

import msgspec

from contracts.envelope import Event
from contracts.events.reference import EmployeeDefined, PromotionDefined, SkuDefined, StoreDefined, SupplierDefined
from contracts.fields import Model

RETENTION = timedelta(days=35)
"""How long ids, movements, punches and corrections are kept: the lateness within which everything can still be undone."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Return a time as Unix microseconds, exactly; that of an event is asked for by one rule after the other."""
    return exactly(moment) if moment.fold else _remembered(moment)


def exactly(moment: datetime) -> int:
    """Return the same without remembering it: for times that are asked for once."""
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


_remembered = lru_cache(maxsize=1024)(exactly)
"""Not for the second of two times that look alike when clocks are put back: it compares equal to the first."""


def moment_of(unix_microseconds: int) -> datetime:
    """Return Unix microseconds as an aware UTC time."""
    return _EPOCH + timedelta(microseconds=unix_microseconds)


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value held under one key; subclasses are written as arrays, so fields are only ever added at the end."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of state: the middle part of its keys, its class and version, and when it is written.

    States of a lower `level` are written before those of a higher one and may read them, never the
    other way round: so what a state reads is never ahead of it after a crash between the two writes.
    """

    name: str
    model: type[State]
    version: int
    level: int


class Entity(msgspec.Struct, frozen=True, gc=False):
    """One state of a store: a kind, and which one of them."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy version in force, with its parameters; version 0 is a built-in default."""

    version: int
    parameters: Model


class Occurred(msgspec.Struct, frozen=True, gc=False):
    """Something happened, or a correction says how it really was (then the event has the correction's id).

    `worked_out` is what one rule found out about it and the next one wants to know as well, by name.
    """

    event: Event[Any]
    counts: bool
    worked_out: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Recounted:
    """A correction changed which events count; `mentioned` are the states that hold one of them."""

    cause: Event[Any]
    voided: frozenset[bytes]
    restored: frozenset[bytes]
    mentioned: tuple[Entity, ...] = ()

    def verdict(self, event: bytes, counts: bool) -> bool:
        """Return whether the event counts now, given that it did or did not."""
        return event in self.restored or (counts and event not in self.voided)


@dataclass(frozen=True, slots=True)
class Ticked:
    """The partition's clock moved, and this state had asked to be looked at by then."""

    cause: Event[Any]


Happening: TypeAlias = Occurred | Recounted | Ticked


@dataclass(frozen=True, slots=True)
class Feedback:
    """How often people said that a rule was right, or not, about a subject."""

    true_alarms: int = 0
    false_alarms: int = 0


class View(Protocol):
    """What a rule may read besides the state it decides on."""

    @property
    def tenant_id(self) -> str:
        """The chain."""
        ...

    @property
    def store_id(self) -> str:
        """The store."""
        ...

    @property
    def offset(self) -> int:
        """The position of the record being folded."""
        ...

    @property
    def clock(self) -> datetime | None:
        """The partition's clock; None before its first tick."""
        ...

    @property
    def clock_at(self) -> int | None:
        """The same in Unix microseconds."""
        ...

    @property
    def present(self) -> datetime | None:
        """When the record was recorded, as this stack's clock has it; None before the first tick."""
        ...

    @property
    def is_history(self) -> bool:
        """Whether the fact was recorded more than a day after it occurred."""
        ...

    @property
    def worked_out(self) -> dict[str, Any]:
        """What one look at a store found out about it and the next one of the same tick wants to know as well, by name."""
        ...

    def state(self, entity: Entity) -> State | None:
        """Return a state of a higher level."""
        ...

    def reader(self, kind: Kind) -> Callable[[str], tuple[str, "Entry"]]:
        """Return what gives the key of a state of a kind by its name, and the state with the offset that it has; for runs."""
        ...

    def notes(self, rule: str) -> dict[str, Any]:
        """Return what a rule noted of the place to be quick: kept until it drops it, and may be gone at any time.

        Nothing is noted any more when a policy changes, or when states turn out not to be what they were about to become.
        """
        ...

    def memo(self) -> dict[str, Any]:
        """Return what was worked out of the states of the place, by name; gone when they turn out not to become what they were to."""
        ...

    def policy(self, name: str, sku: str | None, at: datetime) -> Policy | None:
        """Return the policy in force at a time; the narrowest scope wins."""
        ...

    def policy_at(self, name: str, sku: str | None, moment: int) -> Policy | None:
        """Return the same for a time in Unix microseconds."""
        ...

    def policy_while(self, name: str, sku: str | None, moment: int) -> tuple[int, int, Policy | None]:
        """Return the same, and from when until when it is that one (Unix microseconds)."""
        ...

    def store_at(self, at: datetime) -> StoreDefined | None:
        """Return the settings of the store that were in force at a time."""
        ...

    def employee(self, employee_id: str) -> EmployeeDefined | None:
        """Return what is known of a person now, by the newest version."""
        ...

    def sku_at(self, sku: str, at: datetime) -> SkuDefined | None:
        """Return what a SKU was at a time."""
        ...

    def supplier_at(self, supplier_id: str, at: datetime) -> SupplierDefined | None:
        """Return what a supplier was at a time."""
        ...

    def promotions_at(self, at: datetime) -> tuple[PromotionDefined, ...]:
        """Return the promotions that ran in the store at a time."""
        ...

    def feedback(self, rule: str, subject: str, at: datetime) -> Feedback:
        """Return what people had answered until a time to alerts of a rule about a subject."""
        ...

    def too_late(self, window_end: datetime) -> bool:
        """Return whether a window is history: nobody is to be alarmed about it any more."""
        ...


@dataclass(frozen=True, slots=True)
class Derived:
    """An event that a rule makes: identity, time and content come from the log alone. `store_id` None: the store of the state."""

    type: str
    id: UUID
    occurred_at: datetime
    data: Model
    subject: str
    business_date: str | None = None
    store_id: str | None = None


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What a state becomes; `due_at` asks for a look when the clock has reached it, `state` None prunes."""

    state: State | None
    derived: Sequence[Derived] = ()
    due_at: int | None = None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A state as it is held or becomes; `applied` is the highest source offset folded into it."""

    kind: Kind
    state: State | None
    applied: int
    due_at: int | None
    tenant_id: str = ""


Became: TypeAlias = tuple[str, Entry, Entry]
"""The key of a state, what it was and what it became."""


class Rule(Protocol):
    """A rule: routes a happening to states, and decides on each alone."""

    @property
    def name(self) -> str:
        """Name of the rule, its test and its page."""
        ...

    @property
    def event_types(self) -> frozenset[str]:
        """Types that it wants to see."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The states that it owns."""
        ...

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the states to decide on, in order: a state comes after those that it reads."""
        ...

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Return what the state becomes. Must return a due time later than the clock, or none."""
        ...


class EventRun(msgspec.Struct, frozen=True, gc=False):
    """Events of one type that a place had one after the other, each with its position and time (Unix microseconds).

    `view` is as of the first of them: its states, policies and clock are those of all. Content of sales may be as it was
    compiled: it has the attributes of its model, but decimals are canonical text. What is left to `touched` gets the model.
    """

    view: View
    happenings: Sequence[Occurred]
    offsets: Sequence[int]
    moments: Sequence[int]

    @property
    def rows(self) -> Iterator[tuple[int, int, int, Occurred]]:
        """Go through number, position, time and event."""
        return zip(range(len(self.offsets)), self.offsets, self.moments, self.happenings, strict=True)


class Left(msgspec.Struct, frozen=True, gc=False):
    """What a rule leaves to be done as ever, before it goes on: all of an event (by its number in the run), or one state.

    That one state is decided on with the event as it is in the run.
    """

    number: int
    entity: Entity | None = None


@runtime_checkable
class FoldsRuns(Protocol):
    """A rule that folds a run of common events in one go, where `touched` and `decide` would come to the same."""

    run_types: frozenset[str]

    def in_run(self, run: EventRun) -> Iterable[Became | Left]:
        """Yield in order what states became, and what is left to `touched` and `decide`.

        A state that has the record already is left to those: only they are guarded against giving it again.
        """
        ...
