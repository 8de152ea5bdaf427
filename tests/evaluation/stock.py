"""How well the rules about stock find what is wrong with a shelf, on simulated chains whose truth is known.

The policy of each rule is chosen on one chain, by the balance of precision and recall, and judged on two others;
so is the policy as shipped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from contracts.policies.phantom_stock import PhantomStockPolicy
from contracts.policies.shrinkage import ShrinkagePolicy
from contracts.policies.stock_out_risk import StockOutRiskPolicy
from tests.benchmarks.results import Metric
from tests.evaluation.processes import in_processes
from tests.evaluation.shelves import DAYS, STORES, Alarm, Chain, chain, heard

CHOSEN_ON, JUDGED_ON = 1, (2, 3)
_CHOICES: dict[str, tuple[dict[str, Any], ...]] = {
    "stock_out_risk": tuple({"probability": each} for each in ("0.15", "0.3", "0.5")),
    "phantom_stock": tuple({"probability": each} for each in ("0.01", "0.001", "0.0001")),
    "shrinkage": tuple({"probability": each, "limit": limit} for each, limit in (("0.0001", "5"), ("0.00001", "7"), ("0.00001", "10"))),
}
_TRIES = 3
_DEFAULTS: dict[str, StockOutRiskPolicy | PhantomStockPolicy | ShrinkagePolicy] = {
    "stock_out_risk": StockOutRiskPolicy(),
    "phantom_stock": PhantomStockPolicy(),
    "shrinkage": ShrinkagePolicy(),
}
_Policies = dict[str, dict[str, Any]]
_SOLD_OUT = Decimal(1)
"""Thefts make the book a little higher than the shelf: with one unit on book the shelf is as good as empty."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Score:
    """What was right among the alerts, what of the truth was found, and how long after (before, for risks) it began, days."""

    right: int
    told: int
    found: int
    true: int
    delays: tuple[float, ...] = ()
    promised: float = 0.0

    @property
    def precision(self) -> float:
        """Share of the alerts that were right."""
        return self.right / self.told if self.told else 0.0

    @property
    def recall(self) -> float:
        """Share of the truth that was found."""
        return self.found / self.true if self.true else 0.0

    @property
    def balance(self) -> float:
        """Harmonic mean of the two."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def stock_outs(made: Chain, alarms: Sequence[Alarm]) -> Score:
    """Judge warnings: right where the shelf was sold out before goods came; found where one stood when sales emptied the book."""
    later = made.begins + 14 * _DAY
    alarms = [each for each in alarms if each.raised_at >= later]
    right = sum(_sells_out(made, each) for each in alarms)
    onsets = [(shelf, at) for shelf, rows in made.books.items() if shelf not in made.troubles for at in _onsets(rows) if at >= later]
    leads = []
    for shelf, at in onsets:
        before = [each.raised_at for each in alarms if (each.store, each.sku) == shelf and _stood(each, at)]
        leads += [(at - min(before)) / _DAY] if before else []
    promised = sum(each.probability for each in alarms) / max(1, len(alarms))
    return Score(right, len(alarms), len(leads), len(onsets), tuple(leads), promised)


def outages(made: Chain, alarms: Sequence[Alarm]) -> tuple[int, int]:
    """Count the failed deliveries that turned customers away, and those among them in which an alert was raised."""
    true = [each for each in made.outages if each[0] not in made.troubles and each[1] >= made.begins + 14 * _DAY]
    found = [
        any((alarm.store, alarm.sku) == shelf and begin - _DAY <= alarm.raised_at <= end for alarm in alarms) for shelf, begin, end in true
    ]
    return sum(found), len(found)


def _stood(alarm: Alarm, at: datetime) -> bool:
    return alarm.raised_at <= at and (alarm.closed_at is None or alarm.closed_at >= at)


def _onsets(rows: Sequence[tuple[Any, Decimal, bool]]) -> list[Any]:
    """Return when sales emptied the book."""
    return [at for (_, before, _), (at, after, counted) in pairwise(rows) if before > _SOLD_OUT >= after and not counted]


def _sells_out(made: Chain, alarm: Alarm) -> bool:
    last = max(alarm.until, alarm.closed_at or alarm.until)
    level = [book for _, book, _ in made.book_between((alarm.store, alarm.sku), made.begins - _DAY, alarm.raised_at)][-1:]
    for _, book, _ in made.book_between((alarm.store, alarm.sku), alarm.raised_at, last):
        if level and book > level[-1] + 1:
            break
        level.append(book)
    return bool(level) and min(level) <= _SOLD_OUT


def phantoms(made: Chain, alarms: Sequence[Alarm]) -> Score:
    """Judge doubts: right where the goods were gone, or the next count finds almost none of what the book says."""
    return _by_trouble(made, alarms, {"phantom"}, _was_empty)


def losses(made: Chain, alarms: Sequence[Alarm]) -> Score:
    """Judge losses: right where something was stolen."""
    return _by_trouble(made, alarms, {"theft", "slow"}, _is_phantom)


def _by_trouble(made: Chain, alarms: Sequence[Alarm], kinds: set[str], is_right: Callable[[Chain, Alarm], bool]) -> Score:
    troubles = {shelf: trouble for shelf, trouble in made.troubles.items() if trouble.kind in kinds}
    first: dict[tuple[str, str], float] = {}
    right = 0
    for alarm in sorted(alarms, key=lambda each: each.raised_at):
        shelf = alarm.store, alarm.sku
        if shelf in troubles and alarm.raised_at >= troubles[shelf].begins:
            first.setdefault(shelf, (alarm.raised_at - troubles[shelf].begins) / _DAY)
            right += 1
        else:
            right += is_right(made, alarm)
    return Score(right, len(alarms), len(first), len(troubles), tuple(first.values()))


def _is_phantom(made: Chain, alarm: Alarm) -> bool:
    """Goods that vanished are a loss too when they are counted."""
    trouble = made.troubles.get((alarm.store, alarm.sku))
    return trouble is not None and trouble.kind == "phantom" and alarm.raised_at >= trouble.begins


def _was_empty(made: Chain, alarm: Alarm) -> bool:
    before = Decimal(0)
    for at, book, counted in made.book_between((alarm.store, alarm.sku), alarm.raised_at - 28 * _DAY, made.begins + 2 * DAYS * _DAY):
        if counted and at > alarm.raised_at:
            return book <= before / 4
        before = book
    return False


_JUDGES: dict[str, Callable[[Chain, Sequence[Alarm]], Score]] = {
    "stock_out_risk": stock_outs,
    "phantom_stock": phantoms,
    "shrinkage": losses,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the rules told of a chain: the score of each, how many failed deliveries it found of how many, and the thefts by their share."""

    scores: dict[str, Score]
    outages: tuple[int, int]
    thefts: dict[float, list[bool]] = field(default_factory=dict)


