"""When reading ahead goes on at once, and when it waits for more to come; without any server."""

import pytest

from infra.kafka.consumer import Partition
from projections.runner import RECORDS_AT_ONCE, may_have_more
from tests.projections.test_batching import _record

_SHARE = RECORDS_AT_ONCE // 6


@pytest.mark.parametrize(
    ("given", "goes_on"),
    [
        ([RECORDS_AT_ONCE], True),
        ([_SHARE] * 6, True),
        ([0, 0, _SHARE], True),
        ([_SHARE - 1] * 6, False),
        ([3, 1], False),
        ([], False),
    ],
)
def test_it_goes_on_while_a_partition_gives_its_share(given: list[int], goes_on: bool) -> None:
    """The log gives as much as was asked, of any partition; a source that shares it out never quite as much."""
    found = {Partition("facts", number): [_record("sale", 0)] * count for number, count in enumerate(given)}

    assert may_have_more(found, 6) is goes_on
