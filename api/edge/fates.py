"""What became of each event of a post, in the form that is written fastest; the schemas say the same for the documentation."""

from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from api.errors import printable
from api.schemas.events import ItemResult, Outcome
from contracts.errors import Problem
from infra.kafka.publisher import Position


class Place(msgspec.Struct, frozen=True, gc=False):
    """A place in the log."""

    topic: str
    partition: int
    offset: int


class Wrong(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong with an item; `pointer` is a JSON pointer."""

    code: str
    pointer: str
    expected: str


class Fate(msgspec.Struct, frozen=True):
    """What became of one event; `index` counts from 0 in the order sent. Fields in the order of `ItemResult`."""

    index: int
    id: str | UnsetType
    outcome: Outcome
    position: Place | UnsetType = UNSET
    problems: Sequence[Wrong] = ()


class Fates(msgspec.Struct, frozen=True):
    """The fate of every event of a post, as `PostResult` describes it."""

    accepted: int
    duplicate: int
    rejected: int
    results: Sequence[Fate]


Told: TypeAlias = Fate | ItemResult
"""A fate in either form."""


def place_of(position: Position) -> Place:
    """Return a position without the broker's clock."""
    return Place(position.topic, position.partition, position.offset)


def rejected(index: int, event_id: str | UnsetType, problems: Sequence[Problem], position: Place | UnsetType = UNSET) -> Fate:
    """Return the fate of an event that was refused; what the sender wrote is made printable."""
    rows = [Wrong(row.code, printable(row.pointer), printable(row.expected)) for row in problems]
    return Fate(index, event_id, "rejected", position, rows)


def id_of(value: object) -> str | UnsetType:
    """Return the id that a refused document gave, where it is one."""
    try:
        return str(UUID(value)) if isinstance(value, str) else UNSET
    except ValueError:
        return UNSET


def item_result(fate: Fate) -> ItemResult:
    """Return a fate as the schemas describe it."""
    return ItemResult.model_validate(msgspec.to_builtins(fate))


encode = msgspec.json.Encoder().encode
