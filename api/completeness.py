"""How complete an answer is: stores, tills and numbers that came of those that should have come, beside how fresh it is."""

from dataclasses import asdict
from datetime import date

from api.resources import Resources
from api.schemas.kpis import Completeness
from api.security.scope import StoreScope
from projections.freshness import read_freshnesses
from projections.read_models.stores.reader import till_lists
from projections.read_models.till_days.reader import DaysAsked, read_completeness
from projections.read_models.till_periods.receipts import count_receipts_twice

HEARD, RECEIPTS = "till_days", "till_periods"


async def completeness_of(
    resources: Resources, scope: StoreScope, store_ids: tuple[str, ...], date_from: date, date_until: date
) -> Completeness:
    """Return how much of what the stores should have sent of these business dates has come.

    That a date has come is shown by any store in the caller's scope, asked for or not: a silent store must not hide its own silence.
    """
    heard, receipts = await read_freshnesses(resources.engine, HEARD, RECEIPTS)
    asked = DaysAsked(store_ids, scope.store_ids(), date_from, date_until)
    found = await read_completeness(resources.engine, asked, await till_lists(resources.engine, store_ids))
    twice = await count_receipts_twice(resources.engine, store_ids, date_from, date_until)
    return Completeness(**asdict(found), receipts_twice=twice, as_of=heard.limited_by(receipts).as_of)


def completeness_headers(completeness: Completeness) -> dict[str, str]:
    """Return the headers that carry it beside a table; empty where it is not known."""
    values = completeness.model_dump(exclude={"as_of"})
    return {f"X-{name.replace('_', '-').title()}": "" if value is None else str(value) for name, value in values.items()}
