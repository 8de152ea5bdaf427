"""After closing, the office finds that a sale was wrong or never happened."""

from collections.abc import Iterator

from contracts.envelope import Event
from contracts.events.correction import EventCorrected
from contracts.events.registry import EVENT_CORRECTED, SALE_COMPLETED
from contracts.events.sales import SaleCompleted
from contracts.fields import Model
from producers.simulator.checkout import Checkout, Ringing
from producers.simulator.goods import GRAMS
from producers.simulator.sales import SalesDay
from producers.simulator.world import Happened

_OFFICE = "office"


def corrections(at: float, sales: SalesDay) -> Iterator[Happened]:
    """Yield the corrections of a day: a unit more was sold, or nothing at all (a training receipt)."""
    checkout = sales.checkout
    for number, (sale, ringing) in enumerate(sales.to_correct):
        right = _with_a_unit_more(sale, ringing, checkout) if ringing.basket.cashier < 0.6 else None
        if right is None:
            for item in ringing.items:
                checkout.shelf.put(item.good.place, item.quantity)
        content = EventCorrected(
            corrects_event_id=sale.id,
            corrects_type=SALE_COMPLETED,
            corrects_occurred_at=sale.envelope.occurred_at,
            kind="incorrect_data" if right else "did_not_occur",
            reason="wrong quantity keyed" if right else "training receipt",
            replacement=right.model_dump(mode="json", exclude_none=True, exclude_defaults=True) if right else None,
        )
        tills = checkout.tills
        event: Event[Model] = tills.writer.write(
            tills.day, at + number * 90, EVENT_CORRECTED, number, content, _OFFICE, sale.data.receipt_id, on=sale.envelope.business_date
        )
        made = Happened(event.envelope.occurred_at, event, _OFFICE, undoes=sale)
        checkout.note("corrections", made)
        yield made


def _with_a_unit_more(sale: Event[SaleCompleted], ringing: Ringing, checkout: Checkout) -> SaleCompleted | None:
    """Return the sale with one more of its first good, where there was one."""
    item = ringing.items[0]
    if not checkout.shelf.take(item.good.place, GRAMS):
        return None
    register, data = checkout.register, sale.data
    lines = (register.line(1, item._replace(quantity=item.quantity + GRAMS)), *data.lines[1:])
    tender = data.tenders[0]
    paid = register.paid(lines, ringing.basket.pay, tender.approval_code or "", checkout.tills.day.date)
    changed = {"lines": lines, "total": paid.total, "tenders": paid.tenders, "rounding_adjustment": paid.rounding}
    return data.model_copy(update={**changed, "rounding_remainder": register.remainder(lines)})
