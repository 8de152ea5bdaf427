"""Keeps what cashiers did for the rules that judge it; says nothing itself."""

from collections.abc import Sequence
from decimal import Decimal

from contracts.events.sales import Receipt
from processors.rules.fraud import ledger, refund_links
from processors.rules.fraud.days import forgotten_at
from processors.rules.fraud.ledger import PAGE, Page
from processors.rules.fraud.reach import DEEDS, place_within_reach
from processors.rules.fraud.refund_links import REFUND_LINKS, RefundLinks
from processors.rules.rule import Decision, Entity, Happening, Occurred, Recounted, State, View


class CashierLedger:
    """The rule that keeps the pages. It stands before those that read them."""

    name = "cashier_ledger"
    event_types = DEEDS
    kinds = (PAGE, REFUND_LINKS)

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the page of the hour, and the links of the store where a sale is undone."""
        if isinstance(happening, Recounted):
            return [entity for entity in happening.mentioned if entity.kind in self.kinds]
        place = place_within_reach(happening.event, view)
        if place is None:
            return []
        page = ledger.page_of(place)
        return [page] if ledger.link_of(happening.event) is None else [page, refund_links.ENTITY]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Add a row, apply a correction, or forget a page whose time has passed."""
        if entity.kind is REFUND_LINKS:
            return Decision(_linked(state if isinstance(state, RefundLinks) else RefundLinks(), happening, view))
        page = state if isinstance(state, Page) else Page()
        if isinstance(happening, Occurred):
            page = ledger.with_event(page, happening.event, happening.counts, lambda receipt: _is_below_cost(receipt, happening, view))
        elif isinstance(happening, Recounted):
            page = ledger.recounted(page, happening)
        else:
            return Decision(None)
        return Decision(page, (), forgotten_at(ledger.place_of(entity.name).day))


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
