"""The problem document of every error (RFC 9457)."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from api.schemas.events import ItemResult, ProblemBody


class Problem(BaseModel):
    """What went wrong; `code` is stable, `detail` is for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:tillstream:problem:store_out_of_scope",
                    "title": "The store is not one of the caller's",
                    "status": 403,
                    "detail": "not among the stores of this token: SEOUL-2",
                    "instance": "/v1/stock",
                    "code": "store_out_of_scope",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    problems: list[ProblemBody] | None = None
    results: list[ItemResult] | None = None
    missing: list[str] | None = None


PROBLEM_CONTENT: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
