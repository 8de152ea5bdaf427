"""How fast a stretch of a log was gone through, by the clock and by core seconds: from what was committed and when."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.results import Metric


class Point(NamedTuple):
    """What was committed of each partition at a time, and the core seconds that the process had taken until then."""

    at: float
    core: float
    committed: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a log: where it begins and ends in each partition."""

    begins: Mapping[int, int]
    ends: Mapping[int, int]

    def holds(self, committed: Mapping[int, int]) -> bool:
        """Tell whether every partition is within."""
        return all(begin < committed.get(number, 0) <= self.ends[number] for number, begin in self.begins.items())


class Pace(NamedTuple):
    """Records a second of the clock, and a second of one core."""

    by_clock: float
    by_core: float


def pace(points: Sequence[Point], stretch: Stretch) -> Pace | None:
    """Return how fast it went while every partition was within the stretch; None where that was not seen to move on.

    The first point at which something new was committed counts, so both ends are commits.
    """
    found, before = list[Point](), -1
    for point in points:
        done = sum(point.committed.values())
        if stretch.holds(point.committed) and done > before:
            found.append(point)
            before = done
    if len(found) < 2:
        return None
    first, last = found[0], found[-1]
    records = sum(last.committed.values()) - sum(first.committed.values())
    return Pace(records / (last.at - first.at), records / (last.core - first.core))


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


def speed(points: Sequence[Point], sold: Stretch, rushed: Stretch, lines: int) -> Speed | None:
    """Return the speed of who committed this, with so many lines a record; None for who came nowhere."""
    of_day, of_rush = (
        found and Pace(lines * found.by_clock, lines * found.by_core) for found in (pace(points, sold), pace(points, rushed))
    )
    return None if of_day is None else Speed(of_day, of_rush)


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
