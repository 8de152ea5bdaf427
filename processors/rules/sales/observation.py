"""What one day of a store amounts to, hour by hour, as it is told to the chain; figures are rounded to what they can say."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import numpy as np

from contracts.events.observations import SalesObserved
from contracts.policies.sales_deviation import SalesDeviationPolicy
from processors.rules.rule import Policy, moment_of
from processors.rules.sales.baseline import Baseline, Floats, Integers, elapsed, expected_amount, levels, residual
from processors.rules.sales.hours import Slot, StoreTime

RULE_VERSION = 1
_HIGH_SHARE = Decimal("0.4")
_FARTHEST = 999.0


@dataclass(frozen=True)
class Day:
    """A business date of a store, and all that its observations say."""

    number: int
    time: StoreTime
    expected: Baseline
    net: Integers
    receipts: Integers
    policy: Policy
    false_alarm_rate: Decimal
    currency: str | None
    promoted: bool

    @cached_property
    def elapsed(self) -> Floats:
        """Share of the day's receipts that usually have come by the end of each hour."""
        return elapsed(self.expected)

    @cached_property
    def _residual(self) -> Floats:
        return np.clip(residual(self.expected, levels(self.net, self.receipts)), -_FARTHEST, _FARTHEST)

    @cached_property
    def _amount(self) -> Floats:
        return expected_amount(self.expected)

    @cached_property
    def _sums(self) -> tuple[Integers, Integers]:
        return np.cumsum(self.net), np.maximum(np.cumsum(self.receipts), 0)

    def is_worth_saying(self, hour: int) -> bool:
        """Return whether the hour can say anything: enough was to be expected, and the shop is usually open or sold something."""
        if self.elapsed[hour] <= 0:
            return False
        passed = self.elapsed[hour] - (self.elapsed[hour - 1] if hour else 0.0)
        return bool(hour == len(self.net) - 1 or passed > 0 or self.receipts[hour] != 0)

    def observed(self, hour: int, silent: bool, drop_trust: Decimal, spike_trust: Decimal) -> SalesObserved:
        """Say what was sold until the end of an hour; the revision is given later."""
        parameters = self.policy.parameters
        assert isinstance(parameters, SalesDeviationPolicy)
        expected = _three_digits(float(self._amount[hour]))
        share = int(expected * parameters.minimum_share)
        return SalesObserved(
            business_date=date.fromordinal(self.number),
            hour=hour,
            hour_end=moment_of(self.time.end_of(Slot(self.number, hour))),
            day_begin=moment_of(self.time.begin_of(self.number)),
            day_end=moment_of(self.time.begin_of(self.number + 1)),
            revision=1,
            currency=self.currency,
            actual=int(self._sums[0][hour]),
            expected=expected,
            receipts=int(self._sums[1][hour]),
            expected_receipts=_three_digits(float(np.expm1(self.expected.centre[1, hour]))),
            residual=_decimal(float(self._residual[hour]), 2),
            spread=_decimal(float(self.expected.spread[hour]), 3),
            elapsed=_decimal(float(self.elapsed[hour]), 2),
            like_days=self.expected.like_days,
            promoted=self.promoted,
            silent=silent,
            false_discovery_rate=parameters.false_discovery_rate,
            false_alarm_rate=self.false_alarm_rate,
            least_deviation=max(parameters.minimum_impact, share),
            high_deviation=int(expected * _HIGH_SHARE) if parameters.high_impact is None else parameters.high_impact,
            drop_trust=drop_trust,
            spike_trust=spike_trust,
            policy_version=self.policy.version,
            rule_version=RULE_VERSION,
        )


def _decimal(value: float, places: int) -> Decimal:
    """Round to decimal places; a negative zero is a zero, so that it is written in one way."""
    return Decimal(f"{value:.{places}f}") + 0


def _three_digits(value: float) -> int:
    return round(float(f"{max(value, 0.0):.3g}"))
