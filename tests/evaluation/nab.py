"""The generic detector on the Numenta Anomaly Benchmark: its labelled windows, its scoring, thresholds set on one half of the series.

The detector is the one of sales with nothing of sales in it: the centre of the same time of day on earlier days, a pooled spread
of the deviations, one alert a day. Lavin and Ahmad 2015 describe the scoring: an early detection in a window counts most, a
second one nothing; one outside costs, the less the closer it is behind a window, and so does a missed window: how much is a matter
of the profile. That this is the benchmark's own scoring is shown by one of its detectors, which gets here what is published of it.
"""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from processors.rules.sales.baseline import Floats, Integers, centre_of, deviation
from tests.benchmarks.results import Metric
from tests.evaluation.chains import data_file

_LIKE_DAYS = 8
_PROBATION_SHARE, _PROBATION_MOST = 0.15, 750
_DAY = timedelta(days=1)
_LIMITS = np.geomspace(1.5, 200, 60)
_LIMITS_WITHOUT_PAUSE = np.geomspace(1.5, 1e6, 120)


@dataclass(frozen=True)
class Profile:
    """What a false detection and a missed window cost, and what is published of the windowed Gaussian detector."""

    name: str
    false_cost: float
    missed_cost: float
    gaussian: float


PROFILES = (
    Profile("standard", 0.11, 1.0, 39.6),
    Profile("reward low false positives", 0.22, 1.0, 20.9),
    Profile("reward low false negatives", 0.11, 2.0, 47.4),
)
_GAUSSIAN_WINDOW, _GAUSSIAN_STEP = 6400, 100
_GAUSSIAN_LIMITS = np.linspace(1.5, 8.2, 135)
_CERTAIN = 8.29
"""Standard deviations from which one minus the tail probability is one in floating point."""


@dataclass(frozen=True)
class Series:
    """A labelled series: values and, for each window, first and last place."""

    name: str
    values: Floats
    a_day: int
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """Return how many points at the begin are not scored."""
        return int(min(_PROBATION_SHARE * len(self.values), _PROBATION_MOST))

    @cached_property
    def worth(self) -> tuple[Integers, Floats]:
        """Return for each place its window, -1 outside, and what a detection there is worth: 1 at most, -1 at worst."""
        window, worth = np.full(len(self.values), -1), np.full(len(self.values), -1.0)
        for number, (begin, end) in enumerate(self.windows):
            behind = np.arange(end + 1, len(self.values))
            worth[behind] = _sigmoid((behind - end) / max(1, end - begin))
            inside = np.arange(begin, end + 1)
            window[inside] = number
            worth[inside] = _sigmoid(-(end - inside + 1) / (end - begin + 1)) / _sigmoid(np.array(-1.0))
        return window, worth


def _sigmoid(position: Floats) -> Floats:
    return np.asarray(np.where(position > 3.0, -1.0, 2 / (1 + np.exp(5 * np.minimum(position, 4.0))) - 1))


