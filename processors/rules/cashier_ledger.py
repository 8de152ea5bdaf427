"""Keeps what cashiers did for the rules that judge it; says nothing itself."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from contracts.events.registry import SALE_COMPLETED
from contracts.events.sales import Receipt
from processors.rules.fraud import ledger, refund_links
from processors.rules.fraud.days import forgotten_at
from processors.rules.fraud.ledger import PAGE, Page
from processors.rules.fraud.reach import DEEDS, place_within_reach
from processors.rules.fraud.refund_links import REFUND_LINKS, RefundLinks
from processors.rules.rule import Became, Decision, Entity, Entry, Happening, Occurred, Recounted, State, View


class CashierLedger:
    """The rule that keeps the pages. It stands before those that read them."""

    name = "cashier_ledger"
    event_types = DEEDS
    kinds = (PAGE, REFUND_LINKS)

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the page of the hour, and the links of the store where a sale is undone."""
        if isinstance(happening, Recounted):
            return [entity for entity in happening.mentioned if entity.kind in self.kinds]
        place = place_within_reach(happening, view)
        if place is None:
            return []
        page = ledger.page_of(place)
        return [page] if ledger.link_of(happening.event) is None else [page, refund_links.ENTITY]

    def at_once(self, happening: Occurred, view: View) -> Iterable[Became] | None:
        """Add the row of a sale, the common deed; what undoes one is left to `touched`."""
        if happening.event.type != SALE_COMPLETED:
            return None
        place = place_within_reach(happening, view)
        if place is None:
            return ()
        key, held = view.held(PAGE, ledger.page_of(place).name)
        if held.applied >= view.offset:
            return None
        page = _with_row(held.state, happening, view)
        return ((key, held, Entry(PAGE, page, view.offset, forgotten_at(place.day), view.tenant_id)),)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Add a row, apply a correction, or forget a page whose time has passed."""
        if entity.kind is REFUND_LINKS:
            return Decision(_linked(state if isinstance(state, RefundLinks) else RefundLinks(), happening, view))
        if isinstance(happening, Occurred):
            page = _with_row(state, happening, view)
        elif isinstance(happening, Recounted):
            page = ledger.recounted(state if isinstance(state, Page) else Page(), happening)
        else:
            return Decision(None)
        return Decision(page, (), forgotten_at(ledger.place_of(entity.name).day))


def _with_row(state: State | None, happening: Occurred, view: View) -> Page:
    known = state if isinstance(state, Page) else Page()
    return ledger.with_event(known, happening.event, happening.counts, lambda receipt: _is_below_cost(receipt, happening, view))


def _linked(known: RefundLinks, happening: Happening, view: View) -> RefundLinks:
    if isinstance(happening, Recounted):
        return refund_links.recounted(known, happening)
    assert isinstance(happening, Occurred)
    link = ledger.link_of(happening.event)
    assert link is not None
    return refund_links.with_refund(known, happening.event, link, happening.counts, view)


def _is_below_cost(receipt: Receipt, happening: Occurred, view: View) -> bool:
    """Return whether a price that the cashier set is below what the goods cost, as the SKU's version in force says."""
    at = happening.event.envelope.occurred_at
    for line in receipt.lines:
        if line.list_price is not None and line.unit_price < line.list_price:
            sku = view.sku_at(line.sku, at)
            if sku is not None and line.unit_price < (sku.cost or Decimal(0)):
                return True
    return False
