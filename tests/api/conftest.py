"""A served API on a place of its own, with two stores defined."""

from collections.abc import Iterator

import pytest

from infra.addresses import Addresses
from tests.api.running import ServedApi, config, served
from tests.api.world import define_stores


@pytest.fixture
def stores(place: Addresses) -> Addresses:
    """Define the stores A (Seoul, won) and B (London, pounds) as the real projection does."""
    define_stores(place)
    return place


@pytest.fixture
def api(stores: Addresses) -> Iterator[ServedApi]:
    """Serve an API that knows the stores."""
    with served(config(stores)) as running:
        yield running
