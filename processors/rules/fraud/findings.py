"""What people are told of a cashier who stands out: severity by money, the patterns with their counts, and the events. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from contracts.evidence import Evidence
from contracts.money import told_money
from contracts.policies.alerting import AlertingPolicy
from contracts.policies.void_refund_fraud import VoidRefundFraudPolicy
from processors.rules.alerting import Finding, Severity
from processors.rules.feedback import FLOOR_SHARE, budget_alpha, threshold
from processors.rules.fraud.deeds import MEASURES, PATTERNS
from processors.rules.fraud.judgement import Stray
from processors.rules.rule import Policy, View

RULE = "void_refund_fraud"
BUILT_IN = Policy(0, VoidRefundFraudPolicy())
_NAMED = 100
_SMALLEST = Decimal("0.00001")
_HIGH_SHARE = 10
_TEXT = 500


@dataclass(frozen=True, slots=True)
class Span:
    """What is judged: a key, its times, the days that expectations come from, and how many decisions a day are made like it."""

    key: str
    begin: datetime
    end: datetime
    baseline: tuple[int, int]
    decisions: float
    business_date: str | None
    confirmed: bool


def policy_at(view: View, at: datetime) -> tuple[Policy, VoidRefundFraudPolicy]:
    """Return the policy in force."""
    policy = view.policy(RULE, None, at) or BUILT_IN
    assert isinstance(policy.parameters, VoidRefundFraudPolicy)
    return policy, policy.parameters


def findings(strays: Iterable[Stray], span: Span, alpha: Decimal, view: View) -> Iterator[Finding]:
    """Yield what is to be told of those who are unlikely enough, each by the threshold that people's answers have left."""
    policy, parameters = policy_at(view, span.begin)
    ceiling = budget_alpha(_budget(view, span.begin), span.decisions)
    level = min(float(alpha), ceiling)
    for stray in strays:
        moved = threshold(level, view.feedback(RULE, stray.cashier, span.begin), level * FLOOR_SHARE, ceiling)
        if stray.probability <= moved and stray.surprising >= parameters.least_deeds:
            yield _finding(stray, span, policy.version, parameters, _currency(view, span.begin))


def _budget(view: View, at: datetime) -> Decimal:
    policy = view.policy("alerting", None, at)
    known = policy.parameters if policy is not None else None
    return (known if isinstance(known, AlertingPolicy) else AlertingPolicy()).false_alarms_per_100_store_days


def _currency(view: View, at: datetime) -> str | None:
    store = view.store_at(at)
    return store.currency if store is not None else None


def _finding(stray: Stray, span: Span, version: int, parameters: VoidRefundFraudPolicy, currency: str | None) -> Finding:
    named = [MEASURES[measure] for measure in stray.measures]
    observed = f"{_counted(stray)} in {stray.receipts} receipts; {_patterns(stray, currency)}"[:_TEXT]
    evidence = Evidence(
        observed=observed,
        expected=", ".join(f"{stray.expected[measure]:g} {MEASURES[measure]}" for measure in stray.measures),
        probability=max(_SMALLEST, Decimal(f"{stray.probability:.5f}")),
        baseline_window="/".join(date.fromordinal(day).isoformat() for day in span.baseline),
        event_ids=_events(stray),
    )
    severity = _severity(stray, parameters)
    return Finding(
        key=span.key,
        subject=stray.cashier,
        window_start=span.begin,
        window_end=span.end,
        severity=severity,
        stage="confirmed" if span.confirmed else "provisional",
        summary=f"{stray.cashier}: {', '.join(named)} far above what is usual in the store ({told_money(stray.at_risk, currency)} at risk)",
        evidence=evidence,
        policy_version=version,
        news=f"{observed}|{evidence.expected}|{stray.probability:.3e}|{evidence.event_ids}" if span.confirmed else "|".join(named),
        business_date=span.business_date,
    )


def _severity(stray: Stray, parameters: VoidRefundFraudPolicy) -> Severity:
    grave = parameters.high_amount if parameters.high_amount is not None else stray.taken // _HIGH_SHARE
    if stray.at_risk == 0:
        return "low"
    return "high" if stray.at_risk >= max(grave, 1) else "medium"


def _counted(stray: Stray) -> str:
    return ", ".join(f"{MEASURES[measure]} × {stray.counts[measure]}" for measure in stray.measures)


def _patterns(stray: Stray, currency: str | None) -> str:
    """Name each pattern with how often it is there and for how much."""
    told = []
    for number, name in enumerate(PATTERNS):
        marked = [deed for deed in stray.deeds if deed.patterns & 1 << number]
        if marked:
            told.append(f"{name} × {len(marked)} ({told_money(sum(deed.amount for deed in marked), currency)})")
    return "; ".join(told) or "no named pattern"


def _events(stray: Stray) -> tuple[UUID, ...]:
    """Return the deeds that are surprising, then the others, a hundred at most."""
    ordered = sorted(stray.deeds, key=lambda deed: (deed.measure not in stray.measures, deed.at, deed.event))
    return tuple(UUID(bytes=deed.event) for deed in ordered[:_NAMED])
