"""The guards of the shell, each with the failure that it prevents; all on, except in tests that must see the damage."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Safeguards:
    """Which guards are on. No setting and no option of the command line reaches them."""

    guard_offsets: bool = True
    """A state that already holds an offset is not given it again: else a redelivery counts twice."""
    late_reading: bool = True
    """Sources become readable when flow resumes: else what is fetched during recovery is thrown away."""
    contiguity: bool = True
    """Offsets follow each other from the committed one: else a hole is acknowledged over."""
    highest_offset_recovery: bool = True
    """Recovery keeps the value with the highest applied offset: else a stale writer's value wins."""
    heartbeat: bool = True
    """Nothing is written when the session may have ended: else a woken worker writes behind its successor."""
    await_changelog: bool = True
    """States are acknowledged by the broker before their offsets are: else a crash loses them."""


class CrashPoints(Protocol):
    """Told where the worker is; tests kill, stop or hold it there. The product's own does nothing."""

    def reach(self, name: str) -> Awaitable[None] | None:
        """Be at a named point; an awaitable is awaited."""
        ...


POINTS = ("sources_sought", "batch_received", "derived_acknowledged", "states_written", "states_acknowledged", "before_acknowledge")
"""Every point, in the order in which a batch passes them."""


class NoCrashPoints:
    """Goes on at every point."""

    def reach(self, name: str) -> None:
        """Do nothing."""
