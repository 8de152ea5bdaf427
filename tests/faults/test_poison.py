"""An event that the rules refuse is put aside, its neighbours pass, and it is applied once when the reason is gone."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.dead_letters import PROCESSORS, Letter, LetterKey
from projections.letter_reader import LetterSearch, list_letters
from tests.command_line import TILLSTREAM, environment
from tests.places import PARTITIONS
from tests.processors.events import at, counted, reorder_policy, sold, tick
from tests.processors.odd_rules import POISON
from tests.processors.oracle import open_orders
from tests.processors.scene import Scene
from tests.projections.folding import rows_of
from tests.projections.running import scene_on
from tests.waiting import patience, until

pytestmark = [pytest.mark.stack, pytest.mark.long]


@pytest.fixture
def refusing(place: Addresses, tmp_path: Path) -> Iterator[Scene]:
    """Give a scene whose rules refuse sales of one SKU, with the projections behind them."""
    scene = Scene(place.kafka_bootstrap, place.topic_prefix, tmp_path, PARTITIONS, rules=("refusal",))
    with scene_on(place, tmp_path) as projections:
        projections.start("dead_letters", "stock_on_hand")
        yield scene
    scene.stop()


def letters(place: Addresses) -> dict[LetterKey, Letter]:
    """Return the letters of the rules."""

    async def work() -> list[Letter]:
        engine = async_engine(place.postgres_dsn, "tests")
        try:
            return await list_letters(engine, LetterSearch(PROCESSORS, disposition=None))
        finally:
            await engine.dispose()

    return {letter.key: letter for letter in asyncio.run(work())}


def retry(place: Addresses, offset: int) -> None:
    """Have the operator's command send the record again."""
    told = environment(
        TILLSTREAM_KAFKA_BOOTSTRAP=place.kafka_bootstrap,
        TILLSTREAM_POSTGRES_DSN=place.postgres_dsn,
        TILLSTREAM_CLICKHOUSE_URL=place.clickhouse_url,
        TILLSTREAM_TOPIC_PREFIX=place.topic_prefix,
    )
    command = [*TILLSTREAM, "dead-letters", "retry", f"{PROCESSORS}/{STORE_FACTS}/0/{offset}"]
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=patience(60), check=False)
    assert "sent again" in done.stdout, done.stdout + done.stderr


def test_a_poison_event_is_put_aside_and_applied_once_when_its_reason_is_gone(place: Addresses, refusing: Scene) -> None:
    """Its neighbours pass at once; retried too early it is a letter again; retried later, and once more, it counts once."""
    poison, first = sold("poison", at(3), POISON, 5), LetterKey(PROCESSORS, STORE_FACTS, 0, 4)
    refusing.tell(reorder_policy(5, 20), counted("c", at(0), 9), counted("p", at(0), 8, POISON), sold("before", at(2), quantity=1))
    refusing.tell(poison, sold("after", at(4), quantity=4), tick(at(5)))
    worker = refusing.start()
    refusing.caught_up()
    assert refusing.differences() == []
    assert {sku: int(position) for sku, (position, _) in open_orders(refusing.derived()).items()} == {"MILK": 4}
    until(lambda: letters(place).keys() == {first}, 30, "the letter is a row")

    retry(place, first.record_offset)
    second = LetterKey(PROCESSORS, STORE_FACTS, 0, 7)
    until(lambda: letters(place).keys() == {first, second}, 30, "it is refused again")
    assert [(row.disposition, row.attempts, row.reason) for row in letters(place).values()] == [
        ("retried", 1, "rule_failed"),
        ("open", 2, "rule_failed"),
    ]

    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0
    healed = replace(refusing, rules=())
    healed.start()
    retry(place, second.record_offset)
    retry(place, second.record_offset)
    healed.tell(tick(at(6)))
    healed.caught_up()

    facts = [record for record in healed.read(STORE_FACTS) if record.offset not in {first.record_offset, second.record_offset}]
    assert [line for line in healed.differences(facts) if not line.startswith("refused")] == []
    assert {sku: int(position) for sku, (position, _) in open_orders(healed.derived()).items()} == {"MILK": 4, POISON: 3}
    until(lambda: {row.disposition for row in letters(place).values()} == {"applied"}, 30, "both letters are settled")
    assert letters(place).keys() == {first, second}
    assert rows_of(place, f"SELECT on_hand FROM read_g1.stock_on_hand WHERE sku = '{POISON}'") == [{"on_hand": 3}]
