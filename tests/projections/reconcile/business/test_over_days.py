"""What began on one business date and is wrong on a later one is found there, whatever dates are looked at."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.envelope import Event
from infra.addresses import Addresses
from projections.reconcile.business.gaps import SequenceGaps
from projections.reconcile.business.orphans import OrphanRefunds
from projections.reconcile.business.stock import StockLedger
from projections.reconcile.business.z_reports import ZReports
from projections.reconcile.checks import CheckOutcome, Scope
from tests.places import new_place
from tests.projections.reconcile.business.telling import WHOLE, check, tell
from tests.projections.reconcile.business.test_on_the_stack import CASH, DAY, NEXT, OPEN, SEALED, good_days, recorded, sold, z_report
from tests.projections.story import adjusted, at, counted
from tests.projections.till_story import line, numbered, receipt, returned

pytestmark = pytest.mark.stack

TOMORROW = 24 * 60
SECOND_DAY = Scope(NEXT, NEXT)


@pytest.fixture(scope="module")
def place(stack: Addresses, template: str) -> Iterator[Addresses]:
    """Give all tests one place: each tells its story from zero."""
    with new_place(stack, template) as found:
        yield found


def subjects(outcome: CheckOutcome) -> list[tuple[Any, ...]]:
    """Return what was found."""
    return [(each.business_date, each.subject, each.observed, each.expected) for each in outcome.findings]


def test_what_came_back_before_the_dates_asked_about_counts(place: Addresses) -> None:
    """A sale of the first day, returned that day and once more the next: looked at alone, the second return is one too many."""
    story = good_days()
    sale = str(sold(story, "R0").id)
    story += [
        returned("B1", at(700), line(500), till="2", original_event_id=sale),
        returned("B2", at(TOMORROW + 700), line(500), till="2", day=NEXT, original_receipt_id="R0"),
    ]
    tell(place, recorded(story))

    assert subjects(check(place, SEALED, SECOND_DAY, OrphanRefunds())["orphan_refunds"]) == [(NEXT, "return B2", 2, 1)]
    assert subjects(check(place, SEALED, Scope(DAY, DAY), OrphanRefunds())["orphan_refunds"]) == []


def test_numbers_that_are_missing_between_two_days_are_missing_on_the_later(place: Addresses) -> None:
    """A device goes on counting over the cut-off; what lies between its last number and the next day's first did not come."""
    story = [
        *good_days(),
        numbered(receipt("N1", at(708), till="2"), "dev", 3),
        numbered(receipt("N2", at(TOMORROW + 1), till="2", day=NEXT), "dev", 6),
    ]
    tell(place, recorded(story))

    assert subjects(check(place, SEALED, WHOLE, SequenceGaps())["sequence_gaps"]) == [(NEXT, "numbers 4 to 5 of device dev", 2, 0)]
    assert subjects(check(place, SEALED, SECOND_DAY, SequenceGaps())["sequence_gaps"]) == [(NEXT, "numbers 4 to 5 of device dev", 2, 0)]


def test_a_book_begins_with_the_count_before_whenever_that_was(place: Addresses) -> None:
    """What moved between a count of the first day and one of the second is in the second's book, though only that day is looked at."""
    story = [*good_days(), adjusted("more waste", at(20), -3, "RICE"), counted("third", at(TOMORROW + 20), 4, "RICE")]
    tell(place, recorded(story))

    outcome = check(place, SEALED, SECOND_DAY, StockLedger())["stock_ledger"]
    assert (outcome.verdict, outcome.compared, outcome.findings) == ("PASS", 3, ())


def told_early(place: Addresses, *more: Event[Any], is_numbered: bool = True) -> list[bool]:
    """Close a period of the second day with a sale too many, and tell of each finding about it whether it is provisional."""
    story = [each for each in good_days() if getattr(each.data, "receipt_id", None) != "R1" and getattr(each.data, "z_number", None) != 8]
    last = receipt("R1", at(TOMORROW + 30), line(500), period="P1", tenders=CASH, day=NEXT)
    story += [numbered(last, "1", 1) if is_numbered else last, *more]
    tell(place, recorded(story))
    found = check(place, OPEN, WHOLE, ZReports())["z_reports"].findings
    return [each.is_provisional for each in found if each.subject == "period P1 of till 1"]


def test_a_difference_is_settled_early_only_where_nothing_can_be_on_its_way(place: Addresses) -> None:
    """The till was closed that day, numbers what it sends, and no number is missing in the store; two of these prove nothing."""
    closing = z_report("P1", 1, z_number=8, sales_count=2)
    beyond = numbered(receipt("N9", at(TOMORROW + 50), till="2", day=NEXT), "1", 4)

    late = replace(closing, envelope=closing.envelope.model_copy(update={"business_date": NEXT + timedelta(days=1)}))

    assert told_early(place, closing) == [False]
    assert told_early(place, late) == [True]
    assert told_early(place, closing, is_numbered=False) == [True]
    assert told_early(place, closing, beyond) == [True]
