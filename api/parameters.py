"""Query parameters that several routes share, bounded like the fields of events."""

from datetime import date
from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints

EARLIEST, LATEST = date(1971, 1, 1), date(2148, 12, 31)
"""Business dates that every store can hold."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f|]+$")]
StoresParameter = Annotated[
    tuple[Code, ...], Query(max_length=500, description="Only these stores (repeat the parameter); without it all stores in scope.")
]
CursorParameter = Annotated[str | None, Query(max_length=1_000, description="`next_cursor` of the page before.")]
