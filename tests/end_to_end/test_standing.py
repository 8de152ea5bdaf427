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
    killed = Fare("till_days", 1, "working", "Postgres [y] was away", NOW, 60.0, 0.0, 0)
    healed = Fare("stores", 1, "working", "the broker [x] was away", NOW, 1.0, 1.0, 0)
    lines = _printed(
        Standing(ConsumerProgress("worker", 1, 2), None, None),
        Standing(ConsumerProgress("sales", 7, 10), halted, None),
        Standing(ConsumerProgress("till_days", 7, 10), killed, None),
        Standing(ConsumerProgress("stores", 3, 3), healed, None),
    )

    assert lines[-4:] == [
        "sales: halted: too many dead letters",
        "till_days: its process has not said anything for 60 s: it was killed, or hangs",
        "till_days: last error: Postgres [y] was away",
        "stores: last error, over now: the broker [x] was away",
    ]


def test_rules_that_nobody_runs_and_a_model_that_is_held_say_so() -> None:
    """Neither is a fault of the consumer: one is to be started, the other goes on by itself."""
    held = Fare("sales", 1, "working", None, None, 1.0, 0.0, 0, is_held=True)
    lines = _printed(
        Standing(ConsumerProgress("worker", 1, 2, members=0), None, None),
        Standing(ConsumerProgress("chain-worker", 1, 2, members=1), None, None),
        Standing(ConsumerProgress("sales", 7, 10), held, None),
        Standing(ConsumerProgress("stores", 10, 10), held, None),
    )

    assert lines[-2:] == [
        "worker: no process runs these rules: start one with `tillstream worker`",
        "sales: a replay holds it at one position to compare it; it goes on by itself",
    ]
