"""Months of the archived log: what of each lies in ClickHouse and in files."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from projections.archive.listing import Month


class ArchiveFile(BaseModel):
    """One file: the records of a partition in a month."""

    model_config = ConfigDict(from_attributes=True)

    topic: str
    partition: int = Field(validation_alias="part")
    first_offset: int
    last_offset: int
    records: int
    file: str = Field(description="Its name within the folder of the archive.")
    bytes: int
    sha256: str = Field(description="Of its bytes.")
    exported_at: datetime


class ArchiveMonth(BaseModel):
    """A month of recording, by the broker's time in UTC."""

    month: str = Field(examples=["2026-11"])
    records_in_clickhouse: int
    bytes_in_clickhouse: int
    records_in_files: int
    bytes_in_files: int
    is_cold: bool = Field(description="Older than what is to stay in ClickHouse.")
    is_exported: bool = Field(description="Files hold all that ClickHouse has of it.")
    is_dropped: bool = Field(description="Read from its files, and no longer from ClickHouse.")

    @classmethod
    def of(cls, month: Month) -> "ArchiveMonth":
        """Describe a month."""
        return cls(
            month=f"{month.month // 100}-{month.month % 100:02}",
            records_in_clickhouse=month.records,
            bytes_in_clickhouse=month.hot_bytes,
            records_in_files=sum(each.records for each in month.files),
            bytes_in_files=sum(each.bytes for each in month.files),
            is_cold=month.is_cold,
            is_exported=month.is_exported,
            is_dropped=month.is_dropped,
        )


class ArchiveStatus(BaseModel):
    """What is to stay, and every month, oldest first."""

    hot_months: int | None = Field(description="So many months stay in ClickHouse, that of now among them; null: all.")
    decided_by: str | None
    decided_at: datetime | None
    months: list[ArchiveMonth]


class ArchiveMonthDetail(ArchiveMonth):
    """A month with its files, by topic and partition."""

    files: list[ArchiveFile]
