"""Wait until a read model has applied a position of the log: read your own writes, for a caller who asks for it."""

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints

from api.errors import ApiError
from api.freshness import STORES, applied_for_answers
from api.resources import Resources
from infra.clock import monotonic_seconds
from projections.consumers import read_fares

_POSITION = r"^[a-z0-9-]{1,60}/[0-9]{1,6}/[0-9]{1,18}$"
_POLL_SECONDS = 0.02

MinPositions = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=_POSITION)], ...],
    Query(max_length=64, description="Wait until the model has applied these positions (`topic/partition/offset`, repeatable)."),
]
WaitMs = Annotated[int, Query(ge=0, le=10_000, description="How long to wait for `min_position` at most, milliseconds.")]


async def await_positions(resources: Resources, projection: str, positions: Sequence[str], wait_ms: int) -> None:
    """Return when all positions are applied.

    503 when they are not in time, 409 when the model has halted, 422 for a topic that the model does not read.
    """
    wanted = [_parsed(text) for text in positions]
    deadline = monotonic_seconds() + wait_ms / 1000
    while wanted:
        applied = (await applied_for_answers(resources, projection)).positions
        foreign = sorted({f"{topic}/{number}" for topic, number, _ in wanted if (topic, number) not in applied})
        if foreign and applied:
            raise ApiError("invalid_request", f"this answer does not depend on {', '.join(foreign)}")
        wanted = [(topic, number, offset) for topic, number, offset in wanted if applied.get((topic, number), 0) <= offset]
        if wanted and monotonic_seconds() >= deadline:
            await _refuse_halted(resources, projection)
            applied_now = [
                {"topic": topic, "partition": number, "next_offset": applied.get((topic, number), 0)} for topic, number, _ in wanted
            ]
            detail = f"{len(wanted)} positions are not applied yet; wait longer or come again"
            raise ApiError("position_not_reached", detail, {"applied": applied_now})
        if wanted:
            await asyncio.sleep(_POLL_SECONDS)


async def _refuse_halted(resources: Resources, projection: str) -> None:
    """Coming again does not help where a person has to look first."""
    for fare in (await read_fares(resources.engine, [projection, STORES])).values():
        if fare.state == "halted":
            raise ApiError("consumer_halted", f"{fare.projection} has halted: {fare.last_error}")


def _parsed(text: str) -> tuple[str, int, int]:
    topic, number, offset = re.split("/", text)
    return topic, int(number), int(offset)
