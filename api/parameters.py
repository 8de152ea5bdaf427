"""Query parameters that several routes share, bounded like the fields of events."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, Field, StringConstraints

EARLIEST, LATEST = date(1971, 1, 1), date(2148, 12, 31)
"""Business dates that every store can hold."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f|]+$")]
StoresParameter = Annotated[
    tuple[Code, ...], Query(max_length=500, description="Only these stores (repeat the parameter); without it all stores in scope.")
]
CursorParameter = Annotated[str | None, Query(max_length=1_000, description="`next_cursor` of the page before.")]
_FIRST_MOMENT, _LAST_MOMENT = datetime(1971, 1, 1, tzinfo=UTC), datetime(2148, 12, 31, tzinfo=UTC)
KnownAt = Annotated[
    AwareDatetime | None,
    Query(
        ge=_FIRST_MOMENT,
        le=_LAST_MOMENT,
        description="Answer as known at this broker time: from the facts, corrections among them, that were recorded by then. "
        "Up to `as_of` the answer stays what it is; of a later time, facts recorded by then may not be there yet.",
    ),
]
Moment = Annotated[AwareDatetime, Field(ge=_FIRST_MOMENT, le=_LAST_MOMENT)]
Since = Annotated[AwareDatetime, Query(ge=_FIRST_MOMENT, le=_LAST_MOMENT, description="Broker time; facts recorded after it are told.")]
FromDate = Annotated[date, Query(alias="from", ge=EARLIEST, le=LATEST, description="First business date.")]
UntilDate = Annotated[date, Query(alias="until", ge=EARLIEST, le=LATEST, description="Last business date, inclusive.")]
