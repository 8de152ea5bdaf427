"""What levels would have done: a walk over daily demand with orders, deliveries and an empty shelf at times. Pure."""

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
    for day, demand in enumerate(daily):
        on_hand += coming.pop(day, 0.0)
        sold = min(on_hand, demand)
        on_hand, position = on_hand - sold, position - sold
        course.demanded += demand
        course.supplied += sold
        course.held += on_hand
        course.days += 1
        ordered = order_quantity(position, levels_on(day), terms)
        if ordered:
            arrives = day + max(next(waits), 1)
            coming[arrives] = coming.get(arrives, 0.0) + ordered
            position += ordered
    return course


def achieved(daily: Sequence[float], reached: Levels, terms: Terms, lead_days: float) -> float:
    """Return the fill rate that today's levels would have had on the demand that is known."""
    return walk(daily, lambda _: reached, terms, repeat(round(lead_days))).fill_rate
