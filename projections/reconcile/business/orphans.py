"""The check of orphan refunds: returns and voids whose sale is not there, or gave less than came back of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from projections.reconcile.business.clock import is_sealed
from projections.reconcile.business.days import Span, spans_of
from projections.reconcile.business.links import Link
from projections.reconcile.business.orphan_judgement import NAME, Back, judge_sale, judge_unknown
from projections.reconcile.business.orphan_reader import OrphanReader
from projections.reconcile.checks import CheckOutcome, Connections, Scope, Tally

_UNNAMED: Final = "{count} returns and voids are not in the archive yet, so nobody can say which sale they name"


class OrphanRefunds:
    """The check `orphan_refunds`."""

    name = NAME
    title = "Every return and void has its sale, and takes no more of it than was sold"

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Judge the returns and voids of the scope that name a sale; those that name none are legal."""
        tally, reader, missing = Tally(), await OrphanReader.of(connections), 0
        for span in (await spans_of(connections, scope)).spans:
            backs = await reader.backs(span.store.store_id, span.first, span.last)
            links, unread = await reader.links(backs)
            missing += unread
            tally.compared += len(links)
            await _judge_span(connections, reader, span, [back for back in backs if back.event_id in links], links, tally)
        if missing:
            tally.reasons.append(_UNNAMED.format(count=missing))
        return tally.outcome(self)


async def _judge_span(
    connections: Connections, reader: OrphanReader, span: Span, backs: Sequence[Back], links: Mapping[UUID, Link], tally: Tally
) -> None:
    """Judge the returns and voids of one store, store by store in which they were sold."""
    by_store: dict[str, list[Back]] = defaultdict(list)
    for back in backs:
        by_store[links[back.event_id].store_id].append(back)
    for store_id, of_store in by_store.items():
        sales = await _resolve(reader, store_id, of_store, links)
        sold, first = await reader.sold(store_id, sorted({event_id for event_id in sales.values() if event_id is not None}))
        for back in of_store:
            if sales[back.event_id] not in sold:
                settled = is_sealed(connections.clock, span.store, back.business_date)
                tally.add([judge_unknown(back, links[back.event_id], is_settled=settled)])
        skus = {sku for sale in sold.values() for sku in sale.quantities} | {sku for back in of_store for sku in back.quantities}
        others = await reader.backs_since(span.store.store_id, first, skus) if sold else []
        taken = await _taken(reader, store_id, others)
        asked = frozenset(back.event_id for back in of_store)
        for event_id, sale in sorted(sold.items()):
            tally.add(judge_sale(sale, taken.get(event_id, []), asked))


async def _taken(reader: OrphanReader, store_id: str, backs: Sequence[Back]) -> dict[UUID, list[Back]]:
    """Return what came back in a store, by the sale of another (or the same) that it is of."""
    links, _ = await reader.links(backs)
    here = {back.event_id: back for back in backs if back.event_id in links and links[back.event_id].store_id == store_id}
    found: dict[UUID, list[Back]] = defaultdict(list)
    for back_id, sale_id in (await _resolve(reader, store_id, list(here.values()), links)).items():
        if sale_id is not None:
            found[sale_id].append(here[back_id])
    return found


async def _resolve(reader: OrphanReader, store_id: str, backs: Sequence[Back], links: Mapping[UUID, Link]) -> dict[UUID, UUID | None]:
    """Return by return or void the sale that it names; of several under a receipt number the last before it."""
    numbers = {link.receipt_id for back in backs if (link := links[back.event_id]).event_id is None and link.receipt_id}
    named = await reader.named(store_id, sorted(numbers)) if numbers else {}

    def sale_of(back: Back) -> UUID | None:
        link = links[back.event_id]
        return link.event_id or _last(named.get(link.receipt_id or "", []), back)

    return {back.event_id: sale_of(back) for back in backs}


def _last(sales: Sequence[tuple[date, UUID]], back: Back) -> UUID | None:
    return next((event_id for day, event_id in reversed(sales) if day <= back.business_date), None)
