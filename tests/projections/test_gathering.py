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


@pytest.mark.parametrize(
    ("read_model", "held_up_by", "first", "lot"),
    [("stock_on_hand", "read_g1.stock_on_hand_events", 600, 50), ("sales", "delivery.ledger", 3, 5)],
)
def test_what_comes_while_a_batch_is_written_is_in_the_next_one(
    scene: Scene, read_model: str, held_up_by: str, first: int, lot: int
) -> None:
    """Read when it came, in two lots, and applied together as soon as the batch before is done; of sales also few of them."""
    scene.publish([outbound(sold(str(number), at(number))) for number in range(first)])
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute(f"LOCK TABLE {held_up_by} IN ACCESS EXCLUSIVE MODE")
        scene.start(read_model)
        until(lambda: rows_of(scene.place, _WAITING), 40, "the first batch is in work")
        for name in "ab":
            scene.publish([outbound(sold(f"{name}-{number}", at(number))) for number in range(lot)])
            mark = time.monotonic() + 0.4
            until(lambda mark=mark: time.monotonic() >= mark, 30, "the lot has been read")  # type: ignore[misc]
        connection.rollback()
    scene.await_position(read_model, first + 2 * lot)

    ranges = rows_of(scene.place, f"SELECT first, next, applied FROM delivery.ledger WHERE projection = '{read_model}' ORDER BY first")
    assert [tuple(row.values()) for row in ranges] == [(0, first, first), (first, first + 2 * lot, 2 * lot)]


def test_a_backlog_is_read_on_while_the_store_has_its_first_piece(scene: Scene) -> None:
    """Nothing was read ahead of the first batch, so it is a piece; all that can be read meanwhile is the next one."""
    scene.publish([outbound(sold(str(number), at(number % 600))) for number in range(4_500)])
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute("LOCK TABLE delivery.ledger IN ACCESS EXCLUSIVE MODE")
        scene.start("sales")
        until(lambda: rows_of(scene.place, _WAITING), 40, "the first batch is in work")
        mark = time.monotonic() + 1
        until(lambda: time.monotonic() >= mark, 30, "the rest has been read")
        connection.rollback()
    scene.await_position("sales", 4_500)

    ranges = rows_of(scene.place, "SELECT first, next FROM delivery.ledger WHERE projection = 'sales' ORDER BY first")
    assert [tuple(row.values()) for row in ranges] == [(0, 2_000), (2_000, 4_500)]
