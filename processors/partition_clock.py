"""The clock of a partition: the highest accepted tick, and what it says about when a fact was recorded."""

from datetime import datetime, timedelta

from contracts.events.control import Tick
from processors.rules.rule import Kind, State, microseconds, moment_of

HISTORY_AFTER = timedelta(hours=24)


class Clock(State, frozen=True, array_like=True):
    """Where the clock stands, and whether the stack's time is simulated."""

    at: int
    simulated: bool

    @property
    def now(self) -> datetime:
        """Return the clock as a time."""
        return moment_of(self.at)


CLOCK = Kind("clock", Clock, 1, 7)
CLOCK_NAME = "tick"


def after_tick(clock: Clock | None, tick: Tick, recorded_at: datetime) -> Clock | None:
    """Return the moved clock; None where the tick moves nothing or runs ahead of its own record."""
    if tick.runs_ahead(recorded_at):
        return None
    at = microseconds(tick.at)
    return Clock(at, tick.time == "simulated") if clock is None or at > clock.at else None


def present(clock: Clock | None, recorded_at: datetime) -> datetime | None:
    """Return when a record was recorded, as this stack has it: a simulated clock stands for the broker's."""
    if clock is None:
        return None
    return clock.now if clock.simulated else recorded_at


def is_live(clock: Clock | None) -> bool:
    """Return whether people may be told of what happens now; a simulated clock has no now."""
    return clock is not None and not clock.simulated


def is_history(occurred_at: datetime, recorded: datetime | None) -> bool:
    """Return whether a fact came more than a day late; nothing does before the first tick."""
    return recorded is not None and recorded - occurred_at > HISTORY_AFTER
