"""The envelope of every event: CloudEvents 1.0 attributes plus our extensions; times, identity and place, no content."""

from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from contracts.fields import Code, Counter, Day, Model, Moment, Number, Text

Data_co = TypeVar("Data_co", bound=Model, covariant=True)

CHAIN_WIDE = "*"
"""`storeid` of a record that concerns every store of a chain (a SKU, a chain policy) or a whole partition (a tick)."""


class Envelope(Model):
    """CloudEvents attributes by their own names (aliases), Python names for the rest of the code."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    specversion: Literal["1.0"] = Field(default="1.0", description="Version of CloudEvents.")
    id: UUID = Field(
        description="Identity of the event, minted where it happened or derived from the source's key.",
        examples=["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"],
    )
    source: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")] = Field(
        description="What sent it.", examples=["till/GANGNAM-01/1"]
    )
    type: Annotated[str, StringConstraints(max_length=80)] = Field(description="Family and major version.", examples=["sale.completed.v1"])
    occurred_at: Moment = Field(alias="time", description="The device's time, with its offset.", examples=["2026-11-20T19:42:11+09:00"])
    subject: Text | None = Field(
        default=None, description="The entity that the event is about, e.g. a receipt number.", examples=["20261120-1-0457"]
    )
    dataschema: Text | None = Field(
        default=None, description="Path of the JSON Schema of the data.", examples=["contracts/schemas/sale.completed.v1.json"]
    )
    tenant_id: Code = Field(alias="tenantid", description="The chain (customer of the platform).", examples=["hanbit"])
    store_id: Code = Field(
        alias="storeid", description="Store, unique across tenants; '*' for chain-wide and control records.", examples=["GANGNAM-01"]
    )
    business_date: Day | None = Field(
        default=None, alias="businessdate", description="Store's local date less its cut-off hour.", examples=["2026-11-20"]
    )
    device_id: Code | None = Field(default=None, alias="deviceid", description="Device that made the event.", examples=["till-1"])
    device_seq: Counter | None = Field(default=None, alias="deviceseq", description="Per-device counter; a gap is found.", examples=[88214])
    causation_id: UUID | None = Field(
        default=None, alias="causationid", description="Event that led to this one.", examples=["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"]
    )
    correlation_id: UUID | None = Field(
        default=None, alias="correlationid", description="What belongs together.", examples=["019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01"]
    )
    traceparent: Text | None = Field(
        default=None, description="W3C trace context.", examples=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]
    )
    ingested_at: Moment | None = Field(
        default=None, alias="ingestedtime", description="When the edge or the loader took it.", examples=["2026-11-20T19:42:12+09:00"]
    )
    store_version: Number | None = Field(
        default=None, alias="storeversion", description="Store settings used for the business date.", examples=[3]
    )
    history: bool = Field(default=False, description="The load says that it is history of any age.")
    clock_ahead: bool = Field(default=False, alias="clockahead", description="The device's clock was more than 5 minutes ahead.")
    retry_of: Text | None = Field(
        default=None,
        alias="retryof",
        description="topic/partition/offset of the dead letter retried.",
        examples=["store-facts-v1/4/120874"],
    )


@dataclass(frozen=True, slots=True)
class Event(Generic[Data_co]):
    """An envelope and its validated content."""

    envelope: Envelope
    data: Data_co

    @property
    def id(self) -> UUID:
        """The event's identity."""
        return self.envelope.id

    @property
    def type(self) -> str:
        """Family and major version."""
        return self.envelope.type

    @property
    def store_id(self) -> str:
        """The store whose order the event belongs to."""
        return self.envelope.store_id
