"""How complete an answer is: stores, tills and numbers that came of those that should have come, beside how fresh it is."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from api.parameters import EARLIEST, LATEST
from api.resources import Resources
from api.schemas.freshness import Completeness
from api.security.scope import StoreScope
from projections.freshness import read_freshnesses
from projections.read_models.reference_data.calendars import read_calendars
from projections.read_models.stores.reader import till_lists
from projections.read_models.till_days.reader import DaysAsked, read_completeness
from projections.read_models.till_periods.receipts import count_receipts_twice

HEARD, RECEIPTS = "till_days", "till_periods"


@dataclass(frozen=True, slots=True)
class Over:
    """What an answer is over: stores of a caller, and business dates. `date_from` None: the recent ones, for what is true now.

    `known_at`: what was known at that time of the broker, None for all that is.
    """

    scope: StoreScope
    store_ids: tuple[str, ...]
    date_from: date | None = None
    date_until: date = LATEST
    known_at: datetime | None = None


async def completeness_of(resources: Resources, over: Over) -> Completeness:
    """Return how much of what the stores should have sent of these business dates has come.

    That a date has come is shown by any store in the caller's scope, asked for or not: a silent store must not hide its own silence.
    """
    heard, receipts = await read_freshnesses(resources.engine, HEARD, RECEIPTS)
    asked = DaysAsked(over.store_ids, over.scope.store_ids(), over.date_from, over.date_until, over.known_at)
    lists, calendars = await till_lists(resources.engine, over.store_ids), await read_calendars(resources.engine, over.store_ids)
    found = await read_completeness(resources.engine, asked, lists, calendars)
    first, last = (
        (found.from_date or EARLIEST, found.until_date or EARLIEST) if over.date_from is None else (over.date_from, over.date_until)
    )
    twice = await count_receipts_twice(resources.engine, over.store_ids, first, last, over.known_at)
    return Completeness(**asdict(found), receipts_twice=twice, as_of=heard.limited_by(receipts).as_of)


def completeness_headers(completeness: Completeness | None) -> dict[str, str]:
    """Return the headers that carry it beside a table; empty where it is not known."""
    values = {} if completeness is None else completeness.model_dump(exclude={"as_of", "from_date", "until_date"})
    return {f"X-{name.replace('_', '-').title()}": "" if value is None else str(value) for name, value in values.items()}
