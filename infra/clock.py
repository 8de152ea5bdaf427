"""The only place that reads clocks and randomness; everything pure gets them as arguments."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

from contracts.identifiers import uuid7


def utc_now() -> datetime:
    """Return the present as an aware UTC time."""
    return datetime.now(UTC)


def new_event_id() -> UUID:
    """Mint a UUIDv7 for something that happens here and now."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def monotonic_seconds() -> float:
    """Seconds that go on while the process or the machine sleeps (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
