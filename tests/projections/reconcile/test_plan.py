"""What repairs what: store-days where a row is a store's, all of a model where it is not, a person where no machine can know."""

from datetime import date

import pytest

from projections.reconcile.compare import Cell, Difference, Key
from projections.reconcile.plan import Repair, plan_repairs
from projections.reconcile.report import Conflict


def missing(model: str, store: str, day: str, kind: str = "missing") -> Difference:
    """Return a difference."""
    return Difference(model, Key(store, day, "sale.completed.v1"), kind, "e", "somewhere")  # type: ignore[arg-type]


def test_store_days_of_one_model_and_store_are_one_step() -> None:
    """From its first wrong date to its last; an event on the wrong date is wrong on both."""
    found = [missing("sales", "A", "2026-03-04"), missing("sales", "A", "2026-03-02", "extra"), missing("sales", "B", "2026-03-03")]
    steps = plan_repairs(found, [])

    assert [step.command for step in steps] == [
        "tillstream replay sales --store A --from 2026-03-02 --until 2026-03-04",
        "tillstream replay sales --store B --from 2026-03-03 --until 2026-03-03",
    ]
    assert [(step.differences, step.is_automatic) for step in steps] == [(2, True), (1, True)]
    assert (steps[0].first, steps[0].last) == (date(2026, 3, 2), date(2026, 3, 4))


def test_a_row_without_a_date_repairs_all_of_its_store() -> None:
    """Stock on hand has no business date, and an unreadable one is none; beside rows that have one, too."""
    cell = Cell("stock_on_hand", {"store_id": "A", "sku": "MILK"}, "on_hand", "5", "6")
    row = Difference("stock_on_hand", Key("A", "", "stock_on_hand"), "row_differs", "", "", cell=cell)

    dated = missing("stock_on_hand", "A", "2026-03-04")
    assert [step.command for step in plan_repairs([row], [])] == ["tillstream replay stock_on_hand --store A"]
    assert [step.command for step in plan_repairs([row, dated], [])] == ["tillstream replay stock_on_hand --store A"]
    assert [step.command for step in plan_repairs([missing("sales", "A", "03/04")], [])] == ["tillstream replay sales --store A"]


@pytest.mark.parametrize(
    "found",
    [
        [missing("event_log", "", "")],
        [missing("sales", "", "", "unaccounted")],
        [missing("reference_data", "A", "2026-03-04")],
        [missing("sales", f"S{number}", "2026-03-04") for number in range(51)],
    ],
    ids=["archive", "accounts", "reference", "many stores"],
)
def test_what_is_not_of_single_stores_is_built_again_as_a_whole(found: list[Difference]) -> None:
    """The archive, accounts, versions of reference data, and more stores than are worth a reading each."""
    (step,) = plan_repairs(found, [])

    assert (step.action, step.command) == ("replay_all", f"tillstream replay {found[0].model} --accept-differences")


def test_fifty_stores_are_put_right_one_by_one() -> None:
    """Each with its own dates: that touches nothing else."""
    steps = plan_repairs([missing("sales", f"S{number}", f"2026-03-{number % 28 + 1:02}") for number in range(50)], [])

    assert {step.action for step in steps} == {"replay_store_days"}
    assert [(step.store_id, step.first, step.last) for step in steps] == sorted(
        (f"S{number}", date(2026, 3, number % 28 + 1), date(2026, 3, number % 28 + 1)) for number in range(50)
    )


def test_what_a_person_has_to_decide_is_no_step_of_a_machine() -> None:
    """A conflicting duplicate, and a letter of the rules that is gone."""
    steps = plan_repairs([missing("dead_letters", "", "")], [Conflict("A", "e1", "facts/0/1", "facts/0/9", is_settled=False)])

    assert [(step.action, step.is_automatic) for step in steps] == [("look", False), ("settle_conflict", False)]


def test_a_plan_survives_being_kept() -> None:
    """What is read back is what was written."""
    steps = plan_repairs([missing("sales", "A", "2026-03-04"), missing("event_log", "", "")], [])

    assert [Repair.of_json(step.as_json()) for step in steps] == steps
