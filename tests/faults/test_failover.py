"""A partition whose worker ends is without its rules for less than fifteen seconds, with the settings that the product has."""

from collections.abc import Iterator

import pytest

from infra.addresses import Addresses
from tests.faults.failover import FAULTS, Fault, Pair
from tests.places import PARTITIONS
from tests.processors.scene import Scene

pytestmark = [pytest.mark.stack, pytest.mark.long, pytest.mark.timeout(400)]

LIMIT_SECONDS = 15.0


@pytest.fixture
def pair(place: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Give two workers that share the partitions, not started yet."""
    found = Pair(Scene(place.kafka_bootstrap, place.topic_prefix, tmp_path_factory.mktemp("pair"), PARTITIONS))
    yield found
    found.scene.stop()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_other_worker_or_the_next_one_takes_over_in_time(pair: Pair, fault: Fault) -> None:
    """Killed, stopped, frozen or standing still: an event sent after that has its alert within the limit."""
    pair.start()
    assert pair.seconds_without_rules(fault) < LIMIT_SECONDS
    pair.scene.caught_up()
    assert pair.scene.differences() == []


def test_a_watchdog_that_is_patient_is_too_late(pair: Pair) -> None:
    """The negative control: with half a minute of patience the time is found to be too long."""
    pair.still_seconds = 30.0
    pair.start()
    assert pair.seconds_without_rules("standing still") > LIMIT_SECONDS
