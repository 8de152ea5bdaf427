"""Which facts of sales count in a question, now or as far as was known at a moment: the same for every reader of them.

Nothing is stored a second time for it. Every fact keeps when the broker recorded it first, so what was known at T is what
follows from the facts, corrections among them, that were recorded by T.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.asyncclient import AsyncClient

from contracts.corrections import Link, not_counting

FactId = tuple[str, UUID]
"""Store and event."""

ASKED: Final = "store_id IN {stores:Array(String)} AND business_date BETWEEN {date_from:Date} AND {date_until:Date}"
COUNTING: Final = f"""{ASKED}
    AND ({{known_ms:Int64}} < 0 OR recorded_at <= fromUnixTimestamp64Milli({{known_ms:Int64}}, 'UTC'))
    AND (store_id, event_id) NOT IN (SELECT arrayJoin(arrayZip({{out_stores:Array(String)}}, {{out_ids:Array(UUID)}})))"""
"""The condition on a table of facts, to be read FINAL; `counting` binds it."""

CORRECTIONS: Final = f"""
    SELECT store_id, event_id, corrects_event_id, position, recorded_at FROM {{corrections:Identifier}} FINAL WHERE {ASKED}
"""  # noqa: S608 - literal texts


class Correction(NamedTuple):
    """A correction of a sale, and when it was recorded."""

    store_id: str
    event_id: UUID
    corrects_event_id: UUID
    position: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class FactsAsked:
    """Stores and inclusive business dates; `known_at`: only facts recorded by then, None for all of them."""

    store_ids: tuple[str, ...]
    date_from: date
    date_until: date
    known_at: datetime | None = None


def milliseconds(moment: datetime | None) -> int:
    """Return a time of the broker as it is bound; −1 for none."""
    return -1 if moment is None else int(moment.timestamp() * 1000)


def bound_to(asked: FactsAsked, generation: int) -> dict[str, Any]:
    """Bind the tables and the scope of a question."""
    return {
        "lines": f"sales_lines_g{generation}",
        "tenders": f"receipt_tenders_g{generation}",
        "corrections": f"sale_corrections_g{generation}",
        "stores": list(asked.store_ids),
        "date_from": asked.date_from,
        "date_until": asked.date_until,
    }


async def corrections_of(client: AsyncClient, asked: FactsAsked, generation: int) -> list[Correction]:
    """Return all corrections that carry one of the business dates, whenever they were recorded."""
    client.form_encode_query_params = True  # a scope of many stores does not fit an address
    result = await client.query(CORRECTIONS, parameters=bound_to(asked, generation))
    return [Correction(*row) for row in result.result_rows]


def out_of(corrections: Iterable[Correction], known_at: datetime | None) -> frozenset[FactId]:
    """Return the facts that do not count, by the corrections that were recorded by a moment."""
    links: dict[str, list[Link]] = {}
    for store_id, event_id, corrects, position, recorded_at in corrections:
        if known_at is None or recorded_at <= known_at:
            links.setdefault(store_id, []).append(Link(event_id, corrects, position))
    return frozenset((store_id, event_id) for store_id, of_store in links.items() for event_id in not_counting(of_store))


def bound_pairs(prefix: str, facts: Iterable[FactId]) -> dict[str, Sequence[Any]]:
    """Bind a set of facts as two arrays."""
    found = sorted(facts)
    return {f"{prefix}_stores": [store_id for store_id, _ in found], f"{prefix}_ids": [event_id for _, event_id in found]}


async def counting(client: AsyncClient, asked: FactsAsked, generation: int) -> dict[str, Any]:
    """Return the parameters of `COUNTING`, with the names of the tables."""
    out = out_of(await corrections_of(client, asked, generation), asked.known_at)
    return bound_to(asked, generation) | bound_pairs("out", out) | {"known_ms": milliseconds(asked.known_at)}
