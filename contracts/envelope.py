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

    specversion: Literal["1.0"] = "1.0"
    id: UUID = Field(description="Identity of the event, minted where it happened or derived from the source's key.")
    source: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")] = Field(
        description="What sent it, e.g. 'till/STORE-1/2'."
    )
    type: Annotated[str, StringConstraints(max_length=80)] = Field(description="Family and major version, e.g. 'sale.completed.v1'.")
    occurred_at: Moment = Field(alias="time", description="The device's time, with its offset.")
    subject: Text | None = Field(default=None, description="The entity that the event is about, e.g. a receipt number.")
    dataschema: Text | None = Field(default=None, description="Path of the JSON Schema of the data.")
    tenant_id: Code = Field(alias="tenantid", description="The chain (customer of the platform).")
    store_id: Code = Field(alias="storeid", description="Store, unique across tenants; '*' for chain-wide and control records.")
    business_date: Day | None = Field(default=None, alias="businessdate", description="Store's local date less its cut-off hour.")
    device_id: Code | None = Field(default=None, alias="deviceid")
    device_seq: Counter | None = Field(default=None, alias="deviceseq", description="Per-device counter; a gap is found.")
    causation_id: UUID | None = Field(default=None, alias="causationid")
    correlation_id: UUID | None = Field(default=None, alias="correlationid")
    traceparent: Text | None = None
    ingested_at: Moment | None = Field(default=None, alias="ingestedtime", description="When the edge or the loader took it.")
    store_version: Number | None = Field(default=None, alias="storeversion", description="Store settings used for the business date.")
    history: bool = Field(default=False, description="The load says that it is history of any age.")
    clock_ahead: bool = Field(default=False, alias="clockahead", description="The device's clock was more than 5 minutes ahead.")
    retry_of: Text | None = Field(default=None, alias="retryof", description="topic/partition/offset of the dead letter retried.")


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
