"""Whoever sends a dead letter again is killed in the middle: each consumer has the event once, however often it is sent after that."""

import json
import signal
import subprocess
import sys
from dataclasses import asdict

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.publisher import Publisher
from projections.dead_letters import LetterKey
from projections.letter_decisions import NotDecidable, retry_letter
from projections.letter_reader import show_letter
from tests.projections.clickhouse.driving import clickhouse, sums, whole_log
from tests.projections.clickhouse.oracle import expected_sums
from tests.projections.folding import rows_of
from tests.projections.protocol.measures import asked, outcomes, problems, read_of
from tests.projections.running import Scene
from tests.projections.story import at, outbound, sold
from tests.waiting import patience, until

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(400)]

NAMES = ("stock_on_hand", "event_index", "sales")
KEY = LetterKey("stock_on_hand", STORE_FACTS, 0, 1)


def _retried(place: Addresses) -> bool:
    """Retry as an operator does; False when it is settled already."""

    async def retry(engine: AsyncEngine) -> bool:
        async with Publisher(place.kafka_bootstrap, "tests", place.topic_prefix) as publisher:
            try:
                await retry_letter(engine, publisher, KEY)
            except NotDecidable:
                return False
        return True

    return asked(place, retry)


@pytest.mark.parametrize("appends", [False, True])
def test_a_retry_killed_before_or_after_it_appends_leaves_each_consumer_the_event_once(
    place: Addresses, scene: Scene, appends: bool
) -> None:
    """Who failed applies it, who had applied it sees repeats, and the letter is settled."""
    scene.publish([outbound(sold("a", at(0))), outbound(sold("b", at(1), 6))])
    with psycopg.connect(place.postgres_dsn) as connection:
        connection.execute("ALTER TABLE read_g1.stock_movements ADD CONSTRAINT narrow CHECK (quantity > -5)")
    scene.start(*NAMES)
    until(lambda: all(read_of(place, name) == 2 for name in NAMES), 120, "everything is read")
    with psycopg.connect(place.postgres_dsn) as connection:
        connection.execute("ALTER TABLE read_g1.stock_movements DROP CONSTRAINT narrow")

    given = json.dumps({"addresses": asdict(place), "key": asdict(KEY), "appends": appends})
    killed = subprocess.run([sys.executable, "-m", "tests.projections.protocol.retrying", given], timeout=patience(60), check=False)
    assert killed.returncode == -signal.SIGKILL
    sent = int(appends)
    until(lambda: all(read_of(place, name) == 2 + sent for name in NAMES), 120, "what it sent is read")
    assert _retried(place) is not appends
    scene.publish([outbound(sold("b", at(1), 6))])
    until(lambda: all(read_of(place, name) == 4 for name in NAMES), 120, "everything is read")

    assert asked(place, lambda engine: show_letter(engine, KEY)).disposition == "applied"
    assert rows_of(place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -7}]
    assert {name: outcomes(place, name) for name in NAMES} == {"stock_on_hand": (2, 1), "event_index": (2, 2), "sales": (2, 2)}
    assert problems(place) == []
    with clickhouse(place) as client:
        assert sums(client) == expected_sums(whole_log(place))
