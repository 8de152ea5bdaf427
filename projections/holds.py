"""Hold all generations of a read model at one position: each stops exactly there, says that it stands, and goes on when let go.

A hold names where each partition ends for now. It expires by itself, so that whoever asked for it may die. A runner looks for
one before each batch, never goes past it, and writes its number beside the position where it stands: from then on none of its
work is on the way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.records import LogRecord
from infra.clock import monotonic_seconds
from infra.kafka.consumer import Partition
from projections.batching import Part
from projections.positions import Claim

_LOOK_SECONDS: Final = 0.1
_EXPIRES_SECONDS: Final = 15.0
_EXTEND_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.05


Ends: TypeAlias = Callable[[], Awaitable[Mapping[Part, int]]]
"""Asks where the partitions that a read model reads end now."""


class NotHeld(Exception):
    """The generations did not come to stand at one position, or did not stay there."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Where everything ends for now."""

    id: int
    ends: Mapping[Part, int]


_FIND = text("SELECT projection, id, ends FROM delivery.holds WHERE expires_at > now()")
_STAND = text(
    """
    UPDATE delivery.positions SET held_by = :hold
    WHERE projection = :projection AND generation = :generation AND topic = :topic AND part = :part AND epoch = :epoch
    """
)
_PLACE = text(
    """
    INSERT INTO delivery.holds (projection, ends, expires_at) VALUES (:projection, :ends, now() + :seconds * interval '1 second')
    RETURNING id
    """
).bindparams(bindparam("ends", type_=JSONB))
_EXTEND = text(
    """
    UPDATE delivery.holds SET expires_at = now() + :seconds * interval '1 second'
    WHERE projection = :projection AND id = :hold AND expires_at > now()
    """
)
_LIFT = text("DELETE FROM delivery.holds WHERE projection = :projection")
_STANDING = text(
    """
    SELECT generation, topic, part, next_offset, held_by FROM delivery.positions
    WHERE projection = :projection AND generation = ANY(:generations)
    """
)
_PIN = text(f"{_STANDING.text} ORDER BY generation, topic, part FOR UPDATE")


