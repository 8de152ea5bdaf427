"""A log that is shuffled, repeated and delayed gives the same tables: identity and time decide, not the order of arrival."""

import asyncio
import hashlib
import random
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import Any

import pytest

from contracts.codec import encode
from contracts.envelope import Event
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED
from contracts.records import RawRecord
from contracts.topics import ALERTS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.addresses import Addresses
from infra.clickhouse.client import async_writer, writer
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from projections.catalogue import PROJECTIONS
from projections.generation_tables import CLICKHOUSE_TABLES, POSTGRES_TABLES, REBUILDABLE
from projections.sinks.clickhouse_archive import ArchiveModel
from projections.sinks.clickhouse_facts import FactsModel
from projections.sinks.clickhouse_facts_declared import FACTS
from projections.sinks.clickhouse_sales import SalesModel
from tests.places import new_place
from tests.projections.clickhouse.driving import seen
from tests.projections.folding import WHERE_IT_CAME_FROM, empty, fold, tables_of
from tests.projections.story import RECORDED, alert, recommended

pytestmark = pytest.mark.stack

LATENESS_RECORDS = 40
TOPIC = {"open_alerts": ALERTS, "reorder_recommendations": REORDER_RECOMMENDATIONS, "reference_data": REFERENCE_DATA}


@pytest.fixture(scope="module")
def place(stack: Addresses, template: str) -> Iterator[Addresses]:
    """One place for all: each test empties the tables that it fills."""
    with new_place(stack, template) as found:
        yield found


@cache
def chain() -> tuple[Event[Any], ...]:
    """One simulated day of two stores, each event once."""
    options = SimulationOptions(stores=2, days=1, start=date(2026, 3, 2), scale=0.2, duplicate_share=0, ticks=False)
    made = {(each.event.store_id, each.event.id): each.event for each in generate(options) if not each.conflict}
    return tuple(made.values())


def story_of(projection: str) -> Sequence[Event[Any]]:
    """Return what the model is told."""
    if projection == "open_alerts":
        return [alert(number, "raised", who) for who in ("ana", "ben", "eve") for number in range(1, 9)]
    if projection == "reorder_recommendations":
        return [recommended(number, number, sku) for sku in ("MILK", "RICE") for number in range(1, 9)]
    return chain()


def disturbed(story: Sequence[Event[Any]], seed: int) -> list[Event[Any]]:
    """Let events overtake each other within the lateness, come twice, and come very late; corrections stay behind their targets."""
    rng = random.Random(seed)
    placed = [(at + rng.uniform(0, LATENESS_RECORDS), each) for at, each in enumerate(story)]
    placed += [(at + rng.uniform(0, 5 * LATENESS_RECORDS), each) for at, each in rng.sample(placed, len(placed) // 5)]
    late = set(rng.sample(range(len(placed)), len(placed) // 20))
    moved = [(at + (len(story) if number in late else 0), each) for number, (at, each) in enumerate(placed)]
    return [each for at, each in sorted(moved, key=lambda item: (item[0], str(item[1].id))) if at >= 0]


def log_of(story: Sequence[Event[Any]], topic: str) -> list[RawRecord]:
    """Write a story down as one partition."""
    milliseconds = int(RECORDED.timestamp() * 1000)
    written = [encode(each, topic, 0) for each in story]
    return [RawRecord(topic, 0, offset, milliseconds + offset, each.key, each.value, each.headers) for offset, each in enumerate(written)]


def hashed(tables: Any) -> str:
    """Sum up tables in one hash."""
    return hashlib.sha256(repr(tables).encode()).hexdigest()


@pytest.mark.parametrize("projection", sorted(POSTGRES_TABLES))
def test_a_disturbed_log_gives_the_same_rows(place: Addresses, projection: str) -> None:
    """Every Postgres model, told in order, and disturbed, in other batches: hash-equal but for where events lie on the log."""
    topic, story = TOPIC.get(projection, STORE_FACTS), story_of(projection)
    empty(place, projection)
    fold(place, projection, log_of(story, topic))
    expected = tables_of(place, projection, WHERE_IT_CAME_FROM)
    assert any(expected.values()), "an empty table would prove nothing"
    empty(place, projection)
    other = log_of(disturbed(story, 7), topic)
    assert len(other) > len(story)
    fold(place, projection, other[: len(other) // 3], other[len(other) // 3 :])
    found = tables_of(place, projection, WHERE_IT_CAME_FROM)

    assert {name: hashed(rows) for name, rows in found.items()} == {name: hashed(rows) for name, rows in expected.items()}


def test_a_log_that_lacks_an_event_gives_other_rows(place: Addresses) -> None:
    """Negative control: hashes that are equal whatever was told would prove nothing."""
    story = [each for each in chain() if each.type == SALE_COMPLETED][:5]
    empty(place, "stock_on_hand")
    fold(place, "stock_on_hand", log_of(story, STORE_FACTS))
    whole = hashed(tables_of(place, "stock_on_hand", WHERE_IT_CAME_FROM))
    empty(place, "stock_on_hand")
    fold(place, "stock_on_hand", log_of(story[1:], STORE_FACTS))

    assert hashed(tables_of(place, "stock_on_hand", WHERE_IT_CAME_FROM)) != whole


async def _into_clickhouse(place: Addresses, model: Any, records: Sequence[RawRecord]) -> None:
    client = await async_writer(place.clickhouse_url)
    client.form_encode_query_params = True
    model.connect(client)
    try:
        work = await model.prepare(seen(model, records))
        await model.insert(work)
        await model.sum_again(work, 1)
    finally:
        await client.close()


def _model(projection: str) -> Any:
    if projection in FACTS:
        return FactsModel(FACTS[projection], 1, True)
    return SalesModel() if projection == "sales" else ArchiveModel("log")


@pytest.mark.parametrize("projection", sorted(CLICKHOUSE_TABLES))
def test_a_disturbed_log_gives_the_same_rows_in_clickhouse(place: Addresses, projection: str) -> None:
    """Facts and sums are hash-equal; the archive holds every record, so of it the distinct events are."""
    model, topic = _model(projection), ALERTS if projection == "alert_history" else STORE_FACTS
    told = story_of("open_alerts") if projection == "alert_history" else chain()
    found = []
    for story in (told, disturbed(told, 7)):
        with writer(place.clickhouse_url) as client:
            for table in model.tables:
                client.command(f"TRUNCATE TABLE {table.name(1)}")
            asyncio.run(_into_clickhouse(place, model, log_of(story, topic)))
            rows = {}
            for table in model.tables:
                left_out = {"version", "position", "recorded_at"}
                names = [column.name for column in table.columns if column.name not in left_out]
                what = ", ".join(names) if projection != "event_log" else "DISTINCT ce_id, store_id, ce_type, event_hash"
                rows[table.stem] = client.query(f"SELECT {what} FROM {table.name(1)} FINAL ORDER BY ALL").result_rows
        assert rows[model.tables[0].stem]
        found.append({name: hashed(each) for name, each in rows.items()})

    assert found[0] == found[1]


def test_every_projection_can_be_built_anew() -> None:
    """A read model without declared tables could not be replayed; letters are rows once for all."""
    assert {*REBUILDABLE, "dead_letters"} == set(PROJECTIONS)


def test_the_story_has_corrections() -> None:
    """Without events that change others the order could hardly matter."""
    assert any(each.type == EVENT_CORRECTED for each in chain())
