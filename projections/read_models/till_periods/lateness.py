"""When is a fact of a business date late? Its lateness window begins with the cut-off that ends the date; pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from contracts.business_time import business_date

LATENESS_WINDOW: Final = timedelta(days=7)
"""So long some tills keep payments that they took while their line was down."""
_EASTERNMOST: Final = timedelta(hours=14)
_DAY: Final = timedelta(days=1)


def sealed_until(clock: datetime, timezone: str, cut_off_hour: int) -> date:
    """Return the last business date of a store whose cut-off and lateness window are over."""
    return business_date(clock - LATENESS_WINDOW, timezone, cut_off_hour) - _DAY


def may_be_late(day: date, recorded_at: datetime) -> bool:
    """Tell whether a fact may be late in any zone and with any cut-off; the store's own are asked when it is read."""
    return day < (recorded_at.astimezone(UTC) + _EASTERNMOST - LATENESS_WINDOW).date()


def quarter_of(recorded_at: datetime) -> datetime:
    """Return the quarter of an hour in which a fact came: windows end on one in every zone, so it is late as a whole or not at all."""
    return recorded_at.replace(minute=recorded_at.minute // 15 * 15, second=0, microsecond=0)
