"""How fast a log was gone through, by the clock and by core seconds: from what was committed and when."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.results import Metric


class Point(NamedTuple):
    """How many records were committed at a time, and the core seconds that the process had taken until then."""

    at: float
    core: float
    committed: int


class Pace(NamedTuple):
    """Units a second of the clock, and a second of one core."""

    by_clock: float
    by_core: float


def pace(points: Sequence[Point], units: int = 1) -> Pace | None:
    """Return how fast it went, with so many units a record, from the first commit among these points to the last.

    None for who did not commit twice.
    """
    commits = [point for before, point in pairwise(points) if point.committed > before.committed]
    if len(commits) < 2:
        return None
    first, last = commits[0], commits[-1]
    done = units * (last.committed - first.committed)
    return Pace(done / (last.at - first.at), done / (last.core - first.core))


_RUSH, _DAY = "ticks as they are live", "a tick per three receipts of a store"


@dataclass(frozen=True, slots=True)
class Speed:
    """Sale lines a second of a contender on the day and, where it came so far, in the rush; all but a few of the records are receipts."""

    day: Pace
    rush: Pace | None

    def __str__(self) -> str:
        """Say it in a line."""
        found = {_DAY: self.day, _RUSH: self.rush}
        told = (f"{each.by_clock:,.0f} lines/s, {each.by_core:,.0f} a core second ({name})" for name, each in found.items() if each)
        return "; ".join(told)


def figures(name: str, found: Speed, of: Speed | None = None) -> list[Metric]:
    """Return what there is to say of a contender, compared with the product's worker where that is another one."""
    told = list[Metric]()
    for stretch, each, ours in ((_RUSH, found.rush, of and of.rush), (_DAY, found.day, of and of.day)):
        if each is not None:
            for unit, value, its in (
                ("sale lines/s", each.by_clock, ours and ours.by_clock),
                ("sale lines a core second", each.by_core, ours and ours.by_core),
            ):
                against = ("the product's worker", round(value / its, 2)) if its else (None, None)
                told.append(Metric(f"{name}, {stretch}", round(value), unit, *against))
    return told


class CoreTime:
    """The core seconds of a process and of those that it started."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def read(self) -> float:
        """Return what they have taken so far; what has ended counts no more."""
        return sum(map(_seconds, [self._pid, *_children(self._pid)]))


def _children(pid: int) -> list[int]:
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return found + [grandchild for child in found for grandchild in _children(child)]


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
