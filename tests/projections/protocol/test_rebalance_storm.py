"""Members of a group that come and go every second under load: every record is told once, and memory stays what it was."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import Event
from infra.addresses import Addresses
from tests.projections.clickhouse.driving import publish
from tests.projections.folding import rows_of
from tests.projections.protocol.measures import assert_sales_of_the_log, assert_stock_of_the_log, read_of, resident_bytes, sold_story
from tests.projections.running import Scene
from tests.waiting import patience, until

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(400)]

NAMES = ("sales", "stock_on_hand")
SETTINGS = [["session_timeout_ms", 6000], ["heartbeat_interval_ms", 300]]
CHAPTERS, LENGTH = 8, 150
MOST_GROWTH_BYTES = 48 * 2**20
FEWEST_OWNERS = 8


@contextmanager
def storm(place: Addresses, output: Path) -> Iterator[None]:
    """Let a process come and go while the body runs."""
    given = json.dumps({"names": NAMES, "addresses": asdict(place), "consumer_settings": SETTINGS})
    with output.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-m", "tests.projections.protocol.storm", given], stdout=sink, stderr=sink)
    try:
        yield
        assert process.poll() is None, output.read_text("utf-8")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(patience(60))


def owners(place: Addresses) -> int:
    """Return how often the partition changed its owner that did so most rarely."""
    return int(rows_of(place, "SELECT min(epoch)::int AS n FROM delivery.positions WHERE topic = 'store-facts-v1'")[0]["n"])


def test_a_storm_of_rebalances_changes_nothing(place: Addresses, scene: Scene, tmp_path: Path) -> None:
    """Two runners stay, two come and go gently or without a word, sales flow: both stores say what the log says."""
    story: list[Event[Any]] = sold_story(0, CHAPTERS * LENGTH)
    size = len(story) // CHAPTERS + 1
    stays = scene.start(*NAMES, consumer_settings=SETTINGS, max_records=50)
    until(stays.is_ready, 120, "the runners that stay have their partitions")
    memory = []
    with storm(place, tmp_path / "storm.log"):
        for number in range(CHAPTERS):
            publish(place, story[number * size : (number + 1) * size])
            reached = owners(place)
            until(lambda reached=reached: owners(place) > reached, 120, "partitions change hands")  # type: ignore[misc]
            memory.append(resident_bytes(stays.process.pid))
        until(lambda: owners(place) >= FEWEST_OWNERS, 120, "partitions have changed hands often")
    for name in NAMES:
        until(lambda name=name: read_of(place, name) == len(story), 120, f"{name} has read everything")  # type: ignore[misc]

    assert resident_bytes(stays.process.pid) - memory[CHAPTERS // 3] < MOST_GROWTH_BYTES
    assert_sales_of_the_log(place, story)
    assert_stock_of_the_log(place)