def told(seed: int, policies: _Policies) -> Told:
    """Fold a chain with some policies, and judge what each rule told; without a policy a rule has its defaults."""
    made = chain(seed)
    alarms = heard(made, [{"policy": rule, **terms} for rule, terms in policies.items()])
    return Told(
        {rule: judge(made, alarms.get(rule, [])) for rule, judge in _JUDGES.items()},
        outages(made, alarms.get("stock_out_risk", [])),
        _thefts(made, alarms.get("shrinkage", [])),
    )


def _tried() -> dict[str, tuple[object, ...]]:
    """Return all policies to try, the n-th of every rule at once, beside those that are shipped."""
    tried: dict[str, tuple[object, ...]] = {
        f"choice {number + 1} on chain {CHOSEN_ON}": (CHOSEN_ON, {rule: choices[number] for rule, choices in _CHOICES.items()})
        for number in range(_TRIES)
    }
    return tried | {f"as shipped on chain {seed}": (seed, {}) for seed in JUDGED_ON}


def _best(tried: Sequence[Told]) -> _Policies:
    return {rule: max(zip(_CHOICES[rule], tried, strict=True), key=lambda each: each[1].scores[rule].balance)[0] for rule in _JUDGES}


def _together(scores: Sequence[Score]) -> Score:
    told = sum(each.told for each in scores)
    return Score(
        sum(each.right for each in scores),
        told,
        sum(each.found for each in scores),
        sum(each.true for each in scores),
        tuple(delay for each in scores for delay in each.delays),
        sum(each.promised * each.told for each in scores) / max(1, told),
    )


