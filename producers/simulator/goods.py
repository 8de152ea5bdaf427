"""What the simulated chain sells, and from whom it buys."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from contracts.money import minor_digits, to_major
from producers.simulator.options import SimulationOptions
from producers.simulator.streams import stream

RECEIPTS_A_DAY = 600
LINES_A_RECEIPT = 1.98
UNITS_A_LINE = 1.18
GRAMS = 1000
"""Quantities are counted in thousandths of a unit, so that weighed goods are whole numbers too."""
EXEMPT = "fresh"
"""Unprocessed food bears no value added tax in Korea."""

_GOODS = {
    "meal": "Kimbap tuna, Kimbap beef, Triangle rice spicy, Triangle rice mayo, Lunch box pork, Lunch box chicken, Cup noodle hot, "
    "Cup noodle mild, Sandwich egg, Sandwich ham, Hot bar, Dumplings",
    "drink": "Water 500, Water 2L, Cola 355, Cola zero 355, Americano ice, Americano hot, Latte cup, Banana milk, Milk 500, Green tea, "
    "Barley tea, Energy drink, Orange juice, Sports drink",
    "snack": "Shrimp chips, Potato chips, Honey chips, Choco pie, Choco sticks, Gum mint, Candy lemon, Jelly bears, Nuts mix, "
    "Seaweed snack, Ice bar melon, Ice cream cup",
    "daily": "Umbrella, Mask 5, Tissue, Toothbrush, Battery AA, Charger cable, Socks, Razor, Shampoo mini, Wet wipes",
    "fresh": "Sweet potato, Apple 1, Egg 10, Tofu, Salad cup, Yogurt, Cheese stick, Rice 1kg, Kimchi 200, Sausage",
}
_WEIGHED = "Sweet potato"
_SHELF_LIFE = {"meal": 2, "fresh": 7}
_PACKS = {"meal": 1, "drink": 12, "snack": 10, "daily": 5, "fresh": 4}


@dataclass(frozen=True, slots=True)
class Supplier:
    """Who delivers a category: days from order to delivery, and the weekdays (0 is Monday) on which orders are taken."""

    supplier_id: str
    name: str
    category: str
    lead_days: int
    weekdays: tuple[int, ...]

    @property
    def longest_wait(self) -> int:
        """Return the most days from one delivery to the next."""
        gaps = [(later - day) % 7 or 7 for day, later in zip(self.weekdays, (*self.weekdays[1:], self.weekdays[0]), strict=True)]
        return self.lead_days + max(gaps)


SUPPLIERS = (
    Supplier("SUP-MEAL", "Hanul Kitchen", "meal", 1, (0, 1, 2, 3, 4, 5, 6)),
    Supplier("SUP-DRINK", "Bada Beverage", "drink", 2, (0, 2, 4)),
    Supplier("SUP-SNACK", "Dalkom Foods", "snack", 3, (1, 4)),
    Supplier("SUP-DAILY", "Saeng Trading", "daily", 5, (2,)),
    Supplier("SUP-FRESH", "Deul Farms", "fresh", 1, (0, 1, 2, 3, 4, 5)),
)


@dataclass(frozen=True, slots=True)
class Good:
    """Something sold: `share` of all lines, daily demand of an average store in units, and the chain's reorder policy."""

    place: int
    sku: str
    name: str
    category: str
    price: int
    unit_price: Decimal
    by_weight: bool
    share: float
    daily_units: float
    reorder_point: int
    order_up_to: int
    pack: int
    supplier: Supplier
    shelf_life_days: int | None

    @property
    def tax_rate(self) -> int:
        """Percent."""
        return 0 if self.category == EXEMPT else 10

    @property
    def cost(self) -> int:
        """Return what one unit costs the chain, minor units."""
        return self.price * 7 // 10


def goods_of(options: SimulationOptions) -> tuple[Good, ...]:
    """Return the catalogue of a chain."""
    rng = stream(options.seed, "goods")
    names = [(category, name) for category, listed in _GOODS.items() for name in listed.split(", ")]
    weights = [1 / (rank + 3) for rank in range(len(names))]
    rng.shuffle(weights)
    units = RECEIPTS_A_DAY * options.scale * LINES_A_RECEIPT * UNITS_A_LINE
    suppliers = {supplier.category: supplier for supplier in SUPPLIERS}
    goods = []
    for place, ((category, name), weight) in enumerate(zip(names, weights, strict=True)):
        share = weight / sum(weights)
        point = ceil(units * share * 0.6) + 2
        price = rng.randint(8, 89) * 100 if minor_digits(options.currency) == 0 else rng.randint(80, 1290)
        goods.append(
            Good(
                place=place,
                sku=f"{place + 1:05}",
                name=name,
                category=category,
                price=price,
                unit_price=to_major(price, options.currency),
                by_weight=name == _WEIGHED,
                share=share,
                daily_units=units * share,
                reorder_point=point,
                order_up_to=point * 3,
                pack=_PACKS[category] if units * share > 2 * _PACKS[category] else 1,
                supplier=suppliers[category],
                shelf_life_days=_SHELF_LIFE.get(category),
            )
        )
    return tuple(goods)
