"""How much of demand reorder points supply and how much stock they take: those of the rule beside what is usual.

Each SKU is lived through day by day with orders and deliveries. The service level of each class of demand is set on the
first half of the days after a warm-up, so that the target is reached there, and tried on the second: a year each in simulated
chains, four months each of the wholesaler. The points are those of the rule: the same functions.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from processors.rules.demand.backtest import Course, walk
from processors.rules.demand.borrowing import borrowed
from processors.rules.demand.days import DAYS_KEPT
from processors.rules.demand.forecast import Forecast, forecast
from processors.rules.demand.protection import Levels, levels, normal_point
from tests.benchmarks.results import Metric
from tests.evaluation.chains import data_file
from tests.evaluation.demand_series import WARM_UP, Item, simulated, wholesaler

TARGET = 0.95
REFRESHED_DAYS = 7
YOUNG_DAYS, _YOUNG_FROM, _ALIKE = 28, (WARM_UP, WARM_UP + 60, WARM_UP + 120), 24
LADDER = (
    *(percent / 100 for percent in (*range(2, 10), *range(10, 20, 2), *range(20, 90, 5), 90, 93, 95, 97, 98)),
    *(0.985, 0.99, 0.9925, 0.995, 0.9965, 0.998, 0.999, 0.9995),
)
_NEVER = Levels(float("-inf"), 0, 0, 0)


@dataclass
class Forecasts:
    """The forecasts of one item, each made once from the days before it."""

    made: dict[int, Forecast | None] = field(default_factory=dict)

    def of(self, item: Item, day: int) -> Forecast | None:
        """Return what was to be expected on a day."""
        if day not in self.made:
            first = max(0, day - DAYS_KEPT)
            self.made[day] = forecast(item.daily[first:day], (item.first_weekday + first) % 7)
        return self.made[day]


@dataclass
class Trial:
    """Items with their forecasts, and the two periods."""

    items: Sequence[Item]
    forecasts: dict[int, Forecasts] = field(default_factory=lambda: defaultdict(Forecasts))
    neighbours: dict[int, list[int]] = field(default_factory=dict)

    @property
    def half(self) -> int:
        """Return the first day of the later period."""
        return WARM_UP + (len(self.items[0].daily) - WARM_UP) // 2

    def classes(self, until: int) -> list[str]:
        """Return the class of each item by the days before."""
        found = (self.forecasts[place].of(item, until) for place, item in enumerate(self.items))
        return [each.demand_class if each else "lumpy" for each in found]

    def alike(self, place: int) -> list[int]:
        """Return goods of the same group, drawn by chance where there are many."""
        if place not in self.neighbours:
            others = [other for other, item in enumerate(self.items) if item.group == self.items[place].group and other != place]
            self.neighbours[place] = np.random.default_rng(place).permutation(others)[:_ALIKE].tolist()
        return self.neighbours[place]

    def rule(self, place: int, day: int, level: float, weekday: int) -> Levels:
        """Return the rule's levels."""
        item = self.items[place]
        expected = self.forecasts[place].of(item, day)
        return levels(expected, item.lead, item.terms, level, weekday) if expected else Levels(0, 0, 0, 0)

    def normal(self, place: int, day: int, level: float, weekday: int) -> Levels:
        """Return the levels of the normal formula over all days so far."""
        item = self.items[place]
        past = item.daily[:day]
        known = Forecast(float(past.mean()), float(past.var()), 1, "smooth", day, day, (1.0,) * 7)
        point = np.ceil(normal_point(level, known, item.lead, item.terms.review_from(weekday)))
        return Levels(point, point + max(item.terms.pack, np.ceil(known.rate)), 0, 0)

    def plain(self, place: int, day: int, level: float, weekday: int) -> Levels:
        """Return gamma or negative binomial levels from the moments of all days so far: no memory that fades, no growth, no week."""
        item = self.items[place]
        past = item.daily[:day]
        known = Forecast(float(past.mean()), float(past.var()), 1, "smooth", day, day, (1.0,) * 7)
        return levels(known, item.lead, item.terms, level, weekday)

    def mean(self, place: int, day: int, level: float, weekday: int) -> Levels:  # noqa: ARG002 - a formula without a level
        """Return mean demand times lead time."""
        item = self.items[place]
        rate = float(item.daily[:day].mean())
        point = np.ceil(rate * item.lead.mean)
        return Levels(point, point + max(item.terms.pack, np.ceil(rate)), 0, 0)

    def live(self, way: Callable[[int, int, float, int], Levels], place: int, first: int, last: int, level: float, course: Course) -> None:
        """Live through a period with one item, its levels refreshed once a week."""
        item, known = self.items[place], {}

        def on(day: int) -> Levels:
            weekday = (item.first_weekday + first + day) % 7
            if day and weekday not in item.order_weekdays:
                return _NEVER
            at = (first + day // REFRESHED_DAYS * REFRESHED_DAYS, weekday)
            if at not in known:
                known[at] = way(place, at[0], level, weekday)
            return known[at]

        walk(item.daily[first:last].tolist(), on, item.terms, iter(item.leads[first:]), course)

    def lived(self, way: Callable[[int, int, float, int], Levels], first: int, last: int, level_of: dict[str, float]) -> dict[str, Course]:
        """Live through a period with every item; return what came of each class."""
        courses: dict[str, Course] = defaultdict(Course)
        for place, name in enumerate(self.classes(WARM_UP if first == WARM_UP else self.half)):
            self.live(way, place, first, last, level_of[name], courses[name])
        return courses

    def set_levels(self, way: Callable[[int, int, float, int], Levels]) -> dict[str, float]:
        """Return for each class the level that comes nearest to the target in the first period."""
        nearest: dict[str, tuple[float, float]] = {}
        for level in LADDER:
            courses = self.lived(way, WARM_UP, self.half, defaultdict(lambda level=level: level))
            for name, course in courses.items():
                nearest[name] = min(nearest.get(name, (1.0, level)), (abs(course.fill_rate - TARGET), level))
            if all(course.fill_rate > TARGET + 0.02 for course in courses.values()):
                break
        return defaultdict(lambda: LADDER[-1], {name: level for name, (_, level) in nearest.items()})


def whole(courses: dict[str, Course]) -> Course:
    """Add up what came of all classes."""
    total = Course()
    for course in courses.values():
        total = Course(
            total.demanded + course.demanded, total.supplied + course.supplied, total.held + course.held, total.days + course.days
        )
    return total


def _figures(name: str, course: Course) -> list[Metric]:
    return [
        Metric(f"{name}: fill rate", round(100 * course.fill_rate, 1), "%"),
        Metric(f"{name}: stock held", round(course.held / course.demanded, 1), "days of demand"),
    ]


def _judged(name: str, trial: Trial) -> list[Metric]:
    half, end = trial.half, len(trial.items[0].daily)
    set_levels = trial.set_levels(trial.rule)
    ours = trial.lived(trial.rule, half, end, set_levels)
    metrics = [Metric(f"{name}: level for {kind} demand", level, "of 1") for kind, level in sorted(set_levels.items())]
    metrics += _figures(f"{name}: rule, levels set on the first period", whole(ours))
    for kind, course in sorted(ours.items()):
        metrics.append(Metric(f"{name}: rule, {kind}: fill rate", round(100 * course.fill_rate, 1), "%"))
    nominal = defaultdict(lambda: TARGET)
    metrics += _figures(f"{name}: rule at nominal 95 %", whole(trial.lived(trial.rule, half, end, nominal)))
    metrics += _figures(f"{name}: mean × lead time", whole(trial.lived(trial.mean, half, end, nominal)))
    metrics += _figures(f"{name}: normal formula at nominal 95 %", whole(trial.lived(trial.normal, half, end, nominal)))
    return metrics + _as_good(name, trial, whole(ours)) + _young(name, trial, set_levels)


def _as_good(name: str, trial: Trial, ours: Course) -> list[Metric]:
    """Raise the same formula without the forecast, by what only the test period tells, until it supplies as much; compare the stock."""
    for level in (*LADDER, 0.99975, 0.9999, 0.99995):
        course = whole(trial.lived(trial.plain, trial.half, len(trial.items[0].daily), defaultdict(lambda level=level: level)))
        if course.fill_rate >= ours.fill_rate:
            break
    held = ours.held / ours.demanded
    against = f"moments of all days, raised to {course.fill_rate:.1%}: {course.held / course.demanded:.1f} days"
    ratio = round(held / (course.held / course.demanded), 2)
    return [Metric(f"{name}: rule, stock beside a formula that supplies as much", round(held, 1), "days of demand", against, ratio)]


def _young(name: str, trial: Trial, level_of: dict[str, float]) -> list[Metric]:
    """Take each SKU for new at three times, and live through four weeks: borrowing, by its own days, or with its whole past."""
    metrics = []
    for how, expected in (("borrowing", _borrowing), ("by their own days alone", _own_days), ("with their whole past", _whole_past)):
        course = Course()
        for begin in _YOUNG_FROM:
            for place in range(len(trial.items)):
                _live_young(trial, partial(expected, trial, place, begin), place, begin, level_of, course)
        metrics += _figures(f"{name}: new goods, first four weeks, {how}", course)
    return metrics


def _borrowing(trial: Trial, place: int, begin: int, day: int) -> Forecast | None:
    alike = (trial.forecasts[other].of(trial.items[other], day) for other in trial.alike(place))
    return borrowed(trial.items[place].daily[begin:day], [each for each in alike if each])


def _own_days(trial: Trial, place: int, begin: int, day: int) -> Forecast | None:
    return forecast(trial.items[place].daily[begin:day], (trial.items[place].first_weekday + begin) % 7)


def _whole_past(trial: Trial, place: int, begin: int, day: int) -> Forecast | None:
    return trial.forecasts[place].of(trial.items[place], day)


def _live_young(
    trial: Trial, expected: Callable[[int], Forecast | None], place: int, begin: int, level_of: dict[str, float], course: Course
) -> None:
    item = trial.items[place]

    def on(day: int) -> Levels:
        weekday = (item.first_weekday + begin + day) % 7
        known = expected(begin + day // REFRESHED_DAYS * REFRESHED_DAYS)
        if known is None or (day and weekday not in item.order_weekdays):
            return _NEVER if day else Levels(0, 0, 0, 0)
        return levels(known, item.lead, item.terms, level_of[known.demand_class], weekday)

    walk(item.daily[begin : begin + YOUNG_DAYS].tolist(), on, item.terms, iter(item.leads[begin:]), course)


def evaluate() -> list[Metric]:
    """Judge the points on simulated chains, large and small, and on the public file where it is here."""
    metrics = _judged("simulated stores", Trial(simulated(1.0))) + _judged("simulated small stores", Trial(simulated(0.08)))
    file = data_file("online_retail.csv.gz")
    if file is None:
        print("  online_retail.csv.gz is not here: name its folder in TILLSTREAM_REAL_DATA", file=sys.stderr)
        return metrics
    return metrics + _judged("wholesaler", Trial(wholesaler(file)))
