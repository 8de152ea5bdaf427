"""A scene of its own on the running broker for each test of the shell."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from infra.addresses import Addresses
from infra.kafka.admin import delete_topics, ensure_topics
from tests.processors.scene import PARTITIONS, Scene


@pytest.fixture
def make_scene(stack: Addresses, tmp_path: Path) -> Iterator[Callable[[], Scene]]:
    """Make scenes that share nothing but the broker; their workers end with the test."""
    made: list[Scene] = []

    def make() -> Scene:
        prefix = f"p{uuid4().hex[:10]}-"
        directory = tmp_path / prefix
        directory.mkdir()
        asyncio.run(ensure_topics(stack.kafka_bootstrap, PARTITIONS, prefix=prefix))
        scene = Scene(stack.kafka_bootstrap, prefix, directory)
        made.append(scene)
        return scene

    yield make
    for scene in made:
        scene.stop()
        asyncio.run(delete_topics(stack.kafka_bootstrap, scene.prefix))


@pytest.fixture
def scene(make_scene: Callable[[], Scene]) -> Scene:
    """One scene."""
    return make_scene()
