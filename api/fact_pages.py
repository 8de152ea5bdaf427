"""What a page of facts is asked by: stores, business dates, as known when, which page, and what to wait for."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from api.dependencies import ScopeDep
from api.freshness import freshness_of
from api.parameters import EARLIEST, LATEST, CursorParameter, FromDate, KnownAt, StoresParameter, UntilDate
from api.resources import Resources
from api.waiting import MinPositions, WaitMs, await_positions
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class FactPage:
    """The query parameters that all lists of facts have in common."""

    scope: ScopeDep
    from_date: FromDate = EARLIEST
    until_date: UntilDate = LATEST
    store: StoresParameter = ()
    known_at: KnownAt = None
    limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000
    cursor: CursorParameter = None
    min_position: MinPositions = ()
    wait_ms: WaitMs = 2_000

    @property
    def facts(self) -> FactsAsked:
        """Return which facts are asked for; 403 for a store outside the scope."""
        return FactsAsked(self.scope.store_ids(self.store), self.from_date, self.until_date, self.known_at)

    async def freshness(self, resources: Resources, projection: str) -> dict[str, Any]:
        """Wait for the positions, then return the fields of a `Freshness`."""
        await await_positions(resources, projection, self.min_position, self.wait_ms)
        return await freshness_of(resources, projection)


FactPageDep = Annotated[FactPage, Depends()]