def read_all(folder: Path) -> list[Series]:
    """Read every series with its windows, in the order of their names."""
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text("utf-8"))
    found = []
    for name, windows in sorted(labels.items()):
        with gzip.open(folder / "data" / f"{name}.gz", "rt", encoding="utf-8", newline="") as lines:
            rows = [(datetime.fromisoformat(row["timestamp"]), float(row["value"])) for row in csv.DictReader(lines)]
        times = [at for at, _ in rows]
        step = sorted(later - at for at, later in pairwise(times))[len(times) // 2]
        places = tuple((_place(times, begin), _place(times, end)) for begin, end in windows)
        found.append(Series(name, np.array([value for _, value in rows]), max(1, round(_DAY / step)), places))
    return found


def _place(times: Sequence[datetime], text: str) -> int:
    wanted = datetime.fromisoformat(text)
    return min(range(len(times)), key=lambda place: abs(times[place] - wanted))


def scores(series: Series) -> Floats:
    """Return how far each value is from what earlier days let expect, in spreads; 0 while there are none."""
    count, a_day = len(series.values), series.a_day
    days = -(-count // a_day)
    padded = np.pad(series.values, (0, days * a_day - count), mode="edge").reshape(days, a_day)
    strays, far = np.zeros_like(padded), np.zeros_like(padded)
    for day in range(1, days):
        strays[day] = padded[day] - centre_of(padded[max(0, day - _LIKE_DAYS) : day])
        past = strays[max(1, day - _LIKE_DAYS) : day]
        spread = float(deviation(past.ravel())) if day > 1 else float(padded[0].std())
        far[day] = strays[day] / max(spread, 1e-9 + 1e-3 * float(np.abs(padded[:day]).mean()))
    return np.abs(far).ravel()[:count]


def gaussian(series: Series) -> Floats:
    """Return how many standard deviations each value is from the mean of a window, which moves in steps, as the benchmark's detector."""
    values, places = series.values, np.arange(len(series.values))
    begin = np.maximum(places - _GAUSSIAN_WINDOW, 0) // _GAUSSIAN_STEP * _GAUSSIAN_STEP
    end = np.minimum(begin + _GAUSSIAN_WINDOW, places)
    known = np.maximum(end - begin, 1)
    sums, squares = (np.concatenate(([0.0], np.cumsum((values - values.mean()) ** power))) for power in (1, 2))
    mean = (sums[end] - sums[begin]) / known
    spread = np.sqrt(np.maximum((squares[end] - squares[begin]) / known - mean**2, 0))
    far = np.abs(values - values.mean() - mean) / np.where(spread > 1e-9 * (1 + np.abs(values.mean())), spread, 1e-6)
    return np.asarray(np.where(places > 0, np.minimum(far, _CERTAIN), 0.0))


def detections(far: Floats, threshold: float, pause: int) -> Integers:
    """Return the places above the threshold, of those within a pause (1: none) the first."""
    above = np.flatnonzero(far > threshold)
    if pause == 1:
        return above
    found: list[int] = []
    for place in above.tolist():
        if not found or place - found[-1] >= pause:
            found.append(place)
    return np.array(found, np.int64)


def raw_score(series: Series, found: Integers, profile: Profile) -> float:
    """Score the detections of a series: the first of each window, and those outside."""
    window, worth = (row[found[found >= series.probation]] for row in series.worth)
    score = profile.false_cost * float(worth[window < 0].sum())
    for number in range(len(series.windows)):
        inside = worth[window == number]
        score += float(inside.max()) if len(inside) else -profile.missed_cost
    return score


@dataclass(frozen=True)
class Trial:
    """Series, how odd a detector finds each of their values, and the thresholds it may have; alerts pause for a day or not at all."""

    series: Sequence[Series]
    far: Sequence[Floats]
    limits: Floats
    pauses: bool = True

    def half(self, begin: int) -> "Trial":
        """Return every second series."""
        return Trial(self.series[begin::2], self.far[begin::2], self.limits, self.pauses)

    def score(self, limit: float, profile: Profile) -> float:
        """Return the score from 0 (silence) to 100 (each window found at its begin, nothing else)."""
        windows = sum(len(each.windows) for each in self.series)
        raw = sum(
            raw_score(each, detections(row, limit, each.a_day if self.pauses else 1), profile)
            for each, row in zip(self.series, self.far, strict=True)
        )
        return 100 * (raw + profile.missed_cost * windows) / (windows * (1 + profile.missed_cost))

    def best(self, profile: Profile) -> float:
        """Return the threshold with the best score."""
        return float(max(self.limits, key=lambda limit: self.score(float(limit), profile)))

    def published(self, profile: Profile) -> float:
        """Return the score with the threshold that is best for it, as published scores are."""
        return self.score(self.best(profile), profile)


def _trial(every: Sequence[Series], detector: Callable[[Series], Floats], limits: Floats, pauses: bool) -> Trial:
    return Trial(every, [detector(each) for each in every], limits, pauses)


def _profile(profile: Profile, ours: Trial, every_value: Trial, theirs: Trial) -> list[Metric]:
    halves = [ours.half(begin) for begin in (0, 1)]
    tested = [halves[1 - begin].score(halves[begin].best(profile), profile) for begin in (0, 1)]
    published = f"{profile.gaussian} published"
    rows = (
        ("threshold set on the other half of the series", sum(tested) / 2, None),
        ("threshold set on all series, as published scores are", ours.published(profile), None),
        ("the same without the pause of a day", every_value.published(profile), None),
        ("the benchmark's windowed Gaussian, scored here", theirs.published(profile), published),
    )
    return [Metric(f"{profile.name} profile, {title}", round(value, 1), "of 100", against) for title, value, against in rows]


def _families(ours: Trial) -> list[Metric]:
    limit, metrics = ours.half(0).best(PROFILES[0]), []
    for family in sorted({each.name.split("/")[0] for each in ours.series}):
        rows = [(each, row) for each, row in zip(ours.series, ours.far, strict=True) if each.name.startswith(family + "/") and each.windows]
        if rows:
            their = Trial([each for each, _ in rows], [row for _, row in rows], ours.limits)
            metrics.append(Metric(f"{family}, {len(rows)} series", round(their.score(limit, PROFILES[0]), 1), "of 100"))
    return metrics


def evaluate() -> list[Metric]:
    """Score on the half of the series that set no threshold, in both directions, and as the benchmark itself does."""
    folder = data_file("nab")
    if folder is None:
        print("  the Numenta Anomaly Benchmark is not here: name its folder's parent in TILLSTREAM_REAL_DATA")
        return []
    every = read_all(folder)
    ours = _trial(every, scores, _LIMITS, pauses=True)
    every_value = Trial(every, ours.far, _LIMITS_WITHOUT_PAUSE, pauses=False)
    theirs = _trial(every, gaussian, _GAUSSIAN_LIMITS, pauses=False)
    metrics = [row for profile in PROFILES for row in _profile(profile, ours, every_value, theirs)]
    metrics.append(Metric("series", len(every), "series"))
    metrics.append(Metric("labelled windows", sum(len(each.windows) for each in every), "windows"))
    return metrics + _families(ours)
