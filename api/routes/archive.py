"""The archive of the log: which months lie in ClickHouse, which in files. Moving them is the operator's, at the command line."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.dependencies import ResourcesDep
from api.errors import ApiError
from api.openapi import problem_answers
from api.resources import Resources
from api.schemas.archive import ArchiveFile, ArchiveMonth, ArchiveMonthDetail, ArchiveStatus
from infra.clock import utc_now
from projections.archive.listing import Month, read_months, retention_in_force

router = APIRouter(prefix="/v1/archive", tags=["operations"])


@router.get(
    "/months",
    name="list_archive_months",
    operation_id="list_archive_months",
    summary="Months of the archived log",
    responses=problem_answers(401, 403, 503),
)
async def list_archive_months(resources: ResourcesDep) -> ArchiveStatus:
    """Return how many months are to stay in ClickHouse, and every month with what lies where."""
    with resources.queries:
        retention = await retention_in_force(resources.engine)
        months = await _months(resources)
    return ArchiveStatus(
        hot_months=retention.hot_months,
        decided_by=retention.decided_by,
        decided_at=retention.decided_at,
        months=[ArchiveMonth.of(month) for month in months],
    )


@router.get(
    "/months/{month}",
    name="read_archive_month",
    operation_id="read_archive_month",
    summary="One month of the archived log, with its files",
    responses=problem_answers(401, 403, 404, 422, 503),
)
async def read_archive_month(
    resources: ResourcesDep, month: Annotated[str, Path(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="As 2026-11.")]
) -> ArchiveMonthDetail:
    """Return a month, and each file with the offsets and the digest by which it is checked before it is read."""
    with resources.queries:
        found = next((each for each in await _months(resources) if each.month == int(month.replace("-", ""))), None)
    if found is None:
        raise ApiError("not_found", "the archive has nothing of that month")
    files = [ArchiveFile.model_validate(each) for each in found.files]
    return ArchiveMonthDetail(**ArchiveMonth.of(found).model_dump(), files=files)


async def _months(resources: Resources) -> list[Month]:
    return await read_months(resources.engine, await resources.clickhouse(), resources.config.addresses.log_id, utc_now())
