"""What to simulate. The same options give the same bytes."""

from dataclasses import dataclass
from datetime import date

from contracts.identifiers import derived_id
from producers.simulator.faults import ALL, USUAL, FaultPlan


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """A convenience chain: how many stores and days, from when, how busy, and what goes wrong how often."""

    seed: int = 1
    stores: int = 6
    days: int = 3
    start: date = date(2026, 3, 2)
    scale: float = 1.0
    tenant: str = "demo"
    timezone: str = "Asia/Seoul"
    currency: str = "KRW"
    country: str = "KR"
    cut_off_hour: int = 4
    duplicate_share: float = 0.02
    tick_minutes: int = 10
    partitions: int = 6
    ticks: bool = True
    faults: frozenset[str] = USUAL

    def __post_init__(self) -> None:
        if not (1 <= self.stores <= 5000 and 1 <= self.days <= 2000 and self.scale > 0 and 0 <= self.duplicate_share <= 1):
            raise ValueError("1 to 5000 stores, 1 to 2000 days, a scale above 0, a share of duplicates from 0 to 1")
        if self.tick_minutes < 1 or self.partitions < 1:
            raise ValueError("a tick every minute at most, and at least one partition")
        if unknown := self.faults - ALL:
            raise ValueError(f"no such faults: {', '.join(sorted(unknown))}")

    @property
    def run(self) -> str:
        """Identify the simulated world: runs with other options never share an event id."""
        parts = (self.seed, self.stores, self.days, self.start, self.scale, self.tenant, self.timezone, self.currency, self.country)
        return derived_id("simulation", *map(str, parts), str(self.cut_off_hour), *sorted(self.faults)).hex[:12]

    @property
    def plan(self) -> FaultPlan:
        """When each kind of fault happens."""
        return FaultPlan(self.seed, self.stores, self.days, self.faults)
