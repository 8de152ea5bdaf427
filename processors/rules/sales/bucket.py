"""What the stores of a chain observed until the end of the same hour of the same business date, and what that says of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import numpy as np

from contracts.envelope import Event
from contracts.events.observations import SalesObserved
from processors.rules.rule import Entity, Kind, State, microseconds
from processors.rules.sales import comparison
from processors.rules.sales.baseline import Floats

_DAYS = 64
"""Business dates whose buckets are kept, in turn under the same keys."""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """The newest observation of one store. Times are Unix microseconds, money minor units."""

    store: str
    revision: int
    event: bytes
    hour_end: int
    day_begin: int
    day_end: int
    actual: int
    expected: int
    residual: float
    spread: float
    elapsed: float
    like_days: int
    silent: bool
    rate: float
    alone: float
    least: int
    high: int
    drop_trust: float
    spike_trust: float
    currency: str | None
    policy_version: int

    @property
    def event_id(self) -> UUID:
        """The observation's event."""
        return UUID(bytes=self.event)


class Bucket(State, frozen=True, array_like=True):
    """The observations of an hour of a business date (by its ordinal), by store."""

    day: int
    rows: tuple[Row, ...] = ()

    @property
    def ends_at(self) -> int:
        """Return when the hour has ended in every store, in whatever zone."""
        return max((row.hour_end for row in self.rows), default=0)


BUCKET = Kind("sales_bucket", Bucket, 1, 1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one store compares in a bucket: score and probability of a drop, expected sales as the chain goes, and what is reported."""

    row: Row
    score: float
    low: float
    fair: float
    common: float
    is_drop: bool
    is_spike: bool


def bucket_at(day: int, hour: int) -> Entity:
    """Return where the observations of an hour are held."""
    return Entity(BUCKET, f"{day % _DAYS:02}/{hour:02}")


def with_observation(known: State | None, event: Event[Any]) -> Bucket:
    """Take an observation, unless a newer revision or a later business date is there already."""
    content: SalesObserved = event.data
    day = content.business_date.toordinal()
    bucket = known if isinstance(known, Bucket) and known.day >= day else Bucket(day)
    others = tuple(row for row in bucket.rows if row.store != event.store_id)
    before = next((row for row in bucket.rows if row.store == event.store_id), None)
    if bucket.day > day or (before is not None and before.revision >= content.revision):
        return bucket
    return Bucket(day, tuple(sorted((*others, _row(event)), key=lambda row: row.store)))


def _row(event: Event[Any]) -> Row:
    content: SalesObserved = event.data
    return Row(
        event.store_id,
        content.revision,
        event.id.bytes,
        microseconds(content.hour_end),
        microseconds(content.day_begin),
        microseconds(content.day_end),
        content.actual,
        content.expected,
        float(content.residual),
        float(content.spread),
        float(content.elapsed),
        content.like_days,
        content.silent,
        float(content.false_discovery_rate),
        float(content.false_alarm_rate),
        content.least_deviation,
        content.high_deviation,
        float(content.drop_trust),
        float(content.spike_trust),
        content.currency,
        content.policy_version,
    )


def _column(rows: tuple[Row, ...], name: str) -> Floats:
    return np.array([getattr(row, name) for row in rows], np.float64)


def _speaking(bucket: Bucket) -> tuple[Row, ...]:
    """Return the stores whose tills are not silent; the others neither alarm nor say what the chain does."""
    return tuple(row for row in bucket.rows if not row.silent)


def scatter(bucket: Bucket) -> comparison.Scatter:
    """Return how far the stores of a bucket stray from each other."""
    rows = _speaking(bucket)
    return comparison.scatter(_column(rows, "residual"), _column(rows, "spread"), np.ones(len(rows), np.bool_))


def verdicts(bucket: Bucket, before: Iterable[comparison.Scatter] = ()) -> dict[str, Verdict]:
    """Compare the stores of a bucket, by how far stores strayed at the same hour of the days before as well."""
    rows = _speaking(bucket)
    if not rows:
        return {}
    elapsed = _column(rows, "elapsed")
    compared = comparison.scores(_column(rows, "residual"), _column(rows, "spread"), np.ones(len(rows), np.bool_), before)
    low = comparison.low_tail(compared.score, elapsed)
    fair = _column(rows, "expected") * np.exp(compared.common)
    rate, alone = (float(_column(rows, name).min()) for name in ("rate", "alone"))
    drops = comparison.discoveries(low.tolist(), _column(rows, "drop_trust").tolist(), rate, alone)
    spikes = comparison.discoveries((1 - low).tolist(), _column(rows, "spike_trust").tolist(), rate, alone)
    away = fair - _column(rows, "actual")
    return {
        row.store: Verdict(
            row,
            float(compared.score[number] * elapsed[number] ** 0.5),
            float(low[number]),
            float(fair[number]),
            float(compared.common[number]),
            drops[number] and away[number] >= row.least,
            spikes[number] and -away[number] >= row.least,
        )
        for number, row in enumerate(rows)
    }