def evaluate() -> list[Metric]:
    """Choose on one chain, judge on the others; beside that what the defaults do there, of which nothing is chosen."""
    tried = list(in_processes(told, _tried()).values())
    policies = _best(tried[:_TRIES])
    chosen = in_processes(told, {f"as chosen on chain {seed}": (seed, policies) for seed in JUDGED_ON})
    defaults = {rule: {"probability": default.probability} for rule, default in _DEFAULTS.items()}
    return [
        *_results("", "chosen on another chain", policies, list(chosen.values())),
        *_results(" as shipped", "as shipped", defaults, tried[_TRIES:]),
    ]


def _results(how: str, source: str, policies: Mapping[str, dict[str, Any]], judged: Sequence[Told]) -> list[Metric]:
    """Say how good the rules are with some policies, and where these come from."""
    metrics = []
    for rule in _JUDGES:
        metrics.append(Metric(f"{rule}: probability of the policy, {source}", float(policies[rule]["probability"]), "of 1"))
        metrics += _figures(rule, how, _together([each.scores[rule] for each in judged]))
    found_outages, every_outage = (sum(each) for each in zip(*(each.outages for each in judged), strict=True))
    if every_outage:
        name = f"stock_out_risk{how}: failed deliveries that turned customers away, found of {every_outage}"
        metrics.append(Metric(name, round(100 * found_outages / every_outage, 1), "%"))
    for share in sorted({share for each in judged for share in each.thefts}):
        found = [was_found for each in judged for was_found in each.thefts.get(share, [])]
        name = f"thefts of {share:.0%} of what is sold" if share else "thefts of a day's sales at once"
        metrics.append(Metric(f"shrinkage{how}: {name} found", round(100 * sum(found) / len(found), 1), "%"))
    return metrics


def _thefts(made: Chain, alarms: Sequence[Alarm]) -> dict[float, list[bool]]:
    """Return by the share that was stolen (0: at once) which thefts were found."""
    thefts: dict[float, list[bool]] = {}
    alarmed = {(each.store, each.sku) for each in alarms}
    for shelf, trouble in made.troubles.items():
        if trouble.kind in {"slow", "theft"}:
            thefts.setdefault(trouble.share, []).append(shelf in alarmed)
    return thefts


def _figures(rule: str, how: str, score: Score) -> list[Metric]:
    store_days = len(JUDGED_ON) * STORES * (DAYS - (14 if rule == "stock_out_risk" else 0))
    rows = [
        Metric(f"{rule}{how}: alerts that were right", round(100 * score.precision, 1), "%"),
        Metric(f"{rule}{how}: found of {score.true}", round(100 * score.recall, 1), "%"),
        Metric(f"{rule}{how}: false alerts in 100 store-days", round(100 * (score.told - score.right) / store_days, 2), "alerts"),
    ]
    if score.delays:
        word = "warned before" if rule == "stock_out_risk" else "delay"
        rows.append(Metric(f"{rule}{how}: {word}, median", round(median(score.delays), 2), "days"))
    if score.promised and rule == "stock_out_risk":
        rows.append(Metric(f"{rule}{how}: mean probability promised", round(100 * score.promised, 1), "%"))
    return rows