class Holds:
    """The holds of all read models; however many runners of a process ask, Postgres is asked ten times a second at most."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._found: dict[str, Hold] = {}
        self._looked = float("-inf")
        self._asking = asyncio.Lock()

    async def of(self, projection: str) -> Hold | None:
        """Return the hold of a read model, as it was within the last tenth of a second."""
        async with self._asking:
            if monotonic_seconds() - self._looked >= _LOOK_SECONDS:
                asked = monotonic_seconds()
                async with self._engine.connect() as conn:
                    self._found = {row.projection: Hold(row.id, _parts(row.ends)) for row in await conn.execute(_FIND)}
                self._looked = asked
        return self._found.get(projection)


class Gate:
    """What a runner asks before each batch."""

    def __init__(self, engine: AsyncEngine, holds: Holds, projection: str, generation: int) -> None:
        self._engine, self._holds = engine, holds
        self._place = {"projection": projection, "generation": generation}
        self._projection = projection
        self._standing: dict[Part, tuple[int, int]] = {}

    async def admit(
        self, claims: Mapping[Part, Claim], fetched: Mapping[Partition, Sequence[LogRecord]]
    ) -> tuple[Mapping[Partition, Sequence[LogRecord]], dict[Partition, int]]:
        """Return what may be applied now, and from where the partitions are read again whose other records have to wait."""
        hold = await self._holds.of(self._projection)
        if hold is None:
            return fetched, {}
        admitted: dict[Partition, Sequence[LogRecord]] = {}
        again: dict[Partition, int] = {}
        for tp, records in fetched.items():
            end = hold.ends.get(Part(tp.topic, tp.partition))
            before = [record for record in records if end is None or record.offset < end]
            if before:
                admitted[tp] = before
            if len(before) < len(records):
                again[tp] = records[len(before)].offset
        reached = [claim for part, claim in claims.items() if claim.next_offset >= hold.ends.get(part, claim.next_offset + 1)]
        await self._stand(hold, [claim for claim in reached if Partition(*claim.part) not in admitted])
        if again and not admitted:
            await asyncio.sleep(_POLL_SECONDS)
        return admitted, again

    async def _stand(self, hold: Hold, claims: Iterable[Claim]) -> None:
        fresh = [claim for claim in claims if self._standing.get(claim.part) != (hold.id, claim.epoch)]
        if not fresh:
            return
        async with self._engine.begin() as conn:
            for claim in fresh:
                place = {**self._place, "topic": claim.part.topic, "part": claim.part.number, "epoch": claim.epoch}
                await conn.execute(_STAND, {**place, "hold": hold.id})
        self._standing |= {claim.part: (hold.id, claim.epoch) for claim in fresh}


class Holder:
    """Whoever holds the generations of a read model, while the body of `holding` runs."""

    def __init__(self, engine: AsyncEngine, projection: str, generations: Sequence[int]) -> None:
        self._engine, self._projection, self._generations = engine, projection, list(generations)
        self._hold: Hold | None = None

    async def place(self, ends: Mapping[Part, int]) -> None:
        """Ask for a hold at these ends, instead of any before it."""
        documents = {f"{part.topic}/{part.number}": end for part, end in ends.items()}
        async with self._engine.begin() as conn:
            await conn.execute(_LIFT, {"projection": self._projection})
            bound = {"projection": self._projection, "ends": documents, "seconds": _EXPIRES_SECONDS}
            self._hold = Hold((await conn.execute(_PLACE, bound)).scalar_one(), dict(ends))

    @property
    def ends(self) -> Mapping[Part, int]:
        """Where all are to stand."""
        assert self._hold is not None
        return self._hold.ends

    async def is_standing(self) -> bool | None:
        """Tell whether all stand at the ends; None when one has gone past them and the ends must be later ones."""
        async with self._engine.connect() as conn:
            return await self._look(conn, _STANDING)

    async def pin(self, conn: AsyncConnection) -> None:
        """Keep all where they stand until the caller's transaction ends, even should the hold run out; NotHeld when one has gone on."""
        if not await self._look(conn, _PIN):
            raise NotHeld(f"the generations of {self._projection} went on")

    async def _look(self, conn: AsyncConnection, statement: TextClause) -> bool | None:
        assert self._hold is not None
        rows = (await conn.execute(statement, {"projection": self._projection, "generations": self._generations})).all()
        found = {(row.generation, Part(row.topic, row.part)): row for row in rows}
        wanted = [(number, part) for number in self._generations for part in self._hold.ends]
        if any(found[at].next_offset > self._hold.ends[at[1]] for at in wanted if at in found):
            return None
        return all(at in found and found[at].next_offset == self._hold.ends[at[1]] and found[at].held_by == self._hold.id for at in wanted)

    async def extend(self) -> None:
        """Keep the hold for another while; NotHeld when it has run out."""
        assert self._hold is not None
        bound = {"projection": self._projection, "hold": self._hold.id, "seconds": _EXPIRES_SECONDS}
        async with self._engine.begin() as conn:
            if (await conn.execute(_EXTEND, bound)).rowcount != 1:
                raise NotHeld(f"the hold of {self._projection} ran out")

    async def lift(self) -> None:
        """Let all go on."""
        async with self._engine.begin() as conn:
            await conn.execute(_LIFT, {"projection": self._projection})


@asynccontextmanager
async def holding(holder: Holder, ends: Ends, timeout_seconds: float) -> AsyncIterator[None]:
    """Bring all generations to stand at one position, `holder.ends`, while the body runs.

    NotHeld when they do not get there in time, or when the hold ran out before the body ended: then nothing that the body
    saw is of one position.
    """
    try:
        await _settle(holder, ends, timeout_seconds)
        keeper = asyncio.create_task(_keep(holder))
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        await holder.extend()
        if not await holder.is_standing():
            raise NotHeld("the generations moved while they were compared")
    finally:
        await holder.lift()


async def _keep(holder: Holder) -> None:
    while True:
        await asyncio.sleep(_EXTEND_SECONDS)
        await holder.extend()


async def _settle(holder: Holder, ends: Ends, timeout_seconds: float) -> None:
    deadline = monotonic_seconds() + timeout_seconds
    extended = monotonic_seconds()
    await holder.place(await ends())
    while (standing := await holder.is_standing()) is not True:
        if monotonic_seconds() > deadline:
            raise NotHeld(f"not all generations stand at one position after {timeout_seconds:.0f} s: is `tillstream project` running?")
        if standing is None:
            later = await ends()
            if later == holder.ends:
                raise NotHeld("a generation has gone past the position at which another one stands still")
            await holder.place(later)
        if monotonic_seconds() - extended > _EXTEND_SECONDS:
            extended = monotonic_seconds()
            await holder.extend()
        await asyncio.sleep(_POLL_SECONDS)


def _parts(ends: Mapping[str, int]) -> dict[Part, int]:
    split = [(name.rpartition("/"), end) for name, end in ends.items()]
    return {Part(topic, int(number)): end for (topic, _, number), end in split}
