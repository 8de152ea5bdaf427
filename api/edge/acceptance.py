"""Bring the events of one post to the log: judge each, leave out repeats, publish the rest once, say what became of each.

Nothing is remembered here: an event exists when the log has acknowledged it, and only then is it called accepted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from api.edge.documents import Document, Unreadable
from api.edge.judgement import Judge, Judged
from api.errors import printable
from api.schemas.events import ItemResult, PositionBody, ProblemBody
from contracts.errors import ContractError, Problem
from contracts.records import OutboundRecord
from infra.kafka.publisher import NotDurable, Position

Identity: TypeAlias = tuple[str, UUID]
_BREATH_ITEMS = 50


@dataclass(frozen=True, slots=True)
class Known:
    """What is on the log under an identity: the hash of its content, and its first position."""

    hash: int
    position: PositionBody


LookUp: TypeAlias = Callable[[Sequence[Identity]], Awaitable[Mapping[Identity, Known]]]
"""Ask which of some identities are on the log already; best effort, a missing answer costs a repeat on the log."""


class Publish(Protocol):
    """Write records and wait for the acknowledgement of each."""

    async def __call__(self, records: Sequence[OutboundRecord], timeout_seconds: float) -> list[Position | NotDurable]:
        """Return a position per record, or why there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Edge:
    """What acceptance works with; `reach` passes the named points of the work."""

    look_up: LookUp
    publish: Publish
    publish_timeout_seconds: float
    reach: Callable[[str], None]

    async def accept(self, found: Sequence[Document], judge: Judge) -> list[ItemResult]:
        """Return what became of each document, in their order."""
        results: dict[int, ItemResult] = {}
        candidates = await _judged(found, judge, results)
        fresh, repeats = _without_repeats(candidates, results)
        known = await self.look_up([_identity(item) for item in fresh.values()]) if fresh else {}
        sending = _without_known(fresh, known, results)
        self.reach("accepted")
        if sending:
            outcomes = await self.publish([item.record for item in sending.values()], self.publish_timeout_seconds)
            for (index, item), outcome in zip(sending.items(), outcomes, strict=True):
                results[index] = _published(index, item, outcome)
        self.reach("published")
        for index, first in repeats.items():
            results[index] = _repeat_of(index, results[first])
        return [results[index] for index in range(len(found))]


async def _judged(found: Sequence[Document], judge: Judge, results: dict[int, ItemResult]) -> dict[int, Judged]:
    candidates: dict[int, Judged] = {}
    for index, document in enumerate(found):
        if index % _BREATH_ITEMS == _BREATH_ITEMS - 1:
            await asyncio.sleep(0)  # a large batch must not hold up everybody else
        if isinstance(document, Unreadable):
            results[index] = _rejected(index, None, [document.problem])
            continue
        try:
            candidates[index] = judge.judge(document)
        except ContractError as error:
            results[index] = _rejected(index, _id_of(document.get("id")), error.problems)
    return candidates


def _without_repeats(candidates: Mapping[int, Judged], results: dict[int, ItemResult]) -> tuple[dict[int, Judged], dict[int, int]]:
    """Split off what the same post holds twice: a repeat shares the fate of its first, another content is a conflict."""
    first: dict[Identity, int] = {}
    fresh: dict[int, Judged] = {}
    repeats: dict[int, int] = {}
    for index, item in candidates.items():
        earlier = first.setdefault(_identity(item), index)
        if earlier == index:
            fresh[index] = item
        elif candidates[earlier].hash == item.hash:
            repeats[index] = earlier
        else:
            results[index] = _conflict(index, item, None)
    return fresh, repeats


def _without_known(fresh: Mapping[int, Judged], known: Mapping[Identity, Known], results: dict[int, ItemResult]) -> dict[int, Judged]:
    sending: dict[int, Judged] = {}
    for index, item in fresh.items():
        on_log = known.get(_identity(item))
        if on_log is None:
            sending[index] = item
        elif on_log.hash == item.hash:
            results[index] = ItemResult(index=index, id=item.event.id, outcome="duplicate", position=on_log.position)
        else:
            results[index] = _conflict(index, item, on_log.position)
    return sending


def _identity(item: Judged) -> Identity:
    return item.event.store_id, item.event.id


def _published(index: int, item: Judged, outcome: Position | NotDurable) -> ItemResult:
    if isinstance(outcome, NotDurable):
        return ItemResult(index=index, id=item.event.id, outcome="unacknowledged")
    position = PositionBody(topic=outcome.topic, partition=outcome.partition, offset=outcome.offset)
    return ItemResult(index=index, id=item.event.id, outcome="accepted", position=position)


def _repeat_of(index: int, first: ItemResult) -> ItemResult:
    outcome = "duplicate" if first.outcome == "accepted" else first.outcome
    return first.model_copy(update={"index": index, "outcome": outcome})


def _conflict(index: int, item: Judged, position: PositionBody | None) -> ItemResult:
    problem = Problem("conflicting_duplicate", "/id", "the content that this id already has, or a new id")
    return _rejected(index, item.event.id, [problem]).model_copy(update={"position": position})


def _rejected(index: int, event_id: UUID | None, problems: Sequence[Problem]) -> ItemResult:
    rows = [ProblemBody(code=row.code, pointer=printable(row.pointer), expected=printable(row.expected)) for row in problems]
    return ItemResult(index=index, id=event_id, outcome="rejected", problems=rows)


def _id_of(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
