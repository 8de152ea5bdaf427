"""How the hourly sums of whole store-days follow from the sales facts: one statement, repeatable at any time.

Sums are taken over the deduplicated facts without the events that do not count. Keys that the rollup has and the
facts no longer have get a row of zeros, for an aggregate alone would leave the old row standing. The unit is the
store-day rather than the hour: a correction does not say which currency or hour its target was in, the store-day
it does. Times, ids and table names are all bound.

What the measures mean: net = gross − discounts − returns − voids over item lines, services never count. A void takes
back its item lines; a void before completion is nothing. `return` lines of a completed or returned receipt are
returns. `service_amount` is what was charged for services less what was given back.
"""

from typing import Final

TOUCHED: Final = """
    store_id IN {stores:Array(String)} AND business_date IN {dates:Array(Date)}
    AND (store_id, business_date) IN (SELECT arrayJoin(arrayZip({stores:Array(String)}, {dates:Array(Date)})))
"""

WORDS: Final = """
    kind = 'item' AS is_item,
    event_type = 'sale.completed.v1' AS is_completed,
    event_type = 'sale.returned.v1' AS is_returned,
    event_type = 'sale.voided.v1' AND phase = 'after_completion' AS is_voided,
    gross - discount AS amount
"""
SUMS_OF_LINES: Final = """
        sumIf(gross, is_completed AND is_item) AS gross_sum,
        sumIf(discount, is_completed AND is_item) AS discount_sum,
        sumIf(amount, (is_returned AND kind IN ('item', 'return')) OR (is_completed AND kind = 'return')) AS return_sum,
        sumIf(amount, is_voided AND is_item) AS void_sum,
        toInt64(uniqExactIf(event_id, is_completed AND is_item)) - toInt64(uniqExactIf(event_id, is_voided AND is_item))
            AS transaction_count,
        sumIf(quantity, is_completed AND is_item) - sumIf(quantity, is_voided AND is_item) AS unit_sum,
        sumIf(amount, is_completed AND kind = 'service') - sumIf(amount, (is_returned OR is_voided) AND kind = 'service') AS service_sum,
        toInt64(countIf(is_completed OR is_returned OR is_voided)) AS line_sum
"""
"""The measures over lines, in terms of `WORDS`: whoever sums facts sums them so."""

_RECOMPUTE: Final = """
INSERT INTO {rollup:Identifier} (
    store_id, business_date, hour_start, currency, utc_offset_minutes,
    gross, discounts, returns, voids, net, transactions, sale_net, units, service_amount, counted_lines, version
)
WITH {words}
SELECT
    store_id, business_date, hour_start, currency,
    if(max(is_fact) = 1, maxIf(utc_offset, is_fact = 1), max(utc_offset)),
    sum(gross_sum), sum(discount_sum), sum(return_sum), sum(void_sum),
    sum(gross_sum) - sum(discount_sum) - sum(return_sum) - sum(void_sum),
    sum(transaction_count), sum(gross_sum) - sum(discount_sum) - sum(void_sum),
    sum(unit_sum), sum(service_sum), sum(line_sum), {version:UInt64}
FROM (
    SELECT
        store_id, business_date, hour_start, currency, 1 AS is_fact, max(utc_offset_minutes) AS utc_offset,
        {sums}
    FROM {lines:Identifier} FINAL
    WHERE {touched}
        AND (store_id, event_id) NOT IN (SELECT arrayJoin(arrayZip({excluded_stores:Array(String)}, {excluded_ids:Array(UUID)})))
    GROUP BY store_id, business_date, hour_start, currency
    UNION ALL
    SELECT store_id, business_date, hour_start, currency, 0, utc_offset_minutes, 0, 0, 0, 0, 0, 0, 0, 0
    FROM {rollup:Identifier} FINAL
    WHERE {touched}
)
GROUP BY store_id, business_date, hour_start, currency
"""

RECOMPUTE: Final = _RECOMPUTE.replace("{touched}", TOUCHED).replace("{words}", WORDS).replace("{sums}", SUMS_OF_LINES)
"""Parameters: rollup, lines, stores and dates (pairwise), excluded_stores and excluded_ids (pairwise: what does not count), version."""

_CORRECTIONS_OF_DAYS: Final = """
SELECT store_id, event_id, corrects_event_id, position FROM {corrections:Identifier} FINAL WHERE {touched}
"""

CORRECTIONS_OF_DAYS: Final = _CORRECTIONS_OF_DAYS.replace("{touched}", TOUCHED)
"""The corrections that decide which events of store-days count. Parameters: corrections, stores, dates."""
