"""How fast a log was gone through, by the clock and by core seconds: from what was committed and when."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from statistics import median
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
    """Return how fast it went, with so many units a record, from the first commit among these points to the last but one.

    The last commit is left out: it waits for its interval when there is nothing left to do. None for who did not commit three times.
    """
    commits = [point for before, point in pairwise(points) if point.committed > before.committed]
    if len(commits) < 3:
        return None
    first, last = commits[0], commits[-2]
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


def figures(name: str, turns: Sequence[Speed], of: Sequence[Speed] = ()) -> list[Metric]:
    """Return what there is to say of a contender: its middle turn, by the clock also its worst and best one.

    Compared with the product's worker, `of`, turn by turn where both had as many, else with the worker's middle turn.
    """
    told = list[Metric]()
    for stretch, part in ((_RUSH, attrgetter("rush")), (_DAY, attrgetter("day"))):
        each, ours = ([pace for pace in map(part, speeds) if pace] for speeds in (turns, of))
        if each:
            for unit, value in (("sale lines/s", attrgetter("by_clock")), ("sale lines a core second", attrgetter("by_core"))):
                found, its = list(map(value, each)), list(map(value, ours))
                told.append(Metric(f"{name}, {stretch}", round(median(found)), unit, *_compared(found, its)))
            if len(each) > 1:
                speeds = sorted(pace.by_clock for pace in each)
                told.append(Metric(f"{name}, {stretch}: the worst of {len(each)} turns", round(speeds[0]), "sale lines/s"))
                told.append(Metric(f"{name}, {stretch}: the best of {len(each)} turns", round(speeds[-1]), "sale lines/s"))
    return told


def _compared(found: Sequence[float], ours: Sequence[float]) -> tuple[str | None, float | None]:
    if not ours:
        return None, None
    pairs = zip(found, ours, strict=True) if len(found) == len(ours) else ((each, median(ours)) for each in found)
    return "the product's worker", round(median(each / its for each, its in pairs), 2)


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
