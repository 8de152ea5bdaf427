"""How much of demand reorder points supply and how much stock they take: those of the rule beside what is usual.

Each SKU is lived through day by day with orders and deliveries. The service levels of the classes of demand are set on the
first half of the days after a warm-up, those that together reach the target there with the least stock, and tried on the second:
a year each in simulated chains, four months each of the wholesaler. The points are those of the rule: the same functions.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

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
_SEEDS = (7, 8, 9, 10, 11, 12)
_CONFIDENCE = 0.95
REFRESHED_DAYS = 7
YOUNG_DAYS, _YOUNG_FROM, _ALIKE = 28, (WARM_UP, WARM_UP + 60, WARM_UP + 120), 24
LADDER = (
    *(percent / 100 for percent in (2, 3, 4, 5, 6, 8, 10, 12, 16, *range(20, 60, 2), *range(60, 90, 5), 90, 93, 95, 97, 98)),
    *(0.985, 0.99, 0.9925, 0.995, 0.9965, 0.998, 0.999, 0.9995),
)
_HIGHER = (*LADDER, 0.99975, 0.9999, 0.99995)
_COVERS = tuple(float(days) for days in (*range(1, 15), *range(16, 40, 2), *range(40, 100, 5), *range(100, 201, 20)))
"""Days of mean demand to hold, for the policy of a fixed cover."""
_PRICES = np.geomspace(1e-5, 1.0, 250).tolist()
"""What a unit in stock for a day may cost, in units supplied."""
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
        """Return the level of each class that together come nearest to the target in the first period with the least stock.

        At each price of a unit in stock every class takes the level that is worth most; the price is the one that reaches the target.
        A class that was not there keeps the level that the policy has.
        """
        tried = {level: self.lived(way, WARM_UP, self.half, dict.fromkeys(_CLASSES, level)) for level in LADDER}
        there = sorted(set(self.classes(WARM_UP)))

        def at(price: float) -> dict[str, float]:
            return {name: max(LADDER, key=lambda level: tried[level][name].supplied - price * tried[level][name].held) for name in there}

        def missed(found: dict[str, float]) -> float:
            return abs(whole({name: tried[level][name] for name, level in found.items()}).fill_rate - TARGET)

        return SHIPPED | min(map(at, _PRICES), key=missed)

    def as_much(self, way: Way, ladder: Sequence[float], fill_rate: float) -> tuple[float, float]:
        """Return the share supplied in the second period and the stock for it, in days of demand, that come nearest to a share from above.

        Between two rungs, found by bisection, the stock is drawn as a line; the highest rung stands where none supplies as much.
        """
        low, high, found = 0, len(ladder) - 1, dict[int, tuple[float, float]]()
        while low <= high:
            rung = (low + high) // 2
            course = whole(self.lived(way, self.half, len(self.items[0].daily), dict.fromkeys(_CLASSES, ladder[rung])))
            found[rung] = course.fill_rate, course.held / course.demanded
            low, high = (rung + 1, high) if course.fill_rate < fill_rate else (low, rung - 1)
        if low not in found or high not in found:
            return found[low] if low in found else found[high]
        (below, less), (above, more) = found[high], found[low]
        return fill_rate, less + (more - less) * (fill_rate - below) / (above - below)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of one chain; `other` is the stock that another way `by` takes for the share that the rule supplies, or how far it gets."""

    name: str
    value: float
    places: int
    unit: str
    other: float | None = None
    by: str = ""


def whole(courses: dict[str, Course]) -> Course:
    """Add up what came of all classes."""
    total = Course()
    for course in courses.values():
        total = Course(
            total.demanded + course.demanded, total.supplied + course.supplied, total.held + course.held, total.days + course.days
        )
    return total


def _figures(name: str, course: Course) -> list[Figure]:
    return [
        Figure(f"{name}: fill rate", 100 * course.fill_rate, 1, "%"),
        Figure(f"{name}: stock held", course.held / course.demanded, 2, "days of demand"),
    ]


