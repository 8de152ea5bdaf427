"""Simulations that several tests look at, each made once, and what they come to."""

from functools import cache
from hashlib import sha256

from contracts.codec import encode
from producers.simulator.faults import ALL
from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.truth import GroundTruth, TruthTally
from producers.simulator.world import SimulatedRecord

SMALL = SimulationOptions(stores=2, days=2, scale=0.05, partitions=3, duplicate_share=0.1)
TROUBLED = SimulationOptions(stores=3, days=4, scale=0.5, ticks=False, faults=ALL)
PLAIN = SimulationOptions(stores=3, days=4, scale=0.5, ticks=False, faults=frozenset())
QUIET_LINES = frozenset({"conflicting_duplicates", "duplicates", "late_batches", "late_punches", "offline_tills", "sequence_gaps"})


def digest(options: SimulationOptions) -> str:
    """Hash everything that would reach the log, in order."""
    state = sha256()
    for record in generate(options):
        written = encode(record.event, "t")
        state.update(repr((record.arrival, record.route, record.repeat, written.key, written.headers)).encode() + written.value)
    return state.hexdigest()


@cache
def simulated(options: SimulationOptions) -> tuple[list[SimulatedRecord], Injected]:
    """Return a simulation and what was put into it."""
    injected = Injected()
    return list(generate(options, injected)), injected


def truth_of(records: list[SimulatedRecord]) -> GroundTruth:
    """Tally records."""
    tally = TruthTally()
    for record in records:
        tally.observe(record)
    return tally.result()
