"""A scene of runners for each test that needs one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.addresses import Addresses
from tests.projections.running import Scene, scene_on


@pytest.fixture
def scene(place: Addresses, tmp_path: Path) -> Iterator[Scene]:
    """Give a test runners of its own."""
    with scene_on(place, tmp_path) as found:
        yield found
