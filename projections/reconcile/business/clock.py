"""By which time is lateness judged? By the broker's, as far as the till models have read; where time is simulated, by the ticks."""

from datetime import date, datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from projections.freshness import read_freshness
from projections.read_models.stores.reader import StoreSettings
from projections.read_models.till_periods.lateness import sealed_until
from projections.read_models.till_periods.receipts import read_tick_clock


async def business_clock(engine: AsyncEngine, time: Literal["live", "simulated"]) -> datetime | None:
    """Return the clock of a stack, the same by which KPIs become final; None before it has one."""
    return (await read_freshness(engine, "till_periods")).as_of if time == "live" else await read_tick_clock(engine)


def is_sealed(clock: datetime | None, store: StoreSettings, day: date) -> bool:
    """Tell whether the cut-off of a business date and its lateness window are over in a store."""
    return clock is not None and day <= sealed_until(clock, store.timezone, store.cut_off_hour)
