"""Do the closings of tills agree with the receipts of their periods? Z reports against events, period by period."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.generations import serving_generation
from projections.known_facts import Counting, counting_at
from projections.read_models.till_periods.cash import MOVED, CashVerdict, DrawerCash
from projections.read_models.till_periods.verdict import (
    FIGURES,
    FigureDifference,
    Totals,
    Verdict,
    differences,
    receipts_missing,
    totals_of,
)

_SCANNED_PERIODS: Final = 200

_PERIODS: Final = """
    WITH asked AS MATERIALIZED (
        SELECT store_id, till_id, period_id, business_date FROM read_g{generation}.till_periods
        WHERE store_id = ANY (CAST(:stores AS text[])) AND business_date BETWEEN :date_from AND :date_until
          AND (CAST(:after_store AS text) IS NULL
               OR (store_id, business_date, till_id, period_id) > (:after_store, CAST(:after_day AS date), :after_till, :after_period))
        ORDER BY store_id, business_date, till_id, period_id LIMIT :scanned
    ), closing AS MATERIALIZED (
        SELECT DISTINCT ON (store_id, till_id, period_id) store_id, till_id, period_id, c.opened_at, c.closed_at, c.report
        FROM asked JOIN read_g{generation}.till_closings c USING (store_id, till_id, period_id)
        WHERE {of_c} ORDER BY store_id, till_id, period_id, c.position, c.event_id
    ), opening AS MATERIALIZED (
        SELECT DISTINCT ON (store_id, till_id, period_id) store_id, till_id, period_id, o.opened_at, o.float_amount
        FROM asked JOIN read_g{generation}.till_openings o USING (store_id, till_id, period_id)
        WHERE {of_o} ORDER BY store_id, till_id, period_id, o.opened_at, o.event_id
    ), belonging AS MATERIALIZED (
        SELECT e.*, e.period_id AS of_period
        FROM asked JOIN read_g{generation}.till_entries e USING (store_id, till_id, period_id) WHERE {of_e}
        UNION ALL
        SELECT e.*, c.period_id
        FROM closing c JOIN read_g{generation}.till_entries e ON e.store_id = c.store_id AND e.till_id = c.till_id
            AND e.period_id IS NULL AND e.occurred_at BETWEEN c.opened_at AND c.closed_at
        WHERE {of_e} AND NOT EXISTS (
            SELECT FROM read_g{generation}.till_closings o
            WHERE {of_o} AND o.store_id = e.store_id AND o.till_id = e.till_id AND e.occurred_at BETWEEN o.opened_at AND o.closed_at
              AND o.period_id <> c.period_id AND (o.opened_at, o.closed_at, o.period_id) < (c.opened_at, c.closed_at, c.period_id))
    ), sums AS MATERIALIZED (
        SELECT store_id, till_id, of_period AS period_id, count(*) AS entries,
               count(*) FILTER (WHERE kind = 'sale') AS sales_count, count(*) FILTER (WHERE kind = 'return') AS returns_count,
               count(*) FILTER (WHERE kind = 'void') AS voids_count, count(*) FILTER (WHERE kind = 'no_sale') AS no_sales_count,
               sum(gross) AS gross, sum(discounts) AS discounts, sum(returns) AS returns, sum(voids) AS voids,
               sum(tax) AS tax, sum(tips) AS tips,
               coalesce(sum(moved) FILTER (WHERE kind = 'paid_in'), 0) AS paid_in,
               coalesce(sum(moved) FILTER (WHERE kind = 'paid_out'), 0) AS paid_out,
               coalesce(sum(moved) FILTER (WHERE kind = 'bank_drop'), 0) AS bank_drops,
               count(*) FILTER (WHERE NOT is_tendered) AS untendered
        FROM belonging GROUP BY store_id, till_id, of_period
    ), paid AS MATERIALIZED (
        SELECT store_id, till_id, period_id, jsonb_object_agg(kind, jsonb_build_array(tenders, amount)) AS tenders FROM (
            SELECT b.store_id, b.till_id, b.of_period AS period_id, t.kind, sum(t.tenders) AS tenders, sum(t.amount) AS amount
            FROM belonging b JOIN read_g{generation}.till_tenders t USING (store_id, event_id)
            GROUP BY b.store_id, b.till_id, b.of_period, t.kind
        ) of_kind GROUP BY store_id, till_id, period_id
    )
    SELECT asked.*, coalesce(closing.opened_at, opening.opened_at) AS opened_at, closing.closed_at, closing.report,
           opening.opened_at IS NOT NULL AS is_opened, opening.float_amount, {figures}, coalesce(sums.entries, 0) AS entries,
           coalesce(paid.tenders, '{{}}') AS tenders
    FROM asked LEFT JOIN closing USING (store_id, till_id, period_id) LEFT JOIN opening USING (store_id, till_id, period_id)
    LEFT JOIN sums USING (store_id, till_id, period_id) LEFT JOIN paid USING (store_id, till_id, period_id)
    ORDER BY store_id, business_date, till_id, period_id
