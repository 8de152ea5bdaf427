"""What can be put into a simulation on purpose, by name, and when each of it happens. It does not do any of it.

Each kind draws from streams of its own, so that switching one on changes nothing about the others.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

from producers.simulator.streams import places, stream

Group = Literal["case", "trouble", "anomaly"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind: `chance` is that of a receipt or an event (`each`), or that of a store's day (`day`)."""

    name: str
    group: Group
    per: Literal["each", "day"]
    chance: float
    meaning: str
    usual: bool = True


FAULTS: dict[str, Fault] = {
    row.name: row
    for row in (
        Fault("exchanges", "case", "each", 0.003, "a return line and an item on one receipt"),
        Fault("unlinked_returns", "case", "each", 0.0021, "goods come back, and the receipt names no sale"),
        Fault("returns_over_remaining", "case", "each", 0.0006, "the same line comes back twice"),
        Fault("split_tenders", "case", "each", 0.02, "paid with points and a card"),
        Fault("gift_cards_sold", "case", "each", 0.004, "a gift card as a service line: a liability, no sale"),
        Fault("practised_receipts", "case", "each", 0.002, "rung up in training mode"),
        Fault("suspended_receipts", "case", "each", 0.004, "set aside, and paid a few minutes later"),
        Fault("zero_prices", "case", "each", 0.003, "a line given away for nothing"),
        Fault("corrections", "trouble", "each", 0.0025, "after closing the office corrects a sale or takes it back"),
        Fault("duplicates", "trouble", "each", 0.02, "the same event sent twice, up to six hours apart"),
        Fault("no_shows", "anomaly", "day", 0.25, "somebody rostered never comes"),
        Fault("late_staff", "trouble", "day", 0.25, "somebody comes 25 to 70 minutes late"),
        Fault("late_punches", "trouble", "day", 0.25, "a punch in time is heard of 35 to 90 minutes after the start"),
        Fault("offline_tills", "trouble", "day", 0.5, "a till has no line for up to an hour and sends everything later that day"),
        Fault("late_batches", "trouble", "day", 0.05, "a till sends hours of receipts three hours to a week later", usual=False),
        Fault("conflicting_duplicates", "trouble", "day", 0.05, "an event again under its id, with other content", usual=False),
        Fault("clock_minutes", "trouble", "day", 0.04, "a till's clock is two to four minutes off", usual=False),
        Fault("clock_ahead", "trouble", "day", 0.03, "a till's clock is one to twenty hours ahead", usual=False),
        Fault("clock_1970", "trouble", "day", 0.02, "a till's clock fell back to 1970: its events cannot be read", usual=False),
        Fault("sequence_gaps", "trouble", "day", 0.05, "a receipt is lost: its number is missing and the Z report differs", usual=False),
        Fault("silent_tills", "anomaly", "day", 0.04, "a till is dead for hours: no heartbeat, no receipt", usual=False),
        Fault("sales_drops", "anomaly", "day", 0.03, "25, 40 or 60 percent of the receipts of some hours are missing", usual=False),
        Fault("fraud_refunds", "anomaly", "day", 0.02, "a cashier pays out refunds of nothing", usual=False),
        Fault("fraud_voids", "anomaly", "day", 0.02, "a cashier voids cash sales minutes after them", usual=False),
        Fault("fraud_drawers", "anomaly", "day", 0.02, "a cashier opens the drawer again and again without a sale", usual=False),
        Fault("stock_outs", "anomaly", "day", 0.05, "a good runs out and its deliveries fail for five days", usual=False),
        Fault("fraud_slowly", "anomaly", "day", 0.01, "for four weeks a cashier pays out one refund of nothing a day", usual=False),
        Fault("fraud_logins", "anomaly", "day", 0.02, "somebody pays back money under the id of a colleague who is at home", usual=False),
    )
}
"""In a fixed order: a new kind goes to the end, so that the places of the others stay."""

ALL = frozenset(FAULTS)
USUAL = frozenset(name for name, fault in FAULTS.items() if fault.usual)
_NAMED = {"all": ALL, "none": frozenset[str](), "usual": USUAL}
_BY_DAY = [name for name, fault in FAULTS.items() if fault.per == "day"]
OUTAGE_DAYS = 5


def chosen_faults(text: str) -> frozenset[str]:
    """Read `all`, `none`, `usual` or names with commas between them; ValueError says which name is unknown."""
    if text in _NAMED:
        return _NAMED[text]
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - ALL):
        raise ValueError(f"all, none, usual, or some of {', '.join(sorted(ALL))}; not {', '.join(unknown)}")
    return names


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Says for each kind when it happens. The first stores show every kind of a day once, so that small chains have them too."""

    seed: int
    stores: int
    days: int
    kinds: frozenset[str]

    def on_day(self, kind: str, store: int, day: int) -> Random | None:
        """Return the stream of a kind where it happens in a store (from 1) on a day (from 0), else None."""
        if kind not in self.kinds:
            return None
        rng = stream(self.seed, "fault", kind, store, day)
        happens = rng.random() < FAULTS[kind].chance
        return rng if happens or self._shown(kind, store, day) else None

    def within_day(self, kind: str, store: int, day: int, limit: int, chance: float | None = None) -> list[int]:
        """Return which of a day's receipts or events (from 0) a kind befalls."""
        if kind not in self.kinds:
            return []
        return places(stream(self.seed, "fault", kind, store, day), FAULTS[kind].chance if chance is None else chance, limit)

    def _shown(self, kind: str, store: int, day: int) -> bool:
        number = _BY_DAY.index(kind)
        return store - 1 == number % self.stores and day == (number // self.stores) % self.days
