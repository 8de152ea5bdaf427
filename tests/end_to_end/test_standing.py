"""What `tillstream status` prints of consumers that move, that stand still, and that nobody keeps."""

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from projections.consumers import Fare
from tillstream.progress import ConsumerProgress
from tillstream.standing import Standing, print_standing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _printed(*rows: Standing) -> list[str]:
    out = io.StringIO()
    print_standing(Console(file=out, width=160), rows, NOW)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_a_consumer_is_shown_with_its_age_rate_and_letters() -> None:
    """Behind by three records, the oldest of them 90 seconds old; nothing is said below the table of one that moves."""
    moving = Fare("sales", 1, "working", None, None, 1.0, 12.5, 2)
    lines = _printed(Standing(ConsumerProgress("sales", 7, 10, NOW), moving, NOW - timedelta(seconds=90)))

    assert lines[1:] == ["sales 7 10 3 1.5 min 12.5 2 2026-03-02T12:00:00+00:00"]


def test_what_stands_still_or_has_failed_is_said_below_the_table() -> None:
    """The reason of a halt, an error that is over, and nothing about the workers of the rules, which have no such word."""
    halted = Fare("sales", 1, "halted", "too many dead letters", NOW, 1.0, 0.0, 101)
    healed = Fare("stores", 1, "working", "the broker [x] was away", NOW, 1.0, 1.0, 0)
    lines = _printed(
        Standing(ConsumerProgress("worker", 1, 2), None, None),
        Standing(ConsumerProgress("sales", 7, 10), halted, None),
        Standing(ConsumerProgress("stores", 3, 3), healed, None),
    )

    assert lines[-2:] == ["sales: halted: too many dead letters", "stores: last error, over now: the broker [x] was away"]