"""
"""One statement, so that a closing and its receipts are of one moment. Each step is made once and not again for every period.

An entry that names no period belongs to the period of its till that encloses its time, the earlier one where two do.
"""


class PeriodCursor(NamedTuple):
    """The last row of a page."""

    store_id: str
    business_date: date
    till_id: str
    period_id: str


@dataclass(frozen=True, slots=True)
class PeriodsAsked:
    """Stores, business dates (both inclusive) on which periods began, and the verdicts wanted; None for any.

    `known_at` None means all that is known; the business date of a period is that of now all the same.
    """

    store_ids: tuple[str, ...]
    date_from: date
    date_until: date
    verdict: Verdict | None = None
    cash: CashVerdict | None = None
    known_at: datetime | None = None

    def includes(self, period: "TillPeriod") -> bool:
        """Tell whether the verdicts of a period are those wanted."""
        return self.verdict in {None, period.verdict} and self.cash in {None, period.cash.verdict}


@dataclass(frozen=True, slots=True)
class TillPeriod:
    """A period of a till. `report` is the closing as the till sent it, None while the period is open."""

    store_id: str
    till_id: str
    period_id: str
    business_date: date
    opened_at: datetime | None
    closed_at: datetime | None
    report: Mapping[str, Any] | None
    counted: Totals
    cash: DrawerCash

    @property
    def reported(self) -> Totals | None:
        """The figures of the closing."""
        return None if self.report is None else totals_of(self.report)

    @property
    def differences(self) -> list[FigureDifference]:
        """The figures of the closing that are not those of the events."""
        return [] if self.reported is None else [*differences(self.reported, self.counted), *self.cash.differences]

    @property
    def receipts_missing(self) -> int:
        """How many receipts the till counted that have not come."""
        return 0 if self.reported is None else receipts_missing(self.reported, self.counted)

    @property
    def verdict(self) -> Verdict:
        """Whether both agree."""
        if self.report is None:
            return "open"
        return "differs" if self.differences else "matches"

    @property
    def cursor(self) -> PeriodCursor:
        """Where the next page begins."""
        return PeriodCursor(self.store_id, self.business_date, self.till_id, self.period_id)


async def read_till_periods(
    engine: AsyncEngine, asked: PeriodsAsked, cursor: PeriodCursor | None = None, limit: int = 100
) -> list[TillPeriod]:
    """Return a page of periods, by store, business date, till and period; one of which nothing counts any more is left out."""
    found: list[TillPeriod] = []
    async with engine.connect() as conn:
        generation = await serving_generation(conn, "till_periods")
        counting = await counting_at(conn, f"read_g{generation}.till_period_events", asked.store_ids, asked.known_at)
        size = limit if (asked.verdict, asked.cash) == (None, None) else max(limit, _SCANNED_PERIODS)
        while len(found) < limit:
            rows = await _scan(conn, generation, counting, asked, cursor, size)
            periods = [_period(row) for row in rows if row["report"] is not None or row["is_opened"] or row["entries"]]
            found += [period for period in periods if asked.includes(period)]
            if len(rows) < size:
                break
            last = rows[-1]
            cursor = PeriodCursor(last["store_id"], last["business_date"], last["till_id"], last["period_id"])
    return found[:limit]


async def _scan(
    conn: AsyncConnection, generation: int, counting: Counting, asked: PeriodsAsked, cursor: PeriodCursor | None, size: int
) -> list[Mapping[str, Any]]:
    figures = ", ".join(f"coalesce(sums.{name}, 0) AS {name}" for name in (*FIGURES, *MOVED))
    after = cursor or (None, None, None, None)
    bound = {
        **counting.bound,
        "stores": list(asked.store_ids),
        "date_from": asked.date_from,
        "date_until": asked.date_until,
        "scanned": size,
        **dict(zip(("after_store", "after_day", "after_till", "after_period"), after, strict=True)),
    }
    conditions = {f"of_{row}": counting.of(row) for row in "coe"}
    result = await conn.execute(text(_PERIODS.format(generation=generation, figures=figures, **conditions)), bound)
    return [dict(row) for row in result.mappings()]


def _period(row: Mapping[str, Any]) -> TillPeriod:
    tenders = {kind: (int(count), int(amount)) for kind, (count, amount) in row["tenders"].items()}
    return TillPeriod(
        row["store_id"],
        row["till_id"],
        row["period_id"],
        row["business_date"],
        row["opened_at"],
        row["closed_at"],
        row["report"],
        Totals({name: int(row[name]) for name in FIGURES}, tenders),
        _cash(row, tenders.get("cash", (0, 0))[1]),
    )


def _cash(row: Mapping[str, Any], sales: int) -> DrawerCash:
    report = row["report"] or {}
    return DrawerCash(
        float_amount=row["float_amount"],
        sales=sales,
        **{name: int(row[name]) for name in MOVED},
        reported=report.get("expected_cash"),
        counted=report.get("counted_cash"),
    )
