"""Keeps what cashiers did for the rules that judge it; says nothing itself."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED
from contracts.events.sales import Receipt
from processors.rules.fraud import ledger, refund_links
from processors.rules.fraud.days import forgotten_at
from processors.rules.fraud.ledger import PAGE, Page, Place
from processors.rules.fraud.reach import DEEDS, place_within_reach
from processors.rules.fraud.refund_links import REFUND_LINKS, RefundLinks
from processors.rules.rule import Became, Decision, Entity, Entry, EventRun, Happening, Left, Occurred, Recounted, State, View


class CashierLedger:
    """The rule that keeps the pages. It stands before those that read them."""

    name = "cashier_ledger"
    event_types = DEEDS
    kinds = (PAGE, REFUND_LINKS)
    run_types = frozenset({SALE_COMPLETED})

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the page of the hour, and the links of the store where a sale is undone."""
        if isinstance(happening, Recounted):
            return [entity for entity in happening.mentioned if entity.kind in self.kinds]
        place = place_within_reach(happening, view)
        if place is None:
            return []
        page = ledger.page_of(place)
        return [page] if ledger.link_of(happening.event) is None else [page, refund_links.ENTITY]

    def in_run(self, run: EventRun) -> Iterator[Became | Left]:
        """Add the rows of sales, the common deeds, to each page at once."""
        view, read = run.view, run.view.reader(PAGE)
        pages = dict[Place, tuple[str, Entry, list[Occurred]]]()
        last = dict[Place, int]()
        for number, offset, _, happening in run.rows:
            place = place_within_reach(happening, view)
            if place is None:
                continue
            if place not in pages:
                key, held = read(ledger.page_of(place).name)
                if held.applied >= offset:
                    yield Left(number)
                    continue
                pages[place] = key, held, []
            pages[place][2].append(happening)
            last[place] = offset
        for place, (key, held, sales) in pages.items():
            page = _with_rows(held.state, sales, view)
            yield key, held, Entry(PAGE, page, last[place], forgotten_at(place.day), view.tenant_id)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Add a row, apply a correction, or forget a page whose time has passed."""
        if entity.kind is REFUND_LINKS:
            return Decision(_linked(state if isinstance(state, RefundLinks) else RefundLinks(), happening, view))
        if isinstance(happening, Occurred):
            page = _with_rows(state, [happening], view)
        elif isinstance(happening, Recounted):
            page = ledger.recounted(state if isinstance(state, Page) else Page(), happening)
        else:
            return Decision(None)
        return Decision(page, (), forgotten_at(ledger.place_of(entity.name).day))


def _with_rows(state: State | None, happenings: Iterable[Occurred], view: View) -> Page:
    known = state if isinstance(state, Page) else Page()
    return ledger.with_events(known, [(each.event, each.counts) for each in happenings], lambda sale: _is_below_cost(sale, view))


def _linked(known: RefundLinks, happening: Happening, view: View) -> RefundLinks:
    if isinstance(happening, Recounted):
        return refund_links.recounted(known, happening)
    assert isinstance(happening, Occurred)
    link = ledger.link_of(happening.event)
    assert link is not None
    return refund_links.with_refund(known, happening.event, link, happening.counts, view)


def _is_below_cost(sale: Event[Receipt], view: View) -> bool:
    """Return whether a price that the cashier set is below what the goods cost, as the SKU's version in force says."""
    at = sale.envelope.occurred_at
    for line in sale.data.lines:
        if line.list_price is not None and (price := Decimal(line.unit_price)) < Decimal(line.list_price):
            sku = view.sku_at(line.sku, at)
            if sku is not None and price < (sku.cost or Decimal(0)):
                return True
    return False
