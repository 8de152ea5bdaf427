"""The check of tenders: what was paid on each receipt against what was due, and the payments of a day as both stores have them."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from contracts.events.registry import SALE_RETURNED, SALE_VOIDED
from contracts.money import told_money
from contracts.policies.reconciliation import ReconciliationPolicy
from projections.read_models.tenders_by_day.reader import read_tenders
from projections.reconcile.business.days import Span, spans_of
from projections.reconcile.business.reading import generation_of, lasting, postgres_rows
from projections.reconcile.business.stores import stores_of
from projections.reconcile.business.tolerances import read_tolerances
from projections.reconcile.checks import CheckOutcome, Connections, Finding, Scope, Tally
from projections.sale_facts import COUNTING, FactsAsked, counting

NAME: Final = "tenders"
_PAGE: Final = 5_000
_TIPS: Final = "tips"

_RECEIPTS: Final = f"""
    SELECT r.business_date, toString(r.event_id), r.receipt_id, r.currency, r.due, t.paid, r.lines, t.has_cash FROM (
        SELECT business_date, event_id, any(receipt_id) AS receipt_id, any(currency) AS currency, toInt64(count()) AS lines,
               sum((gross - discount + tax)
                   * multiIf(event_type = '{SALE_RETURNED}', -1, (kind = 'return') = (event_type = '{SALE_VOIDED}'), 1, -1)) AS due
        FROM {{lines:Identifier}} FINAL
        WHERE {COUNTING} AND phase != 'before_completion' AND tender_count > 0 GROUP BY business_date, event_id
    ) AS r LEFT JOIN (
        SELECT business_date, event_id, sum(direction * (amount - change - tip)) AS paid, countIf(kind = 'cash') > 0 AS has_cash
        FROM {{tenders:Identifier}} FINAL WHERE {COUNTING} AND phase != 'before_completion' GROUP BY business_date, event_id
    ) AS t ON r.business_date = t.business_date AND r.event_id = t.event_id
    WHERE abs(r.due - t.paid) > r.lines ORDER BY r.business_date, r.event_id
"""  # noqa: S608 - literal texts
_TENDERED: Final = f"""
    SELECT uniqExact(event_id) FROM {{tenders:Identifier}} FINAL WHERE {COUNTING} AND phase != 'before_completion'
"""  # noqa: S608 - literal texts
_IN_POSTGRES: Final = f"""
    SELECT e.business_date, t.kind, CAST(sum(t.tenders) AS bigint) AS tenders, CAST(sum(t.amount) AS bigint) AS amount
    FROM read_g{{generation}}.till_entries e JOIN read_g{{generation}}.till_tenders t USING (store_id, event_id)
    WHERE e.store_id = :store AND e.business_date BETWEEN :first AND :last AND e.counts GROUP BY e.business_date, t.kind
    UNION ALL
    SELECT business_date, '{_TIPS}', 0, CAST(sum(tips) AS bigint) FROM read_g{{generation}}.till_entries
    WHERE store_id = :store AND business_date BETWEEN :first AND :last AND counts AND tips <> 0 GROUP BY business_date
