"""Ask `event_index` which events the log already has. Best effort: without an answer, a repeat costs a record and changes nothing.

While one question is under way the questions of other posts are gathered into the next one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.edge.acceptance import Known
from api.edge.fates import Place
from api.edge.judgement import Identity
from infra.clock import monotonic_seconds
from projections.generations import serving_generation
from projections.read_models.event_index.reader import EventIndexUnavailable, KnownEvent, known_in

_log = structlog.get_logger(__name__)
_Answer = Mapping[Identity, KnownEvent]
_Question = tuple[Sequence[Identity], "asyncio.Future[_Answer]"]
_KNOWN_SECONDS = 1.0
Id = TypeVar("Id", str, UUID)


class RepeatIndex:
    """The index of one database, asked by all posts of a process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None
        self._conn: AsyncConnection | None = None
        self._generation, self._generation_until = 1, float("-inf")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def look_up(self, identities: Sequence[tuple[str, Id]]) -> Mapping[tuple[str, Id], Known]:
        """Return those of the (store, event id) pairs that are on the log."""
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(([(store_id, str(event_id)) for store_id, event_id in identities], answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._answer(), name="repeat-index")
        found = await answer
        if not found:
            return {}
        wanted = {identity: found.get((identity[0], str(identity[1]))) for identity in identities}
        return {identity: _known(event) for identity, event in wanted.items() if event is not None}

    async def _answer(self) -> None:
        while self._waiting:
            await self._answer_together()

    async def _answer_together(self) -> None:
        """Answer questions for as long as they come."""
        asked = self._taken()
        try:
            conn = await self._connected()
            while asked:
                identities = [identity for identities, _ in asked for identity in identities]
                _tell(asked, await known_in(conn, await self._serving(conn), identities))
                asked = self._taken()
        except (SQLAlchemyError, EventIndexUnavailable, OSError) as error:
            self._generation_until = float("-inf")
            _log.warning("event_index_not_asked", error=repr(error))
            await self.close()
        finally:
            _tell(asked, {})

    async def _connected(self) -> AsyncConnection:
        """Return a connection that is kept: taking one from the pool costs two round trips more than the question."""
        if self._conn is None:
            self._conn = await (await self._engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
        return self._conn

    async def close(self) -> None:
        """Give up the connection; the next question opens another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(SQLAlchemyError, OSError):
                await conn.invalidate()
                await conn.close()

    async def _serving(self, conn: AsyncConnection) -> int:
        """Return the generation that serves; after another has taken over, the former one goes on answering for a second."""
        if monotonic_seconds() >= self._generation_until:
            self._generation = await serving_generation(conn, "event_index")
            self._generation_until = monotonic_seconds() + _KNOWN_SECONDS
        return self._generation

    def _taken(self) -> list[_Question]:
        questions, self._waiting = self._waiting, []
        return questions


def _tell(questions: Sequence[_Question], found: _Answer) -> None:
    for _, answer in questions:
        if not answer.done():
            answer.set_result(found)


def _known(event: KnownEvent) -> Known:
    return Known(event.content_hash, Place(event.topic, event.part, event.record_offset))
