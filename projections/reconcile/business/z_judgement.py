"""Does a till's Z report agree with its receipts, and its drawer with both? Pure.

The till counted what it saw; the office may have corrected a receipt since. So a figure is right where it is that of the
receipts as they count now, or of the receipts as the till sent them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.money import told_money
from contracts.policies.reconciliation import ReconciliationPolicy
from projections.read_models.till_periods.cash import DrawerCash
from projections.read_models.till_periods.reader import TillPeriod
from projections.read_models.till_periods.verdict import FigureDifference, Totals
from projections.reconcile.checks import Finding

NAME: Final = "z_reports"
_MOST_EVENTS: Final = 20
_UNITS: Final = {"sales_count": "sales", "returns_count": "returns", "voids_count": "voids", "no_sales_count": "drawer openings"}


@dataclass(frozen=True, slots=True)
class AsSent:
    """A period as its till sent it, without any correction. `closings`: its counting closings, `corrected`: receipts corrected since."""

    counted: Totals
    cash: DrawerCash
    closings: tuple[str, ...]
    corrected: tuple[str, ...]


def judge_period(period: TillPeriod, sent: AsSent, policy: ReconciliationPolicy, *, is_settled: bool) -> list[Finding]:
    """Return what is wrong with a period; one of which everything has come is settled, else a late receipt may still heal it."""
    if period.report is None:
        return [_never_closed(period)] if is_settled else []
    figures = _wrong_figures(period, sent, policy)
    found = [_figures(period, sent, figures, is_provisional=not is_settled)] if figures else []
    found += _drawer(period, sent, policy, is_provisional=bool(figures) and not is_settled)
    if len(sent.closings) > 1:
        found.append(_closed_twice(period, sent))
    return found


def needs_look(period: TillPeriod, policy: ReconciliationPolicy) -> bool:
    """Tell whether a period differs at all, so that it is worth reading as its till sent it."""
    if period.report is None:
        return False
    difference = period.cash.difference
    return bool(period.differences) or period.cash.float_amount is None or abs(difference or 0) > policy.drawer(_currency(period))


def _wrong_figures(period: TillPeriod, sent: AsSent, policy: ReconciliationPolicy) -> list[FigureDifference]:
    currency = _currency(period)

    def is_wrong(difference: FigureDifference) -> bool:
        allowed = _allowed(difference.figure, policy, currency)
        as_sent = _figure_of(sent, difference.figure)
        return abs(difference.difference) > allowed and (as_sent is None or abs(difference.reported - as_sent) > allowed)

    return [difference for difference in period.differences if is_wrong(difference)]


def _allowed(figure: str, policy: ReconciliationPolicy, currency: str) -> int:
    if figure == "expected_cash":
        return policy.tender("cash", currency)
    family, _, rest = figure.partition(".")
    kind, _, what = rest.partition(".")
    return policy.tender(kind, currency) if (family, what) == ("tenders", "amount") else 0


def _figure_of(sent: AsSent, figure: str) -> int | None:
    if figure == "expected_cash":
        return sent.cash.expected
    if figure in sent.counted.figures:
        return sent.counted.figures[figure]
    _, kind, what = figure.split(".")
    count, amount = sent.counted.tenders.get(kind, (0, 0))
    return count if what == "count" else amount


def _figures(period: TillPeriod, sent: AsSent, figures: Sequence[FigureDifference], *, is_provisional: bool) -> Finding:
    first, currency = figures[0], _currency(period)
    said = "; ".join(f"{each.figure} {_written(each, each.reported, currency)}, " + _beside(each, currency) for each in figures)
    missing = f" (receipts that have not come: {period.receipts_missing})" if period.receipts_missing else ""
    return _finding(
        period,
        f"its Z report does not agree with its receipts{missing}: {said}",
        first.reported,
        first.counted,
        _unit(first.figure, currency),
        (*sent.closings, *sent.corrected),
        is_provisional=is_provisional,
    )


def _beside(each: FigureDifference, currency: str) -> str:
    return f"expected {_written(each, each.counted, currency)}"


def _drawer(period: TillPeriod, sent: AsSent, policy: ReconciliationPolicy, *, is_provisional: bool) -> Iterator[Finding]:
    cash, currency = period.cash, _currency(period)
    if cash.counted is None or cash.untendered:
        return
    if cash.expected is None:
        text = f"{told_money(cash.counted, currency)} were counted, and no opening came: nobody can say what was expected"
        yield _finding(period, text, cash.counted, None, currency, sent.closings, is_provisional=is_provisional)
        return
    differences = [view.difference for view in (cash, sent.cash) if view.difference is not None]
    if all(abs(difference) > policy.drawer(currency) for difference in differences):
        word = "over" if cash.counted > cash.expected else "short"
        text = (
            f"the drawer is {word}: {told_money(cash.counted, currency)} were counted, {told_money(cash.expected, currency)} expected"
            " (float + cash sales - refunds + paid in - paid out - brought to the bank)"
        )
        yield _finding(period, text, cash.counted, cash.expected, currency, sent.closings, is_provisional=is_provisional)


def _never_closed(period: TillPeriod) -> Finding:
    return _finding(period, "no Z report came for it; expected 1", 0, 1, "Z reports", (), is_provisional=False)


def _closed_twice(period: TillPeriod, sent: AsSent) -> Finding:
    count = len(sent.closings)
    text = f"{count} Z reports count for it; expected 1, and the first is compared"
    return _finding(period, text, count, 1, "Z reports", tuple(reversed(sent.closings)), is_provisional=False)


def _finding(
    period: TillPeriod, text: str, observed: int, expected: int | None, unit: str, events: Sequence[str], *, is_provisional: bool
) -> Finding:
    subject = f"period {period.period_id} of till {period.till_id}"
    return Finding(
        NAME,
        period.store_id,
        period.business_date,
        subject,
        f"{subject}: {text}",
        observed,
        expected,
        unit,
        tuple(events[:_MOST_EVENTS]),
        is_provisional,
    )


def _currency(period: TillPeriod) -> str:
    return str((period.report or {}).get("currency", ""))


def _unit(figure: str, currency: str) -> str:
    return "tenders" if figure.endswith(".count") else _UNITS.get(figure, currency)


def _written(each: FigureDifference, value: int, currency: str) -> str:
    return str(value) if _unit(each.figure, currency) != currency else told_money(value, currency)
