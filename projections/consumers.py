"""How each consumer fares, by its own word: it works, it waits for its surroundings, or it has halted; and why nothing moves.

A consumer that says nothing any more is not there: its last word is kept, and how old it is.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import structlog
from sqlalchemy import Row, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from infra.clock import monotonic_seconds, new_event_id, utc_now
from projections.ledger import merge_adjacent

_log = structlog.get_logger(__name__)
State = Literal["working", "waiting", "halted"]

_BEAT_SECONDS: Final = 5.0
_MERGE_SECONDS: Final = 3_600.0
SILENT_AFTER: Final = timedelta(seconds=20)
RATE_SECONDS: Final = 60
_MAX_ERROR: Final = 1_000

_BEGIN: Final = text(
    """
    DELETE FROM delivery.consumers WHERE projection = :projection AND generation = :generation
      AND (state = 'halted' OR beat_at < now() - interval '20 seconds')
    """
)
_BEAT: Final = text(
    """
    INSERT INTO delivery.consumers (projection, generation, instance, state, error, error_at, beat_at)
    VALUES (:projection, :generation, :instance, :state, :error, :error_at, now())
    ON CONFLICT (projection, generation, instance)
    DO UPDATE SET state = excluded.state, error = excluded.error, error_at = excluded.error_at, beat_at = excluded.beat_at
    """
)
_END: Final = text("DELETE FROM delivery.consumers WHERE instance = :instance")


class Pulse:
    """Says for one runner how it fares, every five seconds; and joins its old accounts once an hour.

    `patience_seconds`: how long a step may go without an answer before that is told.
    """

    def __init__(self, engine: AsyncEngine, projection: str, generation: int, patience_seconds: float = 10.0) -> None:
        self._engine = engine
        self._projection, self._generation = projection, generation
        self._instance = str(new_event_id())
        self._patience_seconds = patience_seconds
        self._state: State = "working"
        self._error: str | None = None
        self._error_at: datetime | None = None
        self._step: tuple[str, float] | None = None
        self._merged_at = monotonic_seconds()

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Note a step that others answer: a long silence is told while it lasts."""
        self._step = what, monotonic_seconds()
        try:
            yield
        finally:
            self._step = None

    def works(self) -> None:
        """Note that the surroundings answer."""
        self._state = "working"

    def waits(self, error: BaseException) -> None:
        """Note what is waited for; the last error stays known when it is gone."""
        self._fail("waiting", error)

    def halts(self, error: BaseException) -> None:
        """Note why the consumer stops until a person has looked."""
        self._fail("halted", error)

    def _fail(self, state: State, error: BaseException) -> None:
        self._state, self._error, self._error_at = state, (str(error) or repr(error))[:_MAX_ERROR], utc_now()

    def _word(self) -> tuple[State, str | None, datetime | None]:
        if self._step is not None and (silence := monotonic_seconds() - self._step[1]) > self._patience_seconds:
            return "waiting", f"no answer for {silence:.0f} s to this: {self._step[0]}", utc_now()
        return self._state, self._error, self._error_at

    async def say_now(self) -> None:
        """Tell at once what else is told with the next beat."""
        await self._attempt(self._beat)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Tell it while the body runs, and the last word at its end."""
        await self._attempt(self._begin)
        await self._attempt(self._beat)
        task = asyncio.create_task(self._beat_for_ever(), name="pulse")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._attempt(self._say_last)

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            await self._attempt(self._beat)

    async def _attempt(self, step: Any) -> None:
        """A store that is away keeps nobody from working, and from saying so later."""
        try:
            await step()
        except (SQLAlchemyError, OSError) as error:
            _log.info("pulse_not_noted", error=repr(error)[:200])

    async def _begin(self) -> None:
        async with self._engine.begin() as conn:
            await conn.execute(_BEGIN, {"projection": self._projection, "generation": self._generation})

    async def _beat(self) -> None:
        place = {"projection": self._projection, "generation": self._generation}
        word = {"instance": self._instance, **dict(zip(("state", "error", "error_at"), self._word(), strict=True))}
        async with self._engine.begin() as conn:
            await conn.execute(_BEAT, {**place, **word})
        if monotonic_seconds() - self._merged_at > _MERGE_SECONDS:
            self._merged_at = monotonic_seconds()
            async with self._engine.begin() as conn:
                await merge_adjacent(conn, self._projection, self._generation)

    async def _say_last(self) -> None:
        if self._state == "halted":
            await self._beat()
            return
        async with self._engine.begin() as conn:
            await conn.execute(_END, {"instance": self._instance})


@dataclass(frozen=True, slots=True)
class Fare:
    """How the serving generation of a projection fares.

    `rate`: records a second over the last minute. `silent_seconds`: since the last word of any of its processes, None without one.
    `is_held`: a replay keeps it at one position for now.
    """

    projection: str
    generation: int
    state: State | None
    last_error: str | None
    last_error_at: datetime | None
    silent_seconds: float | None
    rate: float
    open_letters: int
    is_held: bool = False

    def why_still(self, behind: int | None) -> str | None:
        """Say why nothing moves, or may not move, although there is something to do; None when all is well."""
        if self.state == "halted":
            return f"halted: {self.last_error}"
        if self.silent_seconds is None:
            return "no process keeps it: start one with `tillstream project`"
        if self.silent_seconds > SILENT_AFTER.total_seconds():
            return f"its process has not said anything for {self.silent_seconds:.0f} s: it was killed, or hangs"
        if self.state == "waiting":
            return f"it waits and tries again: {self.last_error}"
        if self.is_held and behind:
            return "a replay holds it at one position to compare it; it goes on by itself"
        if behind and not self.rate:
            return f"it works, but has applied nothing for {RATE_SECONDS} s"
        return None


_FARES: Final = text(
    """
    WITH serving AS (
        SELECT projection, generation FROM delivery.generations WHERE serving
    ), word AS (
        SELECT DISTINCT ON (projection, generation) projection, generation, state, error, error_at,
               extract(epoch FROM now() - max(beat_at) OVER (PARTITION BY projection, generation))::float AS silent
        FROM delivery.consumers
        ORDER BY projection, generation, beat_at < now() - interval '20 seconds', state = 'working', beat_at DESC
    ), speed AS (
        SELECT projection, generation, sum(next - first)::float / :seconds AS rate FROM delivery.ledger
        WHERE written_at > now() - make_interval(secs => :seconds) GROUP BY projection, generation
    ), letters AS (
        SELECT projection, generation, count(*) AS open FROM delivery.dead_letters WHERE disposition = 'open'
        GROUP BY projection, generation
    )
    SELECT projection, generation, state, error, error_at, silent, coalesce(rate, 0) AS rate, coalesce(open, 0) AS open,
           EXISTS (SELECT FROM delivery.holds h WHERE h.projection = serving.projection AND h.expires_at > now()) AS held
    FROM serving LEFT JOIN word USING (projection, generation) LEFT JOIN speed USING (projection, generation)
    LEFT JOIN letters USING (projection, generation)
    """
)


async def read_fares(engine: AsyncEngine, projections: Sequence[str]) -> Mapping[str, Fare]:
    """Return how each of the projections fares; one that never started has no process."""
    async with engine.connect() as conn:
        rows = (await conn.execute(_FARES, {"seconds": RATE_SECONDS})).all()
    found = {row.projection: _fare(row) for row in rows}
    return {name: found.get(name, Fare(name, 1, None, None, None, None, 0.0, 0)) for name in projections}


def _fare(row: Row[Any]) -> Fare:
    return Fare(row.projection, row.generation, row.state, row.error, row.error_at, row.silent, row.rate, row.open, row.held)
