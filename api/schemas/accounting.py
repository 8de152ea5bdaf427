"""What became of every record: one class each, per consumer and partition."""

from pydantic import BaseModel, Field


class PartitionAccount(BaseModel):
    """The account of one partition of one consumer; `problem` says which offsets have none, or several."""

    projection: str = Field(examples=["sales"])
    generation: int
    serving: bool = Field(description="Whether readers read this generation.")
    topic: str
    partition: int
    next_offset: int = Field(description="Records below it are accounted for.")
    applied: int
    repeats: int
    filtered: int = Field(description="Of a type that does not concern the consumer.")
    control: int = Field(description="Ticks: they move clocks and say nothing of a store.")
    dead: int
    unread: int | None = Field(description="Records on the log beyond it; null when the log does not say.")
    problem: str | None = Field(examples=["no account of the offsets 120 to 140"])


class Accounts(BaseModel):
    """The accounts of all consumers."""

    is_sound: bool = Field(description="Whether every record of every partition has exactly one account.")
    rows: list[PartitionAccount]
