"""The accounts: what became of every record of the log, by consumer and partition, and what does not add up."""

from fastapi import APIRouter

from api.dependencies import ResourcesDep
from api.openapi import problem_answers
from api.schemas.accounting import Accounts, PartitionAccount
from projections.accounting import AccountingRow, check_accounting

router = APIRouter(prefix="/v1", tags=["operations"])


@router.get(
    "/accounting",
    name="read_accounting",
    operation_id="read_accounting",
    summary="What became of every record",
    responses=problem_answers(401, 403, 503),
)
async def read_accounting(resources: ResourcesDep) -> Accounts:
    """Return for each partition of each consumer how many records were applied, repeats, filtered, control records or dead letters."""
    with resources.queries:
        rows = await check_accounting(resources.engine, await resources.log.ends(fresh=True))
    return Accounts(is_sound=all(row.ok for row in rows), rows=[_account(row) for row in rows])


def _account(row: AccountingRow) -> PartitionAccount:
    tally = row.tally
    return PartitionAccount(
        projection=row.projection,
        generation=row.generation,
        serving=row.serving,
        topic=row.topic,
        partition=row.part,
        next_offset=row.next_offset,
        applied=tally.applied,
        repeats=tally.repeats,
        filtered=tally.filtered,
        control=tally.control,
        dead=tally.dead,
        unread=row.unread,
        problem=row.problem,
    )
