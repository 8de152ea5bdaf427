"""The mapping as it is written by hand: `json.loads`, and a row for each line and tender; nothing is validated."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from contracts.codec import content_hash
from contracts.records import Headers

LINES_TABLE, TENDERS_TABLE = "sales_lines_g1", "receipt_tenders_g1"
_TOP = 2**63


class Rows(NamedTuple):
    """Rows of both tables, in the order of their columns."""

    lines: list[tuple[Any, ...]]
    tenders: list[tuple[Any, ...]]


def append_rows(rows: Rows, partition: int, offset: int, timestamp: int, value: bytes, headers: Headers) -> None:
    """Map one completed sale; `timestamp` is the broker's, in Unix milliseconds."""
    told, said = dict(headers), json.loads(value)
    occurred_at = datetime.fromisoformat(told["ce_time"].decode())
    lines, tenders = said["lines"], said.get("tenders", ())
    head = (told["ce_storeid"].decode(), date.fromisoformat(told["ce_businessdate"].decode()), UUID(told["ce_id"].decode()))
    middle = (
        told["ce_type"].decode(),
        0,
        content_hash(headers, value),
        partition,
        offset,
        _TOP - offset,
        datetime.fromtimestamp(timestamp / 1000, UTC),
        occurred_at,
    )
    hour = occurred_at.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    minutes = int(occurred_at.utcoffset().total_seconds() // 60)  # type: ignore[union-attr]
    currency, till, employee = said["currency"], said.get("till_id", ""), said.get("employee_id", "")
    of_receipt = (len(lines), hour, minutes, currency, "")
    tail = (said["receipt_id"], till, employee, said.get("channel", "store"))
    period, count = said.get("period_id", ""), len(tenders)
    for line in lines:
        amounts = (Decimal(line["quantity"]), line["gross"], line.get("discount", 0), line.get("tax", 0))
        own = (line.get("kind", "item"), line["sku"], *amounts, *tail, line.get("promotion_id", ""), period, count)
        rows.lines.append((*head, line["line"], *middle, *of_receipt, *own))
    for number, given in enumerate(tenders, 1):
        paid = (1, given["amount"], given.get("change", 0), given.get("tip", 0))
        rows.tenders.append((*head, number, *middle, currency, "", given["kind"], *paid, till, period, employee))


def column_names(client: Any, table: str) -> Sequence[str]:
    """Return the columns of a table, in their order."""
    return [row[0] for row in client.query(f"DESCRIBE TABLE {table}").result_rows]
