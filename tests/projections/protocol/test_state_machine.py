"""The delivery protocol under whatever order of faults Hypothesis thinks of, on the real stores; with a guard off it finds the damage."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from infra.addresses import Addresses
from projections.batching import Batch
from projections.options import Safeguards
from projections.sinks.clickhouse_sales import SalesBatch, SalesModel
from tests.examples import examples
from tests.projections.protocol.machine import Delivery
from tests.projections.protocol.stage import theatre
from tests.projections.protocol.subjects import Sales, SharedSink, Stock, Subject

pytestmark = [pytest.mark.stack, pytest.mark.hypothesis]

Makes = Callable[[Addresses], Subject]


def tried(place: Addresses, make: Makes, safeguards: Safeguards, given: settings) -> None:
    """Try the machine with a read model."""
    with theatre(place, make, safeguards) as found:
        run_state_machine_as_test(type("Machine", (Delivery,), {"theatre": found}), settings=given)


@pytest.mark.parametrize("make", [Stock, Sales])
def test_nothing_is_lost_or_double_whatever_comes_in_whatever_order(place: Addresses, make: Makes) -> None:
    """Deaths, freezes and wakings at every window, owners that change, repeats, contradictions, corrections, letters and decisions."""
    quick = settings(
        max_examples=examples(5), stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
    )
    tried(place, make, Safeguards(), quick)


class SumsOfSalesOnly(SalesModel):
    """Sums again only the days of which new sales came; a correction comes without a sale."""

    async def sum_again(self, work: SalesBatch, version: int) -> None:
        """Leave out the days that only corrections touch."""
        touched = {candidate.day for candidate in work.candidates if not candidate.is_correction}
        left = [candidate for candidate in work.candidates if candidate.day in touched]
        await super().sum_again(SalesBatch(work.judgements, left), version)


class SalesSummedInPart(Sales):
    """Sales whose touched hours are not all summed again."""

    model = SumsOfSalesOnly


class SinkThatTakesNothingBack(SharedSink):
    """Leaves what it wrote of a record that was discarded while it stood still."""

    async def _take_back(self, batch: Batch) -> None:
        """Leave it."""


class SalesThatStay(Sales):
    """Sales of which a worker that wakes takes nothing out."""

    sink_type = SinkThatTakesNothingBack


CONTROLS: dict[str, tuple[Makes, Safeguards, str]] = {
    "the epoch of stock": (Stock, Safeguards(epoch=False), "an earlier owner went on"),
    "the epoch of sales": (Sales, Safeguards(epoch=False), "an earlier owner went on"),
    "the expected position of stock": (Stock, Safeguards(expected_position=False), "applied twice"),
    "the expected position of sales": (Sales, Safeguards(expected_position=False), "applied twice"),
    "the first position of stock": (Stock, Safeguards(first_position_wins=False), "differ"),
    "the first position of sales": (Sales, Safeguards(first_position_wins=False), "differ"),
    "the recompute of every touched hour": (SalesSummedInPart, Safeguards(), "the figures differ"),
    "the taking out of what was discarded meanwhile": (SalesThatStay, Safeguards(), "the events differ"),
}
DEFAULT = "the first position of stock"


@pytest.mark.parametrize("guard", [pytest.param(name, marks=[] if name == DEFAULT else [pytest.mark.long]) for name in CONTROLS])
@pytest.mark.timeout(600)
def test_with_a_guard_off_the_machine_finds_damage(place: Addresses, guard: str) -> None:
    """Negative controls: the same steps, one guard less, and an example is found that ends with wrong numbers or wrong owners."""
    many = settings(
        max_examples=200,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    make, safeguards, words = CONTROLS[guard]

    with pytest.raises(AssertionError, match=words):
        tried(place, make, safeguards, many)
