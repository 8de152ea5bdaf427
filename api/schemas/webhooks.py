"""What a vendor's delivery is answered with: the fate of each event that it became, and what could not become one."""

from pydantic import BaseModel, Field

from api.schemas.events import ItemResult, ProblemBody


class WebhookResult(BaseModel):
    """The fate of a delivery, all of it decided; nothing in it becomes better by delivering it again."""

    accepted: int = Field(description="Events that are on the log now.")
    duplicate: int = Field(description="Events that were on the log already.")
    rejected: int = Field(description="Events that the edge refused: see `results`.")
    refused: list[ProblemBody] = Field(description="What could not be translated; pointers lead into the delivered body.")
    results: list[ItemResult]
