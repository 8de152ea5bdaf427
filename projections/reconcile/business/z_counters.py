"""Is a closing missing? By the counter that a till puts on its Z reports, and by days on which a till was heard and not closed. Pure."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple

from projections.read_models.till_days.reader import TillDay
from projections.reconcile.business.z_judgement import NAME
from projections.reconcile.checks import Finding


class Counter(NamedTuple):
    """A Z report that bears a number, and the highest lower number of the same till (None: it is the first that is known)."""

    store_id: str
    business_date: date
    till_id: str
    period_id: str
    event_id: str
    number: int
    before: int | None


def judge_counter(counter: Counter, *, is_settled: bool) -> Iterator[Finding]:
    """Name the numbers between two Z reports that follow each other; the later report dates the finding."""
    if counter.before is None or counter.number <= counter.before + 1:
        return
    first, last = counter.before + 1, counter.number - 1
    missing = f"Z report {first}" if first == last else f"Z reports {first} to {last}"
    yield Finding(
        NAME,
        counter.store_id,
        counter.business_date,
        f"{missing} of till {counter.till_id}",
        f"{missing} of till {counter.till_id} did not come: number {counter.number} was seen, {first} expected",
        counter.number,
        first,
        "Z number",
        (counter.event_id,),
        not is_settled,
    )


def judge_day(day: TillDay, closing: Collection[str], known: Collection[str], *, is_sealed: bool) -> Iterator[Finding]:
    """Name the tills that were heard and not closed, of those that are closed on other days.

    `known`: tills of which a period that never closed is reported by itself.
    """
    for till in day.tills:
        if is_sealed and not till.is_closed and till.till_id in closing and till.till_id not in known:
            text = f"till {till.till_id} was heard and sent no Z report; expected 1, for it sends them on other days"
            yield Finding(NAME, day.store_id, day.business_date, f"till {till.till_id}", text, 0, 1, "Z reports")
