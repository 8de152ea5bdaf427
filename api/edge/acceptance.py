"""Bring the events of one post to the log: judge each, leave out repeats, publish the rest once, say what became of each.

Nothing is remembered here: an event exists when the log has acknowledged it, and only then is it called accepted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import msgspec
from msgspec import UNSET

from api.edge.documents import Unreadable
from api.edge.fates import Fate, Place, id_of, place_of, rejected
from api.edge.judgement import Identity, Judge, Judged
from api.edge.quick_judgement import QuickJudge
from api.edge.reading import Reading
from contracts.errors import ContractError, Problem
from contracts.records import OutboundRecord
from infra.kafka.publisher import NotDurable, Position

_BREATH_ITEMS = 50


@dataclass(frozen=True, slots=True)
class Known:
    """What is on the log under an identity: the hash of its content, and its first position."""

    hash: int
    position: Place


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

    async def accept(self, post: Reading, judge: Judge) -> list[Fate]:
        """Return what became of each document, in their order."""
        fates: dict[int, Fate] = {}
        candidates = await _judged(post, judge, fates)
        fresh, repeats = _without_repeats(candidates, fates)
        known = await self.look_up([item.identity for item in fresh.values()]) if fresh else {}
        sending = _without_known(fresh, known, fates) if known else fresh
        self.reach("accepted")
        if sending:
            outcomes = await self.publish([item.record for item in sending.values()], self.publish_timeout_seconds)
            told = map(_published, sending, sending.values(), outcomes)
            fates.update(zip(sending, told, strict=True))
        self.reach("published")
        for index, first in repeats.items():
            fates[index] = _repeat_of(index, fates[first])
        return [fates[index] for index in range(len(post))]


async def _judged(post: Reading, judge: Judge, fates: dict[int, Fate]) -> dict[int, Judged]:
    candidates: dict[int, Judged] = {}
    quick = QuickJudge(judge)
    for index, found in enumerate(post.quick):
        if index % _BREATH_ITEMS == _BREATH_ITEMS - 1:
            await asyncio.sleep(0)  # a large batch must not hold up everybody else
        item = None if found is None else quick.judge(found)
        verdict = _precisely(index, post, judge) if item is None else item
        if isinstance(verdict, Judged):
            candidates[index] = verdict
        else:
            fates[index] = verdict
    return candidates


def _precisely(index: int, post: Reading, judge: Judge) -> Judged | Fate:
    document = post.documents[index]
    if isinstance(document, Unreadable):
        return rejected(index, UNSET, [document.problem])
    try:
        return judge.judge(document)
    except ContractError as error:
        return rejected(index, id_of(document.get("id")), error.problems)


def _without_repeats(candidates: Mapping[int, Judged], fates: dict[int, Fate]) -> tuple[Mapping[int, Judged], dict[int, int]]:
    """Split off what the same post holds twice: a repeat shares the fate of its first, another content is a conflict."""
    if len({item.identity for item in candidates.values()}) == len(candidates):
        return candidates, {}
    first: dict[Identity, int] = {}
    fresh: dict[int, Judged] = {}
    repeats: dict[int, int] = {}
    for index, item in candidates.items():
        earlier = first.setdefault(item.identity, index)
        if earlier == index:
            fresh[index] = item
        elif candidates[earlier].hash == item.hash:
            repeats[index] = earlier
        else:
            fates[index] = _conflict(index, item)
    return fresh, repeats


def _without_known(fresh: Mapping[int, Judged], known: Mapping[Identity, Known], fates: dict[int, Fate]) -> dict[int, Judged]:
    sending: dict[int, Judged] = {}
    for index, item in fresh.items():
        on_log = known.get(item.identity)
        if on_log is None:
            sending[index] = item
        elif on_log.hash == item.hash:
            fates[index] = Fate(index, item.identity[1], "duplicate", on_log.position)
        else:
            fates[index] = _conflict(index, item, on_log.position)
    return sending


def _published(index: int, item: Judged, outcome: Position | NotDurable) -> Fate:
    if isinstance(outcome, NotDurable):
        return Fate(index, item.identity[1], "unacknowledged")
    return Fate(index, item.identity[1], "accepted", place_of(outcome))


def _repeat_of(index: int, first: Fate) -> Fate:
    return msgspec.structs.replace(first, index=index, outcome="duplicate" if first.outcome == "accepted" else first.outcome)


def _conflict(index: int, item: Judged, position: Place | msgspec.UnsetType = UNSET) -> Fate:
    problem = Problem("conflicting_duplicate", "/id", "the content that this id already has, or a new id")
    return rejected(index, item.identity[1], [problem], position)
