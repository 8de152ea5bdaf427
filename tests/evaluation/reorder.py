"""How much of demand reorder points supply and how much stock they take: those of the rule beside what is usual.

Each SKU is lived through day by day with orders and deliveries. The service level of each class of demand is set on the
first half of the days after a warm-up, so that the target is reached there, and tried on the second: a year each in simulated
chains, four months each of the wholesaler. The points are those of the rule: the same functions.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from contracts.policies.reorder_point import ReorderPointPolicy
from processors.rules.demand.backtest import Course, walk
from processors.rules.demand.borrowing import borrowed
from processors.rules.demand.days import DAYS_KEPT
from processors.rules.demand.forecast import Forecast, forecast
from processors.rules.demand.plan import service_level
from processors.rules.demand.protection import Levels, levels, normal_point
from tests.benchmarks.results import Metric
from tests.evaluation.chains import data_file
from tests.evaluation.demand_series import WARM_UP, Item, simulated, wholesaler
from tests.evaluation.processes import in_processes

TARGET = 0.95
REFRESHED_DAYS = 7
YOUNG_DAYS, _YOUNG_FROM, _ALIKE = 28, (WARM_UP, WARM_UP + 60, WARM_UP + 120), 24
LADDER = (
    *(percent / 100 for percent in (*range(2, 10), *range(10, 20, 2), *range(20, 90, 5), 90, 93, 95, 97, 98)),
    *(0.985, 0.99, 0.9925, 0.995, 0.9965, 0.998, 0.999, 0.9995),
)
_HIGHER = (*LADDER, 0.99975, 0.9999, 0.99995)
_COVERS = tuple(float(days) for days in (*range(1, 15), *range(16, 40, 2), *range(40, 100, 5), *range(100, 201, 20)))
"""Days of mean demand to hold, for the policy of a fixed cover."""
_CLASSES = ("smooth", "erratic", "intermittent", "lumpy")
SHIPPED = {name: service_level(ReorderPointPolicy(), name) for name in _CLASSES}
_NEVER = Levels(float("-inf"), 0, 0, 0)
Way = Callable[[int, int, float, int], Levels]
"""What levels an item gets: its place, the day, the service level, and the weekday of the order."""


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

    def cover(self, place: int, day: int, level: float, weekday: int) -> Levels:  # noqa: ARG002 - the same on every weekday
        """Return so many days of mean demand."""
        item = self.items[place]
        rate = float(item.daily[:day].mean())
        point = np.ceil(rate * level)
        return Levels(point, point + max(item.terms.pack, np.ceil(rate)), 0, 0)

    def live(self, way: Way, place: int, first: int, last: int, level: float, course: Course) -> None:
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

    def lived(self, way: Way, first: int, last: int, level_of: dict[str, float]) -> dict[str, Course]:
        """Live through a period with every item; return what came of each class."""
        courses: dict[str, Course] = defaultdict(Course)
        for place, name in enumerate(self.classes(WARM_UP if first == WARM_UP else self.half)):
            self.live(way, place, first, last, level_of[name], courses[name])
        return courses

    def set_levels(self, way: Way) -> dict[str, float]:
        """Return for each class the level of the ladder that comes nearest to the target in the first period, by bisection.

        A class that was not there keeps the level that the policy has.
        """
        fills: dict[tuple[str, int], float] = {}
        low, high = dict.fromkeys(_CLASSES, 0), dict.fromkeys(_CLASSES, len(LADDER) - 1)
        while any(low[name] < high[name] for name in _CLASSES):
            tried = {name: (low[name] + high[name]) // 2 for name in _CLASSES}
            courses = self.lived(way, WARM_UP, self.half, {name: LADDER[rung] for name, rung in tried.items()})
            for name, rung in tried.items():
                fills[name, rung] = courses[name].fill_rate
                low[name], high[name] = (rung + 1, high[name]) if courses[name].fill_rate < TARGET else (low[name], rung)
        seen = {name: [rung for kind, rung in fills if kind == name] for name in _CLASSES}
        nearest = {name: min((abs(fills[name, rung] - TARGET), rung) for rung in rungs)[1] for name, rungs in seen.items()}
        there = set(self.classes(WARM_UP))
        return SHIPPED | {name: LADDER[rung] for name, rung in nearest.items() if name in there}

    def least(self, way: Way, ladder: Sequence[float], fill_rate: float) -> Course:
        """Return what comes of the lowest rung that supplies so much of the second period, by bisection; of the highest if none does."""
        low, high, courses = 0, len(ladder) - 1, dict[int, Course]()
        while low <= high:
            rung = (low + high) // 2
            courses[rung] = whole(self.lived(way, self.half, len(self.items[0].daily), dict.fromkeys(_CLASSES, ladder[rung])))
            low, high = (rung + 1, high) if courses[rung].fill_rate < fill_rate else (low, rung - 1)
        return courses[min(low, len(ladder) - 1)]


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
    set_levels, nominal = trial.set_levels(trial.rule), dict.fromkeys(_CLASSES, TARGET)
    ours = trial.lived(trial.rule, trial.half, len(trial.items[0].daily), set_levels)
    metrics = [Metric(f"{name}: level for {kind} demand", set_levels[kind], "of 1") for kind, row in sorted(ours.items()) if row.demanded]
    metrics += _figures(f"{name}: rule, levels set on the first period", whole(ours))
    for kind, course in sorted(ours.items()):
        if course.demanded:
            metrics.append(Metric(f"{name}: rule, {kind}: fill rate", round(100 * course.fill_rate, 1), "%"))
    for title, way, level_of in (
        ("rule as shipped", trial.rule, SHIPPED),
        ("rule with a level of 0.95 for all", trial.rule, nominal),
        ("mean × lead time", trial.mean, nominal),
        ("normal formula with a level of 0.95", trial.normal, nominal),
    ):
        metrics += _figures(f"{name}: {title}", whole(trial.lived(way, trial.half, len(trial.items[0].daily), level_of)))
    return metrics + _as_good(name, trial, whole(ours)) + _young(name, trial, set_levels)


def _as_good(name: str, trial: Trial, ours: Course) -> list[Metric]:
    """Raise each usual formula, by what only the test period tells, until it supplies as much; compare the stock."""
    metrics, held = [], ours.held / ours.demanded
    for title, way, ladder in (
        ("the same distribution, moments of all days", trial.plain, _HIGHER),
        ("normal formula", trial.normal, _HIGHER),
        ("so many days of mean demand", trial.cover, _COVERS),
    ):
        course = trial.least(way, ladder, ours.fill_rate)
        theirs = course.held / course.demanded
        reached = "raised to" if course.fill_rate >= ours.fill_rate else "which reaches no more than"
        against = f"{theirs:.1f} days by {title}, {reached} {course.fill_rate:.1%}"
        metrics.append(Metric(f"{name}: rule, stock beside {title}", round(held, 1), "days of demand", against, round(held / theirs, 2)))
    return metrics


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


def judged_simulated(name: str, scale: float) -> list[Metric]:
    """Judge the points on a simulated chain."""
    return _judged(name, Trial(simulated(scale)))


def judged_wholesaler(file: Path) -> list[Metric]:
    """Judge the points on the public file."""
    return _judged("wholesaler", Trial(wholesaler(file)))


def _run(function: Callable[..., list[Metric]], *arguments: object) -> list[Metric]:
    return function(*arguments)


def evaluate() -> list[Metric]:
    """Judge the points on simulated chains, large and small, and on the public file where it is here."""
    tasks: dict[str, tuple[object, ...]] = {
        name: (judged_simulated, name, scale) for name, scale in (("simulated stores", 1.0), ("simulated small stores", 0.08))
    }
    file = data_file("online_retail.csv.gz")
    if file is None:
        print("  online_retail.csv.gz is not here: name its folder in TILLSTREAM_REAL_DATA")
    else:
        tasks["wholesaler"] = (judged_wholesaler, file)
    return [row for rows in in_processes(_run, tasks).values() for row in rows]
