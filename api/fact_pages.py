"""What a page of facts is asked by: stores, business dates, as known when, which page, and what to wait for."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from api.answers import WaitDep, answer_of_all
from api.completeness import Over
from api.dependencies import ScopeDep
from api.parameters import EARLIEST, LATEST, CursorParameter, FromDate, KnownAt, StoresParameter, UntilDate
from api.resources import Resources
from projections.sale_facts import FactsAsked


@dataclass(frozen=True, slots=True)
class DatePage:
    """The query parameters that all lists by store and business date have in common."""

    scope: ScopeDep
    wait: WaitDep
    from_date: FromDate = EARLIEST
    until_date: UntilDate = LATEST
    store: StoresParameter = ()
    limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000
    cursor: CursorParameter = None

    @property
    def facts(self) -> FactsAsked:
        """Return which facts are asked for; 403 for a store outside the scope."""
        return FactsAsked(self.scope.store_ids(self.store), self.from_date, self.until_date)

    async def answer(self, resources: Resources, *projections: str) -> dict[str, Any]:
        """Wait for the positions, then return the fields of an `Answer` that these read models make."""
        asked = self.facts
        over = Over(self.scope, asked.store_ids, asked.date_from, asked.date_until, asked.known_at)
        return await answer_of_all(resources, projections, self.wait, over)


@dataclass(frozen=True, slots=True)
class FactPage(DatePage):
    """Those of lists that can be asked for as known at a moment."""

    known_at: KnownAt = None

    @property
    def facts(self) -> FactsAsked:
        """Return which facts are asked for; 403 for a store outside the scope."""
        return FactsAsked(self.scope.store_ids(self.store), self.from_date, self.until_date, self.known_at)


DatePageDep = Annotated[DatePage, Depends()]
FactPageDep = Annotated[FactPage, Depends()]
