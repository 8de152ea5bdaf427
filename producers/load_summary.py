"""What a load reports: lines by class, events by type, money by currency, and what differed from the log."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from contracts.envelope import Event
from contracts.events.sales import Receipt, SaleReturned
from contracts.fields import Model
from contracts.fields import plain as plain_decimal
from producers.sources.mapped_csv import LineTally
from producers.sources.receipts import SourceEvent


@dataclass(slots=True)
class Totals:
    """Money of a whole file in minor units; net = gross − discounts − returns, service lines stand apart.

    `service` is signed: service lines of returns count against those of sales. `rounding_remainder` (major
    units, signed the same way) is what rounding each line left over: exact total = rounded total + remainder.
    """

    gross: int = 0
    discounts: int = 0
    returns: int = 0
    service: int = 0
    rounding_remainder: Decimal = Decimal(0)

    @property
    def net(self) -> int:
        """Net sales."""
        return self.gross - self.discounts - self.returns

    def add(self, receipt: Receipt) -> None:
        """Add one completed or returned sale."""
        returned = isinstance(receipt, SaleReturned)
        direction = -1 if returned else 1
        for line in receipt.lines:
            if line.kind == "service":
                self.service += direction * (line.gross - line.discount)
            elif returned or line.kind == "return":
                self.returns += line.gross - line.discount
            else:
                self.gross += line.gross
                self.discounts += line.discount
        self.rounding_remainder += direction * receipt.rounding_remainder


@dataclass(frozen=True, slots=True)
class Differing:
    """An event of the file whose id is on the log with other content; it was not sent."""

    event_id: UUID
    event_type: str
    store_id: str
    subject: str
    first_line: int | None = None
    last_line: int | None = None


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Where a load stands."""

    phase: Literal["counting", "loading", "done"]
    lines: int
    total_lines: int
    events_sent: int = 0
    already_loaded: int = 0
    refused: int = 0


@dataclass(slots=True)
class LoadSummary:
    """The result of a load. `lines`, `events` and `totals` describe the file, whatever of it was on the log already."""

    lines: dict[str, int] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    totals: dict[str, Totals] = field(default_factory=dict)
    sent: int = 0
    already_loaded: int = 0
    refused: int = 0
    differs: list[Differing] = field(default_factory=list)
    stores: int = 0
    versions: int = 0
    ticks: int = 0
    seconds: float = 0.0

    @property
    def total_lines(self) -> int:
        """Lines of the file in all classes together."""
        return sum(self.lines.values())

    @property
    def lines_per_second(self) -> float:
        """Lines read, translated and, where new, durably on the log, by the wall clock."""
        return self.total_lines / self.seconds if self.seconds else 0.0

    def take(self, found: SourceEvent) -> None:
        """Count one event of the file."""
        data = found.event.data
        self.events[found.event.type] += 1
        if isinstance(data, Receipt):
            self.totals.setdefault(data.currency, Totals()).add(data)

    def take_lines(self, tally: LineTally, classes: tuple[str, ...]) -> None:
        """Take over the classes, with zero for those that no line has."""
        self.lines = {name: tally.classes[name] for name in classes}  # type: ignore[index]

    def differing(self, event: Event[Model], found: SourceEvent | None = None) -> None:
        """Note an event that is on the log with other content."""
        first, last = (found.first_line, found.last_line) if found else (None, None)
        subject = found.receipt if found else event.envelope.subject or event.store_id
        self.differs.append(Differing(event.id, event.type, event.store_id, subject, first, last))

    def as_json(self) -> dict[str, Any]:
        """Return the summary for machines: decimals and ids as strings."""
        return {
            "lines": self.lines,
            "total_lines": self.total_lines,
            "events": dict(sorted(self.events.items())),
            "totals": {
                code: asdict(totals) | {"net": totals.net, "rounding_remainder": plain_decimal(totals.rounding_remainder)}
                for code, totals in sorted(self.totals.items())
            },
            "sent": self.sent,
            "already_loaded": self.already_loaded,
            "refused": self.refused,
            "differs": [asdict(row) | {"event_id": str(row.event_id)} for row in self.differs],
            "stores": self.stores,
            "versions": self.versions,
            "ticks": self.ticks,
            "seconds": round(self.seconds, 3),
            "lines_per_second": round(self.lines_per_second),
        }
