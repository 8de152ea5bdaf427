"""Correct what a dead letter says: the correcting event takes the way of every post, and settles the letters once it is durable."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from api.edge.acceptance import Edge
from api.edge.fates import item_result
from api.edge.judgement import Judge, StorePlace
from api.edge.reading import ReadPrecisely
from api.errors import ApiError
from api.schemas.events import ItemResult
from api.security.caller import Caller
from api.security.scope import StoreScope
from projections.dead_letters import LetterKey
from projections.letter_decisions import Correction, Decision, held_letter
from projections.letter_reader import EVERYTHING, LetterScope


@dataclass(frozen=True, slots=True)
class LetterDesk:
    """What correcting works with; `stores_including` and `tenants` are those of the store directory."""

    engine: AsyncEngine
    edge: Edge
    stores_including: Callable[[set[str]], Awaitable[Mapping[str, StorePlace]]]
    tenants: Callable[[], Mapping[str, str]]
    time: Literal["live", "simulated"]

    async def correct(
        self, key: LetterKey, correction: Correction, caller: Caller, now: datetime, scope: LetterScope = EVERYTHING
    ) -> ItemResult:
        """Post the correcting event as the caller and return its place.

        UnknownLetter or NotDecidable when there is nothing to correct; ApiError `events_rejected` when the correction is refused,
        `not_durable` when it may or may not be on the log: correct it again, it has the same id.
        """
        async with held_letter(self.engine, key, scope) as held:
            document = held.document(correction)
            stores = await self.stores_including({str(document["storeid"])})
            judge = Judge(caller, StoreScope(caller, self.tenants()), stores, now, self.time)
            (fate,) = await self.edge.accept(ReadPrecisely([document]), judge)
            result = item_result(fate)
            rows = {"results": [result.model_dump(mode="json", exclude_none=True)]}
            if result.outcome == "unacknowledged" or result.id is None:
                raise ApiError("not_durable", "correct it again", rows)
            if result.outcome == "rejected":
                raise ApiError("events_rejected", "the correction was refused", rows)
            await held.mark_corrected(result.id, Decision(correction.reason, caller.subject, now))
            return result
