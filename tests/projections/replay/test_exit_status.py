"""What the exit status of a replay says of its results."""

import pytest

from projections.replay.run import Done, ReplayResult
from tillstream.replaying import is_well


def _results(*done: Done) -> list[ReplayResult]:
    return [ReplayResult("sales", 2, each) for each in done]


@pytest.mark.parametrize("done", ["built", "switched", "repaired", "same"])
def test_what_was_done_is_well(done: Done) -> None:
    """Beside a read model that has nothing of the store, too: not every one has rows of every store."""
    assert is_well(_results(done))
    assert is_well(_results("nothing", done))


@pytest.mark.parametrize("done", ["differs", "compared"])
def test_a_difference_that_stays_is_not_well(done: Done) -> None:
    """One of them among others is enough."""
    assert not is_well(_results(done))
    assert not is_well(_results("same", done, "nothing"))


def test_nothing_at_all_is_not_well() -> None:
    """No read model has a row of what was asked for: most likely it was misspelt."""
    assert not is_well(_results("nothing"))
    assert not is_well(_results("nothing", "nothing"))
