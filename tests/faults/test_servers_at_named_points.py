"""A server is killed with -9 while a runner stands at a named point of its work; the numbers are those of the log."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.stack import RunningServers, running_servers
from infra.settings import load_settings
from projections.consumers import Fare, read_fares
from tests.places import migrated_template, new_place
from tests.projections.clickhouse.driving import clickhouse, publish, sums, whole_log
from tests.projections.clickhouse.oracle import expected_sums
from tests.projections.clickhouse.test_sink import shop_day
from tests.projections.folding import rows_of
from tests.projections.protocol.measures import (
    asked,
    assert_sales_of_the_log,
    assert_stock_of_the_log,
    read_of,
    resident_bytes,
    sold_story,
)
from tests.projections.running import Scene, scene_on
from tests.projections.story import at, counted, outbound, sold
from tests.waiting import until

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(180)]

SLOW = {"max_records": 5}
KILLS, CHAPTER = 3, 300
MOST_GROWTH_BYTES = 48 * 2**20


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServers]:
    """Run servers that may be killed."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("servers"), kafka_bootstrap=None, postgres_dsn=None, clickhouse_url=None)
    with running_servers(settings) as running:
        yield running


@pytest.fixture(scope="module")
def template(servers: RunningServers) -> Iterator[str]:
    """Migrate a database on these servers."""
    with migrated_template(servers.addresses) as name:
        yield name


@pytest.fixture
def scene(servers: RunningServers, template: str, tmp_path: Path) -> Iterator[Scene]:
    """Give each test runners on a place of their own on these servers."""
    with new_place(servers.addresses, template) as place, scene_on(place, tmp_path) as found:
        yield found


def pid_of(servers: RunningServers, name: str) -> int:
    """Return the process id of a server, 0 while it does not run."""
    return next(process.pid or 0 for process in servers.supervisor.processes if process.name == name)


def is_back(servers: RunningServers, name: str, old: int) -> bool:
    """Tell whether a server runs again, and all are ready."""
    servers.poll()
    return pid_of(servers, name) not in (0, old) and all(process.is_ready for process in servers.supervisor.processes)


def killed_and_back(servers: RunningServers, scene: Scene, name: str, projection: str, point: str) -> None:
    """Run a projection whose second visit of a point kills a server; return when the server is back."""
    old = pid_of(servers, name)
    runner = scene.start(projection, trap=(point, 2, str(old)), **SLOW)
    until(runner.told.exists, 40, f"the runner is at {point}")

    until(lambda: is_back(servers, name, old), 60, f"{name} is back")
    assert runner.process.poll() is None, "the runner waits for its surroundings"


@pytest.mark.parametrize(("server", "point"), [("postgres", "effects_written"), ("kafka", "batch_received")])
def test_a_postgres_model_outlives_its_servers(servers: RunningServers, scene: Scene, server: str, point: str) -> None:
    """The transaction that the server took along is repeated by the same runner; each sale is told once."""
    scene.publish([outbound(counted("count", at(0), 100)), *(outbound(sold(str(number), at(number))) for number in range(1, 30))])

    killed_and_back(servers, scene, server, "stock_on_hand", point)
    scene.await_position("stock_on_hand", 30)

    assert rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": 100 - 29}]
    assert rows_of(scene.place, "SELECT sum(applied)::int AS applied, sum(repeats)::int AS repeats FROM delivery.ledger") == [
        {"applied": 30, "repeats": 0}
    ]


@pytest.mark.parametrize(("server", "point"), [("clickhouse", "inserted"), ("postgres", "recomputed")])
def test_a_clickhouse_model_outlives_its_servers(servers: RunningServers, scene: Scene, server: str, point: str) -> None:
    """Facts without sums, or sums without positions: the batch is repeated and the sums are those of a plain fold of the log."""
    events = shop_day()
    publish(scene.place, events)

    killed_and_back(servers, scene, server, "sales", point)
    ends = "SELECT coalesce(sum(next_offset), 0)::int AS n FROM delivery.positions WHERE projection = 'sales'"
    until(lambda: rows_of(scene.place, ends) == [{"n": len(events)}], 60, "everything is read")

    with clickhouse(scene.place) as client:
        assert sums(client) == expected_sums(whole_log(scene.place))


def test_a_database_killed_again_and_again_under_load_changes_nothing(servers: RunningServers, scene: Scene) -> None:
    """The same process goes on each time with the memory that it had, and says what went wrong; both stores say what the log says."""
    story = sold_story(0, KILLS * CHAPTER)
    size = len(story) // KILLS + 1
    runner = scene.start("sales", "stock_on_hand", max_records=100)
    until(runner.is_ready, 60, "the runners have their partitions")
    memory = []
    for number in range(KILLS):
        publish(scene.place, story[number * size : (number + 1) * size])
        old = pid_of(servers, "postgres")
        os.kill(old, signal.SIGKILL)
        until(lambda old=old: is_back(servers, "postgres", old), 60, "the database is back")  # type: ignore[misc]
        memory.append(resident_bytes(runner.process.pid))
    for name in ("sales", "stock_on_hand"):
        until(lambda name=name: read_of(scene.place, name) == len(story), 120, f"{name} has read everything")  # type: ignore[misc]

    def fares() -> list[Fare]:
        return list(asked(scene.place, lambda engine: read_fares(engine, ["sales", "stock_on_hand"])).values())

    until(lambda: [fare.why_still(0) for fare in fares()] == [None, None], 60, "both say that they are well")
    assert all(fare.last_error for fare in fares())
    assert resident_bytes(runner.process.pid) - memory[0] < MOST_GROWTH_BYTES
    assert_sales_of_the_log(scene.place, story)
    assert_stock_of_the_log(scene.place)
