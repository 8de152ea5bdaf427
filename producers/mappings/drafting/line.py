"""The lines of a sample by their roles: what guessing their kinds looks at."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from producers.mappings.drafting.finding import Finding
from producers.mappings.drafting.profile import Profile
from producers.mappings.drafting.sampling import Sample
from producers.mappings.drafting.words import Role


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `quantity` and `price` are None where they are no numbers."""

    receipt: str
    sku: str
    description: str
    kind: str
    quantity: Decimal | None
    price: Decimal | None

    @property
    def is_priced(self) -> bool:
        """Whether the line has a price other than zero."""
        return bool(self.price)

    @property
    def is_negative(self) -> bool:
        """Whether the quantity is below zero."""
        return self.quantity is not None and self.quantity < 0


def lines_of(sample: Sample, roles: Mapping[Role, Finding[Profile]]) -> list[Line]:
    """Read a sample's lines."""
    rows = list(sample.rows())

    def texts(role: Role) -> Sequence[str]:
        return sample.column(roles[role].value.place) if role in roles else [""] * len(rows)

    def numbers(role: Role) -> Sequence[Decimal | None]:
        return roles[role].value.numbers if role in roles else [None] * len(rows)

    columns = (texts("receipt"), texts("sku"), texts("description"), texts("kind"), numbers("quantity"), numbers("unit_price"))
    return [Line(*cells) for cells in zip(*columns, strict=True)]


def share_alone(lines: Sequence[Line], odd: Sequence[Line]) -> float:
    """Return the share of some lines whose receipts have no priced line beside them."""
    priced: dict[str, bool] = defaultdict(bool)
    for line in lines:
        priced[line.receipt] |= line.is_priced
    return sum(not priced[line.receipt] for line in odd) / len(odd) if odd else 0.0
