"""What is still to happen on a store's day, in order of time."""

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count

from producers.simulator.world import Happened

Action = Callable[[float], Iterable[Happened]]


class Agenda:
    """Actions by the second of the day at which they are due; an action may put others on it."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Action]] = []
        self._order = count()

    def add(self, seconds: float, action: Action) -> None:
        """Put an action on the agenda."""
        heappush(self._due, (seconds, next(self._order), action))

    def until(self, seconds: float) -> Iterator[Happened]:
        """Do everything that is due up to a moment."""
        due = self._due
        while due and due[0][0] <= seconds:
            at, _, action = heappop(due)
            yield from action(at)