"""  # noqa: S608 - literal texts

DaySums: TypeAlias = Mapping[tuple[date, str], tuple[int, int]]
"""Business date and kind to the number of tenders and their amount; tips as a kind of their own, without a number."""


class PaidReceipt(NamedTuple):
    """A receipt with its tenders, minor units: `due` by its lines, tax included; both negative where money went back."""

    business_date: date
    event_id: str
    receipt_id: str
    currency: str
    due: int
    paid: int
    lines: int
    has_cash: bool


def judge_receipt(store_id: str, receipt: PaidReceipt, policy: ReconciliationPolicy) -> Iterator[Finding]:
    """Compare what was paid with what was due; a minor unit a line is rounding, and cash is rounded to coins."""
    allowed = receipt.lines + (policy.coin(receipt.currency) if receipt.has_cash else 0)
    if abs(receipt.paid - receipt.due) <= allowed:
        return
    paid, due = (told_money(amount, receipt.currency) for amount in (receipt.paid, receipt.due))
    subject = f"receipt {receipt.receipt_id}"
    yield Finding(
        NAME,
        store_id,
        receipt.business_date,
        subject,
        f"{subject}: its tenders (less change and tips) add up to {paid}; its lines with tax ask for {due}",
        receipt.paid,
        receipt.due,
        receipt.currency,
        (receipt.event_id,),
    )


def differing(of_sales: DaySums, of_tills: DaySums) -> dict[tuple[date, str], tuple[tuple[int, int], tuple[int, int]]]:
    """Return the days and kinds of which both stores do not say the same: first `tenders_by_day`, then the till periods."""
    nothing, keys = (0, 0), of_sales.keys() | of_tills.keys()
    pairs = {key: (of_sales.get(key, nothing), of_tills.get(key, nothing)) for key in sorted(keys)}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def judge_day(store_id: str, currency: str, key: tuple[date, str], pair: tuple[tuple[int, int], tuple[int, int]]) -> Finding:
    """Name a day on which a kind of tender is not the same in both stores."""
    day, kind = key
    (sales_count, sales_amount), (tills_count, tills_amount) = pair
    text = (
        f"{kind}: tenders_by_day says {sales_count} tenders, {told_money(sales_amount, currency)};"
        f" the receipts of the tills add up to {tills_count}, {told_money(tills_amount, currency)}"
    )
    same = sales_amount == tills_amount
    observed, expected = (sales_count, tills_count) if same else (sales_amount, tills_amount)
    return Finding(NAME, store_id, day, kind, text, observed, expected, "tenders" if same else currency)


class Tenders:
    """The check `tenders`."""

    name = NAME
    title = "Tenders add up to their receipts, and a day's payments are the same in both stores"

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Compare receipt by receipt and day by day; receipts that do not say how they were paid are not compared."""
        tally = Tally()
        tolerances = await read_tolerances(connections.engine, await stores_of(connections, scope))
        for span in (await spans_of(connections, scope)).spans:
            receipts, compared = await _read_receipts(connections, span)
            tally.compared += compared
            for receipt in receipts:
                tally.add(judge_receipt(span.store.store_id, receipt, tolerances.at(span.store, receipt.business_date)))
            wrong = await lasting(partial(_look, connections, span))
            tally.add(judge_day(span.store.store_id, span.store.currency, key, pair) for key, pair in wrong.items())
        return tally.outcome(self)


async def _read_receipts(connections: Connections, span: Span) -> tuple[list[PaidReceipt], int]:
    """Return the receipts of which tenders and lines differ by more than rounding, and how many were compared."""
    client = connections.clickhouse
    bound = await counting(client, _asked(span), await generation_of(connections.engine, "sales"))
    rows = (await client.query(_RECEIPTS, parameters=bound)).result_rows
    ((compared,),) = (await client.query(_TENDERED, parameters=bound)).result_rows
    return [PaidReceipt(*row) for row in rows], int(compared)


async def _look(connections: Connections, span: Span) -> dict[tuple[date, str], tuple[tuple[int, int], tuple[int, int]]]:
    generation = await generation_of(connections.engine, "sales")
    of_sales: dict[tuple[date, str], tuple[int, int]] = {}
    for row in await read_tenders(connections.clickhouse, _asked(span), generation, limit=_PAGE):
        _add(of_sales, (row.business_date, row.kind), row.tenders, row.amount)
        if row.tips:
            _add(of_sales, (row.business_date, _TIPS), 0, row.tips)
    of_tills = {
        (row["business_date"], row["kind"]): (row["tenders"], row["amount"])
        for row in await postgres_rows(connections.engine, "till_periods", _IN_POSTGRES, span.bound)
    }
    return differing(of_sales, of_tills)


def _add(sums: dict[tuple[date, str], tuple[int, int]], key: tuple[date, str], count: int, amount: int) -> None:
    known = sums.get(key, (0, 0))
    sums[key] = (known[0] + count, known[1] + amount)


def _asked(span: Span) -> FactsAsked:
    return FactsAsked((span.store.store_id,), span.first, span.last)
