"""What is told about a store whose sales stray from what they should be: when it stands, how grave it is, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from contracts.evidence import Evidence
from contracts.money import told_money
from processors.rules.alerting import Finding, Severity
from processors.rules.rule import moment_of
from processors.rules.sales.baseline import HOURS
from processors.rules.sales.bucket import Verdict

DROP, SPIKE = "drop", "spike"
_RECOVERED = 1.0
"""Score of the other side of which a store is back to normal."""
_SMALLEST = Decimal("0.00001")


@dataclass(frozen=True, slots=True)
class Course:
    """A store's verdicts by hour; never empty."""

    verdicts: Mapping[int, Verdict]

    @property
    def last_hour(self) -> int:
        """The last hour that was decided."""
        return max(self.verdicts)

    @property
    def last(self) -> Verdict:
        """The verdict on it."""
        return self.verdicts[self.last_hour]

    def reported(self, direction: str) -> list[Verdict]:
        """Return the verdicts that report a direction."""
        return [each for _, each in sorted(self.verdicts.items()) if (each.is_drop if direction == DROP else each.is_spike)]


def finding(store: str, day: str, direction: str, course: Course) -> Finding | None:
    """Return what holds of a store until now; None where no hour reported it."""
    reported = course.reported(direction)
    if not reported:
        return None
    last, row = course.last, course.last.row
    away = (last.fair - row.actual) * (1 if direction == DROP else -1)
    severity: Severity = "high" if away >= row.high else "medium"
    is_final = course.last_hour == HOURS - 1
    evidence = _evidence(last, direction, reported)
    return Finding(
        key=f"{direction}/{day}",
        subject=store,
        window_start=moment_of(row.day_begin),
        window_end=moment_of(row.day_end),
        severity=severity,
        stage="confirmed" if is_final else "provisional",
        summary=_summary(store, day, direction, last),
        evidence=evidence,
        policy_version=row.policy_version,
        news=f"{evidence.observed}; {evidence.expected}; {evidence.probability}" if is_final else "",
        over=last.score * (1 if direction == DROP else -1) > -_RECOVERED,
        business_date=day,
        store_id=store,
    )


def _summary(store: str, day: str, direction: str, last: Verdict) -> str:
    change = last.row.actual / last.fair - 1 if last.fair >= 1 else 0.0
    return f"Sales {direction} in {store} on {day}: {change:+.0%} until {moment_of(last.row.hour_end).isoformat(timespec='minutes')}"


def _evidence(last: Verdict, direction: str, reported: list[Verdict]) -> Evidence:
    row = last.row
    actual, fair, expected = (told_money(round(amount), row.currency) for amount in (row.actual, last.fair, row.expected))
    chance = Decimal(f"{last.low if direction == DROP else 1 - last.low:.5f}")
    return Evidence(
        observed=f"net sales of {actual}",
        expected=f"{fair}: {expected} by the store's past, {last.common:+.3f} (log) in the chain",
        probability=max(chance, _SMALLEST),
        baseline_window=f"{row.like_days} like days before",
        event_ids=tuple(each.row.event_id for each in reported),
    )
