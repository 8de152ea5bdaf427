"""Health: whether the process is alive, and whether everything that it needs is at hand."""

from fastapi import APIRouter

from api.dependencies import ResourcesDep
from api.errors import ApiError
from api.openapi import problem_answers
from api.schemas.health import Health

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", name="health_live", operation_id="health_live", summary="Is the process alive")
async def health_live() -> Health:
    """Answer as long as the process can answer at all."""
    return Health(status="live")


@router.get("/ready", name="health_ready", operation_id="health_ready", summary="Is everything at hand", responses=problem_answers(503))
async def health_ready(resources: ResourcesDep) -> Health:
    """Say ready, or 503 with the names of the parts that are `missing`."""
    missing = await resources.missing()
    if missing:
        raise ApiError("not_ready", f"not ready: {', '.join(missing)}", {"missing": missing})
    return Health(status="ready")
