"""What really is on the shelves of one store, and what is on order: whole thousandths of a unit. Kept from day to day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from producers.simulator.goods import GRAMS, Good
from producers.simulator.injected import Place


class Order(NamedTuple):
    """What a supplier will deliver on a day: places of goods and thousandths."""

    day: int
    supplier_id: str
    number: str
    lines: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Shelf:
    """Goods by their place in the catalogue. Nobody can sell or throw away what is not there."""

    goods: Sequence[Good]
    units: list[int] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    failing: dict[int, int] = field(default_factory=dict)
    """Goods whose deliveries fail, and the first day on which they come again."""
    watched: dict[int, Place] = field(default_factory=dict)
    """Where it is noted that such a good has run out."""

    def __post_init__(self) -> None:
        """Begin with empty shelves."""
        self.units = [0] * len(self.goods)

    def take(self, place: int, quantity: int) -> bool:
        """Take a quantity away where it is there."""
        if self.units[place] < quantity:
            if place in self.watched:
                figures = self.watched[place].figures
                figures["refused"] = figures.get("refused", 0) + 1
            return False
        self.units[place] -= quantity
        return True

    def take_some(self, place: int, quantity: int) -> int:
        """Take what is there of a quantity, whole units."""
        taken = min(quantity, self.units[place] // GRAMS * GRAMS)
        self.units[place] -= taken
        return taken

    def put(self, place: int, quantity: int) -> None:
        """Put a quantity on the shelf."""
        self.units[place] += quantity

    def on_order(self) -> dict[int, int]:
        """Return what is under way, by good."""
        coming: dict[int, int] = {}
        for order in self.orders:
            for place, quantity in order.lines:
                coming[place] = coming.get(place, 0) + quantity
        return coming
