"""Read models that keep of an event its id alone, no hash and no position: the ids that the log names against those in the tables.

Both sides lie in Postgres, so that one statement compares them at one moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.registry import (
    EMPLOYEE_DEFINED,
    POLICY_SET,
    PROMOTION_DEFINED,
    REORDER_RECOMMENDED,
    SKU_DEFINED,
    STORE_DEFINED,
    SUPPLIER_DEFINED,
)
from contracts.topics import DEAD_LETTERS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS
from projections.reconcile.compare import Difference, Key
from projections.reconcile.log_record import RULES_LETTER

_MOST: Final = 1_000
_KINDS: Final = {
    "store": STORE_DEFINED,
    "sku": SKU_DEFINED,
    "employee": EMPLOYEE_DEFINED,
    "supplier": SUPPLIER_DEFINED,
    "promotion": PROMOTION_DEFINED,
    "policy": POLICY_SET,
}


@dataclass(frozen=True, slots=True)
class IdentityModel:
    """A model, the topics and types that it holds, and what selects store, type and id of its rows; no store where all are one key."""

    model: str
    topics: tuple[str, ...]
    types: tuple[str, ...]
    rows: str
    is_by_store: bool = False


IDENTITY_MODELS: Final = (
    IdentityModel(
        "stores",
        (REFERENCE_DATA, STORE_FACTS),
        (STORE_DEFINED, EMPLOYEE_DEFINED, SKU_DEFINED),
        f"""
        SELECT '', '{STORE_DEFINED}', event_id FROM {{schema}}.store_versions UNION ALL
        SELECT '', '{EMPLOYEE_DEFINED}', event_id FROM {{schema}}.employee_versions UNION ALL
        SELECT '', '{SKU_DEFINED}', event_id FROM {{schema}}.sku_versions
        """,  # noqa: S608 - names of ours
    ),
    IdentityModel(
        "reference_data",
        (REFERENCE_DATA,),
        tuple(_KINDS.values()),
        f"""
        SELECT '', event_type, event_id FROM {{schema}}.reference_data
        JOIN (VALUES {", ".join(f"('{kind}', '{event_type}')" for kind, event_type in _KINDS.items())}) AS kinds (kind, event_type)
        USING (kind)
        """,  # noqa: S608 - names of ours
    ),
    IdentityModel(
        "reorder_recommendations",
        (REORDER_RECOMMENDATIONS,),
        (REORDER_RECOMMENDED,),
        f"SELECT store_id, '{REORDER_RECOMMENDED}', event_id FROM {{schema}}.reorder_revisions",  # noqa: S608 - names of ours
        is_by_store=True,
    ),
    IdentityModel(
        "dead_letters",
        (DEAD_LETTERS,),
        (RULES_LETTER,),
        f"SELECT '', '{RULES_LETTER}', md5(topic || '/' || part || '/' || record_offset)::uuid "  # noqa: S608 - names of ours
        "FROM delivery.dead_letters WHERE projection = 'processors'",
    ),
)

_BOTH: Final = f"""
    WITH logged AS (
        SELECT DISTINCT ON (store_id, event_type, e.event_id) CASE WHEN :by_store THEN d.store_id ELSE '' END AS store_id, d.event_type,
               e.event_id, concat_ws('/', r.topic, r.part, e.record_offset) AS place
        FROM delivery.log_digest d JOIN delivery.log_reads r ON r.id = d.read_id JOIN delivery.log_events e ON e.digest_id = d.id
        WHERE r.topic = ANY(CAST(:topics AS text[])) AND d.event_type = ANY(CAST(:types AS text[]))
    ), held (store_id, event_type, event_id) AS ({{rows}}), both_sides AS (
        SELECT store_id, event_type, event_id, place, h.event_id IS NOT NULL AS is_held, place IS NOT NULL AS is_logged
        FROM logged l FULL JOIN (SELECT DISTINCT * FROM held) h USING (store_id, event_type, event_id)
    )
    SELECT (SELECT count(*) FROM both_sides WHERE is_logged) AS events,
           (SELECT count(DISTINCT (store_id, event_type)) FROM both_sides WHERE is_logged) AS keys,
           wrong.* FROM (SELECT 1) AS one LEFT JOIN (
        SELECT store_id, event_type, event_id::text, place FROM both_sides WHERE is_held <> is_logged
        ORDER BY 1, 2, 3 LIMIT {_MOST}
    ) AS wrong ON true
"""  # noqa: S608 - literal texts


@dataclass(frozen=True, slots=True)
class Identities:
    """How many events the log names, in how many keys, and which of them are on one side only."""

    events: int
    keys: int
    differences: tuple[Difference, ...]


async def compare_identities(conn: AsyncConnection, model: IdentityModel, generation: int, letters: Mapping[str, str]) -> Identities:
    """Compare one model with the digest of the log as both are at this moment; `letters`: place to reason of its dead letters."""
    statement = _BOTH.format(rows=model.rows.format(schema=f"read_g{generation}"))
    bound = {"topics": list(model.topics), "types": list(model.types), "by_store": model.is_by_store}
    rows = (await conn.execute(text(statement), bound)).all()
    return Identities(
        rows[0].events, rows[0].keys, tuple(_difference(model.model, letters, *row[2:]) for row in rows if row.event_id is not None)
    )


def _difference(model: str, letters: Mapping[str, str], store_id: str, event_type: str, event_id: str, place: str | None) -> Difference:
    key = Key(store_id, "", event_type)
    if place is None:
        return Difference(model, key, "extra", event_id, "the log has no such event")
    return Difference(model, key, "missing", event_id, f"the log has it at {place}", letters.get(place))
