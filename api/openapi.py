"""The OpenAPI document: problem answers for every route, and their one schema."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.schemas.problem import PROBLEM_CONTENT, Problem

_MEANINGS = {
    400: "The request cannot be read.",
    401: "There is no valid token.",
    403: "The role or the store is not the caller's.",
    404: "There is no such resource.",
    406: "No such format.",
    408: "The body did not arrive in time.",
    409: "It was decided already or cannot be decided so, or the read model has halted.",
    410: "The log no longer has the place asked for.",
    413: "Too large.",
    415: "Not a supported media type.",
    422: "A parameter or every event is not valid.",
    503: "A part does not answer, or too much is in flight: come again after `Retry-After` seconds.",
}


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare problem documents for some statuses of a route."""
    return {status: {"description": _MEANINGS[status], "content": PROBLEM_CONTENT} for status in statuses}


def install_openapi(app: FastAPI) -> None:
    """Let the app describe itself, with the problem schema and our validation errors instead of the framework's."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            built = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas = built["components"]["schemas"]
            _, problem = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
            schemas.update(problem["$defs"])
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            app.openapi_schema = built
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
