"""ClickHouse's own Kafka table engine with materialized views, on a server: the embedded engine has none.

The views say the same of a receipt as the mapping by hand, but for the hash of the event, which the server cannot compute.
"""

import time
from typing import Any, Final

from clickhouse_connect import get_client

from infra.addresses import Addresses

_QUEUE: Final = """
CREATE TABLE speed_queue (value String) ENGINE = Kafka
SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{topic}', kafka_group_name = 'speed-engine', kafka_format = 'RawBLOB',
    kafka_num_consumers = 1, kafka_max_block_size = {records}
"""
_COMMON: Final = """
WITH CAST((`_headers.name`, `_headers.value`), 'Map(String, String)') AS told,
    parseDateTime64BestEffort(told['ce_time'], 6, 'UTC') AS occurred,
    if(endsWith(told['ce_time'], 'Z'), 0, toInt32(substring(told['ce_time'], -6, 1) || '1')
        * (toInt32(substring(told['ce_time'], -5, 2)) * 60 + toInt32(substring(told['ce_time'], -2, 2)))) AS minutes,
    JSONExtractString(value, 'till_id') AS till, JSONExtractString(value, 'employee_id') AS employee,
    JSONExtractString(value, 'period_id') AS period
"""
_HEAD: Final = "told['ce_storeid'] AS store_id, toDate(told['ce_businessdate']) AS business_date, toUUID(told['ce_id']) AS event_id"
_ORIGIN: Final = """
    told['ce_type'] AS event_type, 0 AS is_correction, 0 AS event_hash,
    toUInt32(`_partition`) AS partition, toUInt64(`_offset`) AS position,
    9223372036854775808 - toUInt64(`_offset`) AS version, toDateTime64(`_timestamp_ms`, 3, 'UTC') AS recorded_at, occurred AS occurred_at
"""
LINES: Final = f"""
{_COMMON}
SELECT {_HEAD}, JSONExtractUInt(line_json, 'line') AS line, {_ORIGIN},
    length(JSONExtractArrayRaw(value, 'lines')) AS line_count,
    toDateTime64(toStartOfHour(addMinutes(occurred, minutes), 'UTC'), 0, 'UTC') - toIntervalMinute(minutes) AS hour_start,
    minutes AS utc_offset_minutes, JSONExtractString(value, 'currency') AS currency, '' AS phase,
    JSONExtract(line_json, 'kind', 'Nullable(String)') AS said_kind, ifNull(said_kind, 'item') AS kind,
    JSONExtractString(line_json, 'sku') AS sku, toDecimal64(JSONExtractString(line_json, 'quantity'), 5) AS quantity,
    JSONExtractInt(line_json, 'gross') AS gross, JSONExtractInt(line_json, 'discount') AS discount, JSONExtractInt(line_json, 'tax') AS tax,
    JSONExtractString(value, 'receipt_id') AS receipt_id, till AS till_id, employee AS employee_id, 'store' AS channel,
    JSONExtractString(line_json, 'promotion_id') AS promotion_id, period AS period_id,
    length(JSONExtractArrayRaw(value, 'tenders')) AS tender_count
FROM speed_queue ARRAY JOIN JSONExtractArrayRaw(value, 'lines') AS line_json
"""
TENDERS: Final = f"""
{_COMMON}
SELECT {_HEAD}, number AS tender, {_ORIGIN}, JSONExtractString(value, 'currency') AS currency, '' AS phase,
    JSONExtractString(tender_json, 'kind') AS kind, 1 AS direction, JSONExtractInt(tender_json, 'amount') AS amount,
    JSONExtractInt(tender_json, 'change') AS change, JSONExtractInt(tender_json, 'tip') AS tip,
    till AS till_id, period AS period_id, employee AS employee_id
FROM speed_queue
ARRAY JOIN JSONExtractArrayRaw(value, 'tenders') AS tender_json, arrayEnumerate(JSONExtractArrayRaw(value, 'tenders')) AS number
"""
_CPU: Final = "SELECT value FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'"
_POLL_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 300


def consume(place: Addresses, topic: str, lines: int, records_at_once: int) -> tuple[float, float]:
    """Let the server consume everything; return seconds from its first row to its last, and its core seconds meanwhile."""
    with get_client(dsn=place.clickhouse_url) as client:
        client.command(_QUEUE.format(brokers=place.kafka_bootstrap, topic=topic, records=records_at_once))
        cpu, points = _one(client, _CPU), list[tuple[float, int]]()
        client.command(f"CREATE MATERIALIZED VIEW speed_tenders TO receipt_tenders_g1 AS {TENDERS}")
        client.command(f"CREATE MATERIALIZED VIEW speed_lines TO sales_lines_g1 AS {LINES}")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not points or points[-1][1] < lines:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the Kafka engine has {points[-1:]} of {lines} lines")
            time.sleep(_POLL_SECONDS)
            count = _one(client, "SELECT count() FROM sales_lines_g1")
            points += [(time.perf_counter(), count)] if count else []
        return points[-1][0] - points[0][0] + _POLL_SECONDS, (_one(client, _CPU) - cpu) / 1e6


def _one(client: Any, statement: str) -> int:
    rows = client.query(statement).result_rows
    return int(rows[0][0]) if rows else 0
