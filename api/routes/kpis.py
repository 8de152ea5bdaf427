"""Sales KPIs: net sales, transactions, average transaction value, units per transaction; by store and by time."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.answers import WaitDep, answer_of
from api.completeness import Over
from api.cursors import read_cursor, write_cursor
from api.dependencies import ResourcesDep, ScopeDep
from api.errors import ApiError
from api.finality import Finality, finality_of
from api.openapi import problem_answers
from api.parameters import EARLIEST, LATEST, CursorParameter, FromDate, KnownAt, StoresParameter, UntilDate
from api.schemas.kpis import AverageMoney, Money, SalesFigures, SalesReport, SalesRow
from api.tables import CSV_CONTENT, Format, csv_answer, wanted_format
from contracts.fields import plain
from contracts.money import to_major
from projections.read_models.sales_by_hour.reader import Cursor, SalesQuery, UnknownGrouping, read_sales
from projections.read_models.sales_by_hour.reader import SalesRow as Found

router = APIRouter(prefix="/v1/kpis", tags=["kpis"])

PROJECTION = "sales"

_AMOUNTS = ("net_sales", "gross_sales", "discounts", "returns", "voids", "service_amount")
_Grouping = Literal["store", "hour", "day", "week", "month", "channel", "promotion"]
_NOT_SPANS = {"store", "channel", "promotion"}


@router.get(
    "/sales",
    name="read_sales",
    operation_id="read_sales",
    summary="Sales KPIs",
    response_model=SalesReport,
    responses={200: {"content": CSV_CONTENT}, **problem_answers(400, 401, 403, 406, 409, 422, 503)},
)
async def read_sales_kpis(
    request: Request,
    resources: ResourcesDep,
    scope: ScopeDep,
    wait: WaitDep,
    from_date: FromDate = EARLIEST,
    until_date: UntilDate = LATEST,
    group_by: Annotated[
        tuple[_Grouping, ...], Query(max_length=4, description="'store', 'channel', 'promotion', and at most one span (repeat it).")
    ] = (),
    known_at: KnownAt = None,
    store: StoresParameter = (),
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    cursor: CursorParameter = None,
    answer_format: Annotated[Format | None, Query(alias="format", description="Overrides the Accept header.")] = None,
) -> SalesReport | Response:
    """Return sales of the stores in scope between two business dates, apart by currency, with totals per currency.

    Hours are local hours of each store; weeks begin on Monday. With `known_at`, the figures are those of the facts recorded by
    then, and so is completeness; `/v1/kpis/sales/changes` says what has changed them since. Late facts are always those of now.
    """
    chosen = wanted_format(request, answer_format)
    stores = scope.store_ids(store)
    with resources.queries:
        answer = await answer_of(resources, PROJECTION, wait, Over(scope, stores, from_date, until_date, known_at))
        query = SalesQuery(stores, from_date, until_date, group_by, limit, _after(cursor, group_by), known_at)
        finality = await finality_of(resources, query, _earlier(answer["as_of"], known_at))
        found, totals = await _read(resources, query, answer["generation"])
    next_cursor = _cursor(found[-1], group_by) if len(found) == limit else None
    rows = [_row(item, group_by, finality) for item in found]
    if chosen == "csv":
        table = csv_answer(*_table(rows), answer, next_cursor)
        table.headers.update(_finality_headers(finality))
        return table
    return SalesReport(
        **answer,
        **asdict(finality.of_answer()),
        final_until=finality.final_until,
        from_date=from_date,
        until_date=until_date,
        group_by=list(group_by),
        known_at=known_at,
        rows=rows,
        totals=[SalesFigures(**_figures(item)) for item in totals],
        next_cursor=next_cursor,
    )


def _earlier(as_of: datetime | None, known_at: datetime | None) -> datetime | None:
    return as_of if as_of is None or known_at is None else min(as_of, known_at)


async def _read(resources: Any, query: SalesQuery, generation: int) -> tuple[list[Found], list[Found]]:
    client = await resources.clickhouse()
    try:
        found = await read_sales(client, query, generation)
    except UnknownGrouping as error:
        raise ApiError("invalid_request", str(error)) from error
    everything = SalesQuery(query.store_ids, query.date_from, query.date_until, known_at=query.known_at)
    is_everything = not query.group_by and query.after is None
    return found, found if is_everything else await read_sales(client, everything, generation)


def _figures(found: Found) -> dict[str, Any]:
    amounts = (found.net, found.gross, found.discounts, found.returns, found.voids, found.service_amount)
    average = found.average_transaction_value
    return {
        "currency": found.currency,
        **{name: Money.of(minor, found.currency) for name, minor in zip(_AMOUNTS, amounts, strict=True)},
        "transactions": found.transactions,
        "units": plain(found.units),
        "average_transaction_value": None if average is None else _average(average, found.currency),
        "units_per_transaction": None if found.units_per_transaction is None else str(found.units_per_transaction),
    }


def _average(minor: Decimal, currency: str) -> AverageMoney:
    digits = to_major(1, currency)
    return AverageMoney(minor=format(minor, "f"), major=format(minor * digits, "f"))


def _row(found: Found, group_by: Sequence[str], finality: Finality) -> SalesRow:
    key: dict[str, Any] = {"store_id": found.store_id, "channel": found.channel, "promotion_id": found.promotion_id}
    if isinstance(found.bucket, datetime):
        offset = timedelta(minutes=found.utc_offset_minutes or 0) if "store" in group_by else timedelta()
        key["hour"] = found.bucket.astimezone(timezone(offset))
    else:
        key["period"] = found.bucket
    return SalesRow(**key, **_figures(found), **asdict(finality.of_row(found)))


def _finality_headers(finality: Finality) -> dict[str, str]:
    return {"X-Status": finality.of_answer().status, "X-Final-Until": str(finality.final_until or "")}


def _cursor(last: Found, group_by: Sequence[str]) -> str:
    bucket, *rest = last.key
    return write_cursor(_listing(group_by), (bucket.isoformat() if bucket else "", *(part or "" for part in rest)))


def _after(cursor: str | None, group_by: Sequence[str]) -> Cursor | None:
    key = read_cursor(_listing(group_by), cursor, 5)
    if key is None:
        return None
    bucket, store_id, channel, promotion_id, currency = key
    spans = [name for name in group_by if name not in _NOT_SPANS]
    if bool(spans) != bool(bucket) or ("store" in group_by) != bool(store_id):
        raise ApiError("invalid_cursor", "begin without a cursor")
    return (
        _bucket(bucket, spans[0]) if spans else None,
        store_id or None,
        channel if "channel" in group_by else None,
        promotion_id if "promotion" in group_by else None,
        currency,
    )


def _bucket(text: str, span: str) -> datetime | date:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError("invalid_cursor", "begin without a cursor") from error
    if not EARLIEST <= moment.date() <= LATEST or (span == "hour") != (moment.tzinfo is not None):
        raise ApiError("invalid_cursor", "begin without a cursor")
    return moment if span == "hour" else moment.date()


def _listing(group_by: Sequence[str]) -> str:
    return "sales:" + ",".join(sorted(group_by))


def _table(rows: Sequence[SalesRow]) -> tuple[list[str], list[list[object]]]:
    columns = ["store_id", "hour", "period", "channel", "promotion_id", "currency", *(f"{name}_minor" for name in _AMOUNTS), *_AMOUNTS]
    columns += ["transactions", "units", "average_transaction_value", "units_per_transaction", "status", "late_facts", "last_late_at"]
    table: list[list[object]] = []
    for row in rows:
        amounts = [getattr(row, name) for name in _AMOUNTS]
        key = [row.store_id, row.hour.isoformat() if row.hour else None, row.period, row.channel, row.promotion_id, row.currency]
        average = row.average_transaction_value.major if row.average_transaction_value else None
        figures = [row.transactions, row.units, average, row.units_per_transaction]
        figures += [row.status, row.late_facts, row.last_late_at.isoformat() if row.last_late_at else None]
        table.append([*key, *(a.minor for a in amounts), *(a.major for a in amounts), *figures])
    return columns, table
