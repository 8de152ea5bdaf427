"""Says, while a worker reads its states back from the changelog, how far that is: in its log, and to who is told of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

EVERY_SECONDS = 1.0
_LOGGED_EVERY = 5
_log = structlog.get_logger(__name__)


def records_left(app: Any) -> int | None:
    """Return how many changelog records are still to be read; None when the worker has its states."""
    return int(app.tables.recovery.active_remaining_total()) if app.in_recovery else None


async def report_recovery(app: Any, tell: Callable[[int, int], None], every_seconds: float = EVERY_SECONDS) -> None:
    """Tell how many of how many records are read, again and again, until the app stops."""
    total = looks = 0
    while not app.should_stop:
        left = records_left(app)
        if left is None:
            total = looks = 0
        else:
            total, looks = max(total, left), looks + 1
            tell(total - left, total)
            if looks % _LOGGED_EVERY == 0:
                _log.info("states_recovering", records=total - left, of=total)
        await asyncio.sleep(every_seconds)
