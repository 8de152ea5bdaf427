"""Workers that die, stop, freeze and start again on the real broker: the end is what the log demands, no more and no less."""

import signal
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from contracts.envelope import Event
from processors.readiness import is_ready
from processors.safeguards import POINTS
from tests.processors.events import adjusted, at, clocked_in, counted, no_show_policy, reorder_policy, shift, sold, tick
from tests.processors.scene import Scene
from tests.waiting import until

pytestmark = pytest.mark.stack


def opening() -> list[Event[Any]]:
    """Begin: policies, a count that is soon too low, and two shifts."""
    return [
        reorder_policy(5, 20),
        no_show_policy(10),
        counted("count", at(0), 12),
        sold("first", at(1), quantity=7),
        shift("s1", at(60), at(180)),
        shift("s2", at(60), at(180), "ben"),
        tick(at(30)),
    ]


def chapters() -> Iterator[list[Event[Any]]]:
    """Go on, chapter by chapter: each changes the stock, repeats something, and moves the clock."""
    for number in count(1):
        minute = 30 + number * 20
        sale = sold(f"sale-{number}", at(minute))
        late = [clocked_in("late", at(61), "ben")] if number == 5 else []
        found = adjusted(f"found-{number}", at(minute + 1), number % 3)
        yield [sale, found, sale, *late, tick(at(minute + 2))]


def test_a_worker_killed_at_every_point_ends_as_if_it_had_lived(scene: Scene) -> None:
    """SIGKILL at each named point of a batch, one after the other; what is on the log decides."""
    story = chapters()
    scene.tell(*opening())
    for point in POINTS:
        worker = scene.start(trap={"point": point})
        assert worker.ended() == -signal.SIGKILL, worker.said()
        scene.tell(*next(story))
    scene.start()
    scene.caught_up()
    assert scene.differences() == []


def test_a_worker_stopped_with_an_event_in_flight_loses_nothing(scene: Scene) -> None:
    """SIGTERM while a batch is held at a point; the worker ends with status 0, and its successor goes on."""
    story = chapters()
    scene.tell(*opening())
    for point in ("batch_received", "derived_acknowledged", "states_acknowledged"):
        worker = scene.start(trap={"point": point, "action": "linger", "seconds": 0.7})
        until(worker.sprang, 60.0, "the batch to be in flight")
        worker.signal(signal.SIGTERM)
        assert worker.ended() == 0, worker.said()
        scene.tell(*next(story))
    scene.start()
    scene.caught_up()
    assert scene.differences() == []


@pytest.mark.long
def test_restarts_with_a_backlog_lose_nothing(make_scene: Callable[[], Scene]) -> None:
    """Four restarts with events waiting: recovery begins at the committed offset, not behind it."""
    scenes = [(make_scene(), chapters()) for _ in range(2)]
    for scene, _ in scenes:
        scene.tell(*opening())
    for _ in range(2):
        for scene, story in scenes:
            scene.tell(*next(story), *next(story))
        workers = [scene.start() for scene, _ in scenes]
        for scene, _ in scenes:
            scene.caught_up()
        for worker in workers:
            worker.signal(signal.SIGTERM)
        assert [worker.ended() for worker in workers] == [0, 0]
    assert [scene.differences() for scene, _ in scenes] == [[], []]


def test_a_worker_frozen_past_its_session_changes_nothing_when_it_wakes(scene: Scene) -> None:
    """Woken beside its successor in the middle of a batch, it sees that its heartbeat is too old, and ends."""
    story = chapters()
    scene.tell(*opening())
    frozen = scene.start("a", trap={"point": "derived_acknowledged", "action": "freeze"})
    until(frozen.sprang, 60.0, "the worker to freeze")
    scene.start("b")
    scene.caught_up()
    scene.tell(*next(story))
    scene.caught_up()
    frozen.signal(signal.SIGCONT)
    assert frozen.ended() == 4, frozen.said()
    scene.tell(*next(story))
    scene.caught_up()
    assert scene.differences() == []


def test_a_poison_record_is_dead_lettered_and_its_neighbours_pass(scene: Scene) -> None:
    """A record that is no event comes back with its bytes, and the worker goes on."""
    scene.tell(*opening())
    scene.tell_raw(b"S1", b"\x00 no event", [("ce_type", b"sale.completed.v1"), ("odd", b"\xff")])
    scene.tell(*next(chapters()))
    worker = scene.start()
    scene.caught_up()
    assert is_ready(scene.directory / "worker-0", worker.process.pid)
    (letter,) = scene.dead_letters()
    assert (letter.key, letter.value) == (b"S1", b"\x00 no event")
    assert list(letter.headers[:2]) == [("ce_type", b"sale.completed.v1"), ("odd", b"\xff")]
    assert dict(letter.headers)["x-source-offset"] == b"7"
    assert scene.differences() == []
