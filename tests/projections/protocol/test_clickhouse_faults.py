"""A ClickHouse that is slow, silent, refuses or breaks off under load: the consumer says so, waits, and ends with the same numbers."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.addresses import Addresses
from tests.projections.clickhouse.driving import publish
from tests.projections.protocol.measures import assert_sales_of_the_log, read_of, resident_bytes, sold_story, why_still
from tests.projections.protocol.proxy import CUT, NOT_ALLOWED, OUT_OF_MEMORY, READ_ONLY, SILENT, SLOW, Fault, Proxy, proxy_before
from tests.projections.running import Scene, scene_on
from tests.waiting import patience, until

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(400)]

BEFORE, AFTER = sold_story(0, 300), sold_story(300, 1_200)
MOST_GROWTH_BYTES = 48 * 2**20
RETRIES = 5
"""How often a fault is met before it ends."""


@pytest.fixture
def proxy(place: Addresses) -> Iterator[Proxy]:
    """Put a proxy before ClickHouse."""
    with proxy_before(place.clickhouse_url) as found:
        yield found


@pytest.fixture
def scene(place: Addresses, proxy: Proxy, tmp_path: Path) -> Iterator[Scene]:
    """Give a test runners that reach ClickHouse through the proxy."""
    with scene_on(replace(place, clickhouse_url=proxy.url), tmp_path) as found:
        yield found


def _under_way(place: Addresses, scene: Scene, **options: Any) -> int:
    """Start a consumer that has read the first part of the story; return its process."""
    publish(place, BEFORE)
    runner = scene.start("sales", max_records=100, **options)
    until(lambda: read_of(place, "sales") == len(BEFORE), 120, "the first part is read")
    return runner.process.pid


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(READ_ONLY, "TABLE_IS_READ_ONLY", id="read-only table"),
        pytest.param(NOT_ALLOWED, "READONLY", id="read-only user"),
        pytest.param(OUT_OF_MEMORY, "MEMORY_LIMIT_EXCEEDED", id="out of memory"),
        pytest.param(CUT, "again", id="cut off when the insert is done"),
    ],
)
def test_a_store_that_does_not_take_inserts_is_waited_for(place: Addresses, scene: Scene, proxy: Proxy, fault: Fault, words: str) -> None:
    """The same batch is tried again until it is taken; meanwhile the status names the error, and memory stays what it was."""
    pid = _under_way(place, scene)
    before = resident_bytes(pid)
    proxy.fault = fault
    publish(place, AFTER)

    until(lambda: proxy.met >= RETRIES, 120, "it is tried again and again")
    until(lambda: words in why_still(place, "sales"), 60, "the status says why")
    assert read_of(place, "sales") == len(BEFORE)
    proxy.fault = None
    until(lambda: read_of(place, "sales") == len(BEFORE) + len(AFTER), 120, "everything is read")

    assert resident_bytes(pid) - before < MOST_GROWTH_BYTES
    assert_sales_of_the_log(place, [*BEFORE, *AFTER])


def test_a_slow_store_slows_down_and_nothing_else(place: Addresses, scene: Scene, proxy: Proxy) -> None:
    """Batches wait for it, records wait on the log and not in memory."""
    pid = _under_way(place, scene)
    before = resident_bytes(pid)
    proxy.fault = SLOW
    publish(place, AFTER)

    until(lambda: read_of(place, "sales") == len(BEFORE) + len(AFTER), 120, "everything is read")

    assert proxy.met > RETRIES
    assert resident_bytes(pid) - before < MOST_GROWTH_BYTES
    assert_sales_of_the_log(place, [*BEFORE, *AFTER])


def test_a_silent_store_is_given_up_and_asked_again(place: Addresses, scene: Scene, proxy: Proxy) -> None:
    """A connection that is accepted and never answered ends after its time; the batch is tried again on another one."""
    pid = _under_way(place, scene, answer_seconds=3.0)
    before = resident_bytes(pid)
    proxy.fault = SILENT
    publish(place, AFTER)

    until(lambda: proxy.met >= 2, 120, "it is asked again")
    until(lambda: "tries again" in why_still(place, "sales"), 60, "the status says that it waits")
    proxy.fault = None
    until(lambda: read_of(place, "sales") == len(BEFORE) + len(AFTER), 120, "everything is read")

    assert resident_bytes(pid) - before < MOST_GROWTH_BYTES
    assert_sales_of_the_log(place, [*BEFORE, *AFTER])


def test_a_consumer_of_a_silent_store_says_for_how_long_and_can_be_stopped(place: Addresses, scene: Scene, proxy: Proxy) -> None:
    """Long before it gives up, the status says what is not answered; a gentle stop does not wait for the store, and the next goes on."""
    _under_way(place, scene)
    proxy.fault = SILENT
    publish(place, AFTER)

    until(lambda: "to this: write a batch" in why_still(place, "sales"), 60, "the status says what is not answered")
    scene.started[0].process.send_signal(signal.SIGTERM)
    assert scene.started[0].process.wait(patience(20)) == 0
    scene.start("sales")
    proxy.fault = None
    until(lambda: read_of(place, "sales") == len(BEFORE) + len(AFTER), 120, "everything is read")

    assert_sales_of_the_log(place, [*BEFORE, *AFTER])
