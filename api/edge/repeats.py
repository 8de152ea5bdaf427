"""Ask `event_index` which events the log already has. Best effort: without an answer, a repeat costs a record and changes nothing.

While one question is under way the questions of other posts are gathered into the next one.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.acceptance import Identity, Known
from api.schemas.events import PositionBody
from projections.read_models.event_index.reader import known

_log = structlog.get_logger(__name__)
_Question = tuple[Sequence[Identity], "asyncio.Future[Mapping[Identity, Known]]"]


class RepeatIndex:
    """The index of one database, asked by all posts of a process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None

    async def look_up(self, identities: Sequence[Identity]) -> Mapping[Identity, Known]:
        """Return those of the identities that are on the log."""
        answer: asyncio.Future[Mapping[Identity, Known]] = asyncio.get_running_loop().create_future()
        self._waiting.append((identities, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._answer(), name="repeat-index")
        return await answer

    async def _answer(self) -> None:
        while self._waiting:
            questions, self._waiting = self._waiting, []
            found = await self._ask([identity for identities, _ in questions for identity in identities])
            for identities, answer in questions:
                if not answer.done():
                    answer.set_result({identity: found[identity] for identity in identities if identity in found})

    async def _ask(self, identities: Sequence[Identity]) -> Mapping[Identity, Known]:
        try:
            rows = await known(self._engine, identities)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("event_index_not_asked", error=repr(error))
            return {}
        return {
            identity: Known(row.content_hash, PositionBody(topic=row.topic, partition=row.part, offset=row.record_offset))
            for identity, row in rows.items()
        }
