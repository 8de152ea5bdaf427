"""What levels would have done: a walk over daily demand with orders, deliveries and an empty shelf at times. Pure."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

from processors.rules.demand.protection import Levels, Terms, order_quantity


@dataclass(slots=True)
class Course:
    """How much was wanted and supplied, and the stock at the end of each day, added up."""

    demanded: float = 0.0
    supplied: float = 0.0
    held: float = 0.0
    days: int = 0

    @property
    def fill_rate(self) -> float:
        """Return the share of the units demanded that were supplied, 1 where nothing was."""
        return self.supplied / self.demanded if self.demanded else 1.0


def walk(
    daily: Sequence[float], levels_on: Callable[[int], Levels], terms: Terms, leads: Iterable[int], course: Course | None = None
) -> Course:
    """Sell each day from what is there, then order; an order arrives before the sales of its day. Begins with full shelves."""
    course = course or Course()
    waits = iter(leads)
    coming: dict[int, float] = {}
    on_hand = position = levels_on(0).up_to
    demanded, supplied, held = course.demanded, course.supplied, course.held
    for day, demand in enumerate(daily):
        if day in coming:
            on_hand += coming.pop(day)
        sold = min(on_hand, demand)
        on_hand, position = on_hand - sold, position - sold
        demanded += demand
        supplied += sold
        held += on_hand
        reached = levels_on(day)
        if position <= reached.point and (ordered := order_quantity(position, reached, terms)):
            arrives = day + max(next(waits), 1)
            coming[arrives] = coming.get(arrives, 0.0) + ordered
            position += ordered
    course.demanded, course.supplied, course.held, course.days = demanded, supplied, held, course.days + len(daily)
    return course


def achieved(daily: Sequence[float], reached: Levels, terms: Terms, lead_days: float) -> float:
    """Return the fill rate that today's levels would have had on the demand that is known.

    As `walk` has it, but for days without demand: nothing happens on them where each order brings the position above the point.
    """
    wait, coming = max(round(lead_days), 1), deque[tuple[int, float]]()
    on_hand = position = reached.up_to
    demanded = supplied = 0.0
    for day, demand in enumerate(daily):
        if position <= reached.point:
            return walk(daily, lambda _: reached, terms, repeat(wait)).fill_rate
        if demand:
            while coming and coming[0][0] <= day:
                on_hand += coming.popleft()[1]
            sold = min(on_hand, demand)
            on_hand, position = on_hand - sold, position - sold
            demanded, supplied = demanded + demand, supplied + sold
            if position <= reached.point:
                ordered = order_quantity(position, reached, terms)
                coming.append((day + wait, ordered))
                position += ordered
    return supplied / demanded if demanded else 1.0
