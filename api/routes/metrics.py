"""The process's own metrics, for HQ (and the Prometheus that holds its token)."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.dependencies import ResourcesDep
from api.openapi import problem_answers

router = APIRouter(tags=["operations"])


@router.get(
    "/metrics",
    name="read_metrics",
    operation_id="read_metrics",
    summary="Metrics of this process",
    response_class=PlainTextResponse,
    responses=problem_answers(401, 403),
)
async def read_metrics(resources: ResourcesDep) -> Response:
    """Answer in the text format of Prometheus."""
    for gate in (resources.posts, resources.queries):
        resources.metrics.in_flight.labels(gate.name).set(gate.in_flight)
    resources.metrics.in_flight.labels("alert streams").set(resources.alerts.open_streams)
    return Response(resources.metrics.text(), media_type=CONTENT_TYPE_LATEST)
