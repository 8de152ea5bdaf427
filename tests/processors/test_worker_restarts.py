"""A hundred restarts, each with ten events waiting and nothing behind them: every start reads from the committed offset, and moves.

The negative control is in `test_worker_controls.py`: with late reading and contiguity off a backlog is lost.
"""

import signal
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from contracts.envelope import Event
from tests.processors.events import at, sold
from tests.processors.scene import Scene
from tests.processors.test_worker_faults import chapters, opening

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(1800)]

SCENES, RESTARTS, BACKLOG = 5, 20, 10


def backlogs() -> Iterator[list[Event[Any]]]:
    """Go on by ten events, the last of them a tick."""
    story = chapters()
    for number in count(1):
        events = [*next(story), *next(story)]
        more = [sold(f"more-{number}-{place}", at(20 + number)) for place in range(BACKLOG - len(events))]
        yield [*more, *events]


def test_a_hundred_restarts_with_ten_events_waiting_lose_nothing(make_scene: Callable[[], Scene]) -> None:
    """Stopped gently when everything is applied, whether or not it is committed by then."""
    scenes = [(make_scene(), backlogs()) for _ in range(SCENES)]
    for scene, _ in scenes:
        scene.tell(*opening())
    for _ in range(RESTARTS):
        for scene, story in scenes:
            scene.tell(*next(story))
        workers = [scene.start() for scene, _ in scenes]
        for scene, _ in scenes:
            scene.caught_up(180.0)
        for worker in workers:
            worker.signal(signal.SIGTERM)
        assert [worker.ended() for worker in workers] == [0] * SCENES
    assert [scene.differences() for scene, _ in scenes] == [[]] * SCENES