def judged(trial: Trial) -> list[Figure]:
    """Set the levels on the first period, try them and what is usual on the second."""
    set_levels, nominal = trial.set_levels(trial.rule), dict.fromkeys(_CLASSES, TARGET)
    ours = trial.lived(trial.rule, trial.half, len(trial.items[0].daily), set_levels)
    figures = [Figure(f"level for {kind} demand", set_levels[kind], 3, "of 1") for kind, row in sorted(ours.items()) if row.demanded]
    figures += _figures("rule, levels set on the first period", whole(ours))
    for kind, course in sorted(ours.items()):
        if course.demanded:
            figures.append(Figure(f"rule, {kind}: fill rate", 100 * course.fill_rate, 1, "%"))
    for title, way, level_of in (
        ("rule as shipped", trial.rule, SHIPPED),
        ("rule with a level of 0.95 for all", trial.rule, nominal),
        ("mean × lead time", trial.mean, nominal),
        ("normal formula with a level of 0.95", trial.normal, nominal),
    ):
        figures += _figures(title, whole(trial.lived(way, trial.half, len(trial.items[0].daily), level_of)))
    return figures + _beside(trial, whole(ours)) + _young(trial, set_levels)


def _beside(trial: Trial, ours: Course) -> list[Figure]:
    """Raise each usual formula, by what only the test period tells, until it supplies as much; compare the stock."""
    figures = []
    for title, way, ladder in (
        ("the same distribution, moments of all days", trial.plain, _HIGHER),
        ("normal formula", trial.normal, _HIGHER),
        ("so many days of mean demand", trial.cover, _COVERS),
    ):
        fill_rate, theirs = trial.as_much(way, ladder, ours.fill_rate)
        by = title if fill_rate >= ours.fill_rate else f"{title}, which reaches no more than {fill_rate:.1%}"
        figures.append(Figure(f"rule, stock beside {title}", ours.held / ours.demanded, 2, "days of demand", theirs, by))
    return figures


def _young(trial: Trial, level_of: dict[str, float]) -> list[Figure]:
    """Take each SKU for new at three times, and live through four weeks: borrowing, by its own days, or with its whole past."""
    figures = []
    for how, expected in (("borrowing", _borrowing), ("by their own days alone", _own_days), ("with their whole past", _whole_past)):
        course = Course()
        for begin in _YOUNG_FROM:
            for place in range(len(trial.items)):
                _live_young(trial, partial(expected, trial, place, begin), place, begin, level_of, course)
        figures += _figures(f"new goods, first four weeks, {how}", course)
    return figures


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


def judged_simulated(scale: float, seed: int) -> list[Figure]:
    """Judge the points on a simulated chain."""
    return judged(Trial(simulated(scale, seed=seed)))


def judged_wholesaler(file: Path) -> list[Figure]:
    """Judge the points on the public file."""
    return judged(Trial(wholesaler(file)))


def _run(function: Callable[..., list[Figure]], *arguments: object) -> list[Figure]:
    return function(*arguments)


def metrics(name: str, chains: Sequence[Sequence[Figure]]) -> list[Metric]:
    """Return the mean of each figure over the chains that have it, with the interval of a comparison's mean (Student's t)."""
    rows = defaultdict(list)
    for figure in (each for figures in chains for each in figures):
        rows[figure.name].append(figure)
    return [_mean(f"{name}: {title}", figures) for title, figures in rows.items()]


def _mean(name: str, figures: Sequence[Figure]) -> Metric:
    first, count = figures[0], len(figures)
    said = [f"mean of {count} chains"] if count > 1 else []
    value = round(float(np.mean([each.value for each in figures])), first.places)
    ratios = [each.value / each.other for each in figures if each.other is not None]
    if not ratios:
        return Metric(name, value, first.unit, said[0] if said else None)
    if count > 1:
        reach = float(stdtrit(count - 1, (1 + _CONFIDENCE) / 2) * np.std(ratios, ddof=1) / count**0.5)
        said[0] += f", ± {reach:.2f}"
    theirs = float(np.mean([each.other for each in figures if each.other is not None]))
    return Metric(name, value, first.unit, ", ".join([f"{theirs:.2f} days by {first.by}", *said]), round(float(np.mean(ratios)), 3))


def evaluate() -> list[Metric]:
    """Judge the points on simulated chains, of large and of small stores, and on the public file where it is here."""
    cases: dict[str, dict[str, tuple[object, ...]]] = {
        name: {f"{name}, chain {seed}": (judged_simulated, scale, seed) for seed in _SEEDS}
        for name, scale in (("simulated stores", 1.0), ("simulated small stores", 0.08))
    }
    file = data_file("online_retail.csv.gz")
    if file is None:
        print("  online_retail.csv.gz is not here: name its folder in TILLSTREAM_REAL_DATA")
    else:
        cases["wholesaler"] = {"wholesaler": (judged_wholesaler, file)}
    done = in_processes(_run, {task: arguments for tasks in cases.values() for task, arguments in tasks.items()})
    return [row for name, tasks in cases.items() for row in metrics(name, [done[task] for task in tasks])]
