"""Owners of partitions that a test steps through batches: each has a thread, an engine and a sink of its own, and dies or freezes."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Literal, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.batching import Batch, Part
from projections.options import Safeguards
from projections.positions import Claim, Displaced, claim
from projections.sinks.sink import Sink, SinkContext

Answer = TypeVar("Answer")
Ending = Literal["applied", "displaced", "died", "frozen"]

_POLL_SECONDS = 0.002
_PATIENCE_SECONDS = 60.0


class Died(BaseException):
    """The process ended here: no error handling of the product may see it."""


class Points:
    """Where the next batch ends or stands still."""

    def __init__(self) -> None:
        self._point: str | None = None
        self._freezes = False
        self.frozen = threading.Event()
        self._woken = threading.Event()

    def set(self, point: str | None, freezes: bool) -> None:
        """Choose a point of the next batch."""
        self._point, self._freezes = point, freezes
        self.frozen.clear()
        self._woken.clear()

    def wake(self) -> None:
        """Let what stands still go on."""
        self.frozen.clear()
        self._woken.set()

    def reach(self, name: str) -> None:
        """Die or freeze at the chosen point."""
        if name != self._point:
            return
        self._point = None
        if not self._freezes:
            raise Died(name)
        self.frozen.set()
        assert self._woken.wait(_PATIENCE_SECONDS)


class Worker:
    """One owner, as a process would be: what it claimed, and the batch that it is at."""

    def __init__(self, projection: str, place: Addresses, safeguards: Safeguards, factory: Callable[[SinkContext], Sink]) -> None:
        self._projection, self._place, self._safeguards, self._factory = projection, place, safeguards, factory
        self._pool = ThreadPoolExecutor(1)
        self._loop = asyncio.Runner()
        self._engine = async_engine(place.postgres_dsn, "tests")
        self._sink: Sink | None = None
        self._under_way: Future[Any] | None = None
        self.points = Points()
        self.claims: dict[Part, Claim] = {}
        self.last: Batch | None = None

    def ask(self, question: Callable[[AsyncEngine], Coroutine[Any, Any, Answer]]) -> Answer:
        """Run something on this worker's loop, with its engine."""
        return self._submit(question(self._engine)).result(_PATIENCE_SECONDS)

    def takes(self, parts: Iterable[Part]) -> None:
        """Claim partitions, as a runner does on assignment."""
        self.claims |= self.taking(parts).result(_PATIENCE_SECONDS)

    def taking(self, parts: Iterable[Part]) -> "Future[dict[Part, Claim]]":
        """Begin to claim partitions: whoever writes to one just then is waited for."""
        wanted = list(parts)

        async def work() -> dict[Part, Claim]:
            async with self._engine.begin() as conn:
                return await claim(conn, self._projection, 1, wanted)

        return self._submit(work())

    def applies(self, batch: Batch, point: str | None = None, freezes: bool = False) -> Ending:
        """Apply a batch until it is done, or has come to the point."""
        self.points.set(point, freezes)
        self.last = batch
        self._under_way = self._submit(self._apply(batch))
        while not self.points.frozen.is_set() and not self._under_way.done():
            wait([self._under_way], _POLL_SECONDS)
        return "frozen" if self.points.frozen.is_set() else self._ending(batch)

    def wakes(self) -> Ending:
        """Go on where it stood still."""
        assert self.last is not None
        self.points.wake()
        return self._ending(self.last)

    def _ending(self, batch: Batch) -> Ending:
        assert self._under_way is not None
        try:
            self._under_way.result(_PATIENCE_SECONDS)
        except Displaced:
            self.forgets()
            return "displaced"
        except Died:
            self.forgets()
            self._submit(self._close()).result(_PATIENCE_SECONDS)
            return "died"
        for part in batch.parts:
            if part.part in self.claims:
                self.claims[part.part] = Claim(part.part, part.epoch, part.next, part.recorded_at)
        return "applied"

    def forgets(self) -> None:
        """Own nothing any more."""
        self.claims, self.last = {}, None

    async def _apply(self, batch: Batch) -> None:
        if self._sink is None:
            context = SinkContext(self._projection, 1, self._engine, self._place, self._safeguards, self.points)
            self._sink = self._factory(context)
            await self._sink.start()
        await self._sink.apply(batch)

    async def _close(self) -> None:
        if self._sink is not None:
            await self._sink.close()
            self._sink = None

    def _submit(self, work: Awaitable[Answer]) -> "Future[Answer]":
        return self._pool.submit(self._loop.run, work)  # type: ignore[arg-type]

    def ends(self) -> None:
        """Close connections, and end the thread."""
        self._submit(self._close()).result(_PATIENCE_SECONDS)
        self._submit(self._engine.dispose()).result(_PATIENCE_SECONDS)
        self._pool.submit(self._loop.close).result(_PATIENCE_SECONDS)
        self._pool.shutdown()
