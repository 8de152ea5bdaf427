"""The fold from sales facts to hourly sums, on the real engine against a plain fold of the same events."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.fields import Model
from contracts.records import RawRecord
from infra.addresses import Addresses
from infra.clickhouse.client import async_writer
from projections.sinks.clickhouse_sales import SalesModel
from tests.examples import examples
from tests.projections.clickhouse.driving import clickhouse, seen, sums
from tests.projections.clickhouse.oracle import HourKey, Sums, expected_sums
from tests.projections.clickhouse.sales_events import heaps, on_log

pytestmark = pytest.mark.stack

TABLES = ("sales_lines_g1", "sale_corrections_g1", "sales_by_hour_g1")
engine_examples = settings(max_examples=examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def fold(place: Addresses, batches: Sequence[Sequence[RawRecord]]) -> dict[HourKey, Sums]:
    """Fold batches into emptied tables and return the sums."""

    async def run() -> None:
        client = await async_writer(place.clickhouse_url)
        client.form_encode_query_params = True
        model = SalesModel()
        model.connect(client)
        try:
            for version, batch in enumerate(batches, 1):
                work = await model.prepare(seen(model, batch))
                await model.insert(work)
                await model.sum_again(work, version)
        finally:
            await client.close()

    with clickhouse(place) as client:
        for table in TABLES:
            client.command(f"TRUNCATE TABLE {table}")
        asyncio.run(run())
        return sums(client)


@engine_examples
@given(events=heaps(), cut=st.integers(3, 8))
def test_any_cut_into_batches_gives_the_sums_of_a_plain_fold(place: Addresses, events: list[Event[Model]], cut: int) -> None:
    """Sales, returns, voids, corrections of corrections and repeats, in any order: where batches end does not matter."""
    records = on_log(events)

    assert fold(place, [records[i : i + cut] for i in range(0, len(records), cut)]) == expected_sums(records)


@engine_examples
@given(events=heaps(), cut=st.integers(3, 8), data=st.data())
def test_batches_that_are_applied_again_change_nothing(place: Addresses, events: list[Event[Model]], cut: int, data: st.DataObject) -> None:
    """A batch is repeated after every unknown outcome, also with other bounds than before."""
    records = on_log(events)
    again = data.draw(st.integers(0, len(records)))
    batches = [records[i : i + cut] for i in range(0, again, cut)]

    assert fold(place, [*batches, *batches, records]) == expected_sums(records)


@engine_examples
@given(events=heaps())
def test_the_order_of_stores_among_each_other_does_not_matter(place: Addresses, events: list[Event[Model]]) -> None:
    """Order is promised within a store only."""
    records = on_log(events)
    by_store = sorted(records, key=lambda record: (-record.partition, record.offset))

    assert fold(place, [[record] for record in by_store]) == expected_sums(records)
