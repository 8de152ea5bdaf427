"""The generic detector on the Numenta Anomaly Benchmark: its labelled windows, its scoring, thresholds set on one half of the series.

The detector is the one of sales with nothing of sales in it: the centre of the same time of day on earlier days, a pooled spread
of the deviations, one alert a day. Lavin and Ahmad 2015 describe the scoring: an early detection in a window counts most, a
second one nothing; one outside costs 0.11, and nearly so much less as it is close behind a window; a missed window costs 1.
"""

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from processors.rules.sales.baseline import Floats, Integers, centre_of, deviation
from tests.benchmarks.results import Metric
from tests.evaluation.chains import data_file

_LIKE_DAYS = 8
_FALSE_COST = 0.11
_PROBATION_SHARE, _PROBATION_MOST = 0.15, 750
_DAY = timedelta(days=1)


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


def detections(far: Floats, threshold: float, a_day: int) -> Integers:
    """Return the places above the threshold, one alert a day."""
    found: list[int] = []
    for place in np.flatnonzero(far > threshold):
        if not found or place - found[-1] >= a_day:
            found.append(int(place))
    return np.array(found, np.int64)


def _sigmoid(position: float) -> float:
    return -1.0 if position > 3.0 else 2 / (1 + float(np.exp(5 * position))) - 1


def raw_score(series: Series, found: Integers) -> float:
    """Score the detections of a series by the benchmark's standard profile."""
    score, hit = 0.0, set[int]()
    for place in found[found >= series.probation]:
        inside = next((number for number, (begin, end) in enumerate(series.windows) if begin <= place <= end), None)
        if inside is None:
            before = [(begin, end) for begin, end in series.windows if end < place]
            score += _FALSE_COST * (_sigmoid((place - before[-1][1]) / max(1, before[-1][1] - before[-1][0])) if before else -1.0)
        elif inside not in hit:
            begin, end = series.windows[inside]
            hit.add(inside)
            score += _sigmoid(-(end - place + 1) / (end - begin + 1)) / _sigmoid(-1.0)
    return score - (len(series.windows) - len(hit))


def normalised(every: Sequence[Series], far: Sequence[Floats], threshold: float) -> float:
    """Return the score from 0 (silence) to 100 (each window found at its begin, nothing else)."""
    windows = sum(len(each.windows) for each in every)
    raw = sum(raw_score(each, detections(row, threshold, each.a_day)) for each, row in zip(every, far, strict=True))
    return 100 * (raw + windows) / (2 * windows)


def best_threshold(every: Sequence[Series], far: Sequence[Floats]) -> float:
    """Return the threshold with the best score."""
    return float(max(np.geomspace(1.5, 200, 60), key=lambda limit: normalised(every, far, float(limit))))


def evaluate() -> list[Metric]:
    """Score on the half of the series that set no threshold, in both directions, and as the benchmark itself does."""
    folder = data_file("nab")
    if folder is None:
        print("  the Numenta Anomaly Benchmark is not here: name its folder's parent in TILLSTREAM_REAL_DATA")
        return []
    every = read_all(folder)
    far = [scores(each) for each in every]
    halves = [(every[begin::2], far[begin::2]) for begin in (0, 1)]
    tested = [normalised(*halves[1 - begin], best_threshold(*halves[begin])) for begin in (0, 1)]
    published = normalised(every, far, best_threshold(every, far))
    metrics = [
        Metric("standard profile, threshold set on the other half of the series", round(sum(tested) / 2, 1), "of 100"),
        Metric(
            "standard profile, threshold set on all series, as published scores are",
            round(published, 1),
            "of 100",
        ),
        Metric("series", len(every), "series"),
        Metric("labelled windows", sum(len(each.windows) for each in every), "windows"),
    ]
    limit = best_threshold(*halves[0])
    for family in sorted({each.name.split("/")[0] for each in every}):
        rows = [(each, row) for each, row in zip(every, far, strict=True) if each.name.startswith(family + "/") and each.windows]
        if rows:
            series, their = [each for each, _ in rows], [row for _, row in rows]
            metrics.append(Metric(f"{family}, {len(rows)} series", round(normalised(series, their, limit), 1), "of 100"))
    return metrics
