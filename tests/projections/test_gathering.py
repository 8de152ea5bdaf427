"""While a batch is written the next one gathers, so that a record waits for one batch and not for two."""

import time

import psycopg
import pytest

from tests.projections.folding import rows_of
from tests.projections.running import Scene
from tests.projections.story import at, outbound, sold
from tests.waiting import until

pytestmark = pytest.mark.stack

_WAITING = "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database WHERE datname = current_database() AND NOT granted"


def test_what_comes_while_a_batch_is_written_is_in_the_next_one(scene: Scene) -> None:
    """Read when it came, in two lots, and applied together as soon as the batch before is done."""
    scene.publish([outbound(sold(str(number), at(number))) for number in range(600)])
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute("LOCK TABLE read_g1.stock_on_hand_events IN ACCESS EXCLUSIVE MODE")
        scene.start("stock_on_hand")
        until(lambda: rows_of(scene.place, _WAITING), 40, "the first batch is in work")
        for lot in range(2):
            scene.publish([outbound(sold(f"{lot}-{number}", at(number))) for number in range(50)])
            mark = time.monotonic() + 0.4
            until(lambda mark=mark: time.monotonic() >= mark, 10, "the lot has been read")  # type: ignore[misc]
        connection.rollback()
    scene.await_position("stock_on_hand", 700)

    ranges = rows_of(scene.place, "SELECT first, next, applied FROM delivery.ledger WHERE projection = 'stock_on_hand' ORDER BY first")
    assert [tuple(row.values()) for row in ranges] == [(0, 600, 600), (600, 700, 100)]
    assert rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -700}]
