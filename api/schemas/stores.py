"""Stores as the caller may see them."""

from pydantic import BaseModel, Field

from api.schemas.freshness import Answer


class Store(BaseModel):
    """Settings of a store that matter for reading its figures."""

    store_id: str
    name: str
    timezone: str = Field(examples=["Asia/Seoul"])
    currency: str = Field(examples=["KRW"])
    cut_off_hour: int = Field(description="Hour at which the business date begins.")
    version: int


class StoreList(Answer):
    """All stores in scope, by id."""

    rows: list[Store]
