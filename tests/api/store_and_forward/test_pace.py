"""Pauses grow, are spread and bounded; what the centre asks for is honoured; batches shrink and grow back."""

from hypothesis import given
from hypothesis import strategies as st

from api.store_and_forward.pace import Pace, PaceOptions

draws = st.floats(0, 1)
OPTIONS = PaceOptions()


@given(st.integers(1, 10_000), draws)
def test_a_pause_is_between_half_and_the_whole_of_its_step(failures, draw):
    """Each failure doubles the step, up to the longest."""
    step = min(OPTIONS.longest_pause, OPTIONS.first_pause * 2.0 ** min(failures - 1, 30))

    pause = Pace(OPTIONS, failures).pause_seconds(lambda: draw)

    assert step / 2 <= pause <= step


@given(st.integers(1, 100), draws, st.floats(0, 10_000))
def test_a_pause_is_never_shorter_than_the_centre_asks_for(failures, draw, asked):
    """Up to a cap, so that a mad answer does not silence a shop for a day."""
    pause = Pace(OPTIONS, failures).pause_seconds(lambda: draw, asked)

    assert min(asked, OPTIONS.longest_retry_after) <= pause <= max(OPTIONS.longest_pause, OPTIONS.longest_retry_after * 1.2)


def test_a_batch_shrinks_to_one_event_and_grows_back():
    """Halving ends at one event, success doubles up to the full batch."""
    pace = Pace(OPTIONS)
    for _ in range(20):
        pace = pace.smaller()
    assert pace.batch_events == 1
    for _ in range(20):
        pace = pace.succeeded()
    assert (pace.batch_events, pace.batch_bytes) == (OPTIONS.batch_events, OPTIONS.batch_bytes)
