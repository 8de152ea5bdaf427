"""What every answer from a read model says of itself: as of when, how far behind, which generation, how complete."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends

from api.completeness import Over, completeness_of
from api.freshness import freshness_of
from api.resources import Resources
from api.waiting import MinPositions, WaitMs, await_positions


@dataclass(frozen=True, slots=True)
class Wait:
    """What a caller waits for before the answer; query parameters of every route that answers from a read model."""

    min_position: MinPositions = ()
    wait_ms: WaitMs = 2_000


WaitDep = Annotated[Wait, Depends()]


async def answer_of(resources: Resources, projection: str, wait: Wait, over: Over | None) -> dict[str, Any]:
    """Wait for the positions, then return the fields of an `Answer`; `over` None where nothing is expected to come.

    Ask before reading rows: then the rows are never older than what is said of them.
    """
    return await answer_of_all(resources, (projection,), wait, over)


async def answer_of_all(resources: Resources, projections: Sequence[str], wait: Wait, over: Over | None) -> dict[str, Any]:
    """Do the same for an answer that several read models make: as of the earlier, behind as the one that is most so."""
    for projection in projections:
        await await_positions(resources, projection, wait.min_position, wait.wait_ms)
    first, *others = [await freshness_of(resources, projection) for projection in projections]
    for other in others:
        first["as_of"] = min(first["as_of"], other["as_of"]) if first["as_of"] and other["as_of"] else None
        first["behind"] = max(first["behind"], other["behind"], key=lambda behind: behind.events or 0)
    return first | {"completeness": None if over is None else await completeness_of(resources, over)}
