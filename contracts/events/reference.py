"""Reference data as immutable versions with `effective_from`: stores, SKUs, employees, policies."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.fields import Code, Currency, Day, DecimalString, Model, Moment, Number, Ordinal, Text


class Version(Model):
    """What every version carries."""

    version: Ordinal
    effective_from: Moment


class StoreDefined(Version):
    """Settings of a store; the version used for a business date travels with each event."""

    store_id: Code
    name: Text
    timezone: Code = Field(description="IANA zone, e.g. 'Asia/Seoul'.")
    currency: Currency
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    cut_off_hour: int = Field(default=0, ge=0, le=23, description="Hour at which the business date begins.")
    region: Text | None = None
    opened_on: Day | None = None
    head_count: Number | None = None
    tills: tuple[Code, ...] = ()


class SkuDefined(Version):
    """A stock keeping unit of a chain."""

    sku: Code
    name: Text
    unit: Literal["piece", "kg", "l", "m"] = "piece"
    pack_size: DecimalString = Field(default=1, gt=0, validate_default=True)
    category: Text | None = None
    gtin: Code | None = None


class EmployeeDefined(Version):
    """A person as an opaque id and the store they belong to; nothing personal."""

    employee_id: Code
    store_id: Code
    status: Literal["active", "left"] = "active"


class ReorderPointPolicy(Model):
    """When and how much to reorder, in units."""

    policy: Literal["reorder_point"] = "reorder_point"
    reorder_point: DecimalString = Field(ge=0)
    order_up_to: DecimalString = Field(gt=0)


class NoShowPolicy(Model):
    """When a published shift without a punch becomes a no-show, in minutes."""

    policy: Literal["no_show"] = "no_show"
    grace_minutes: int = Field(default=10, ge=0, le=240)
    early_minutes: int = Field(default=60, ge=0, le=720, description="A punch this long before the start still belongs to the shift.")


class PolicySet(Version):
    """A policy in force from `effective_from`; the narrowest scope wins (store and SKU, store, SKU, chain)."""

    scope_store_id: Code | None = Field(default=None, description="Absent: every store of the chain.")
    scope_sku: Code | None = Field(default=None, description="Absent: every SKU.")
    parameters: Annotated[ReorderPointPolicy | NoShowPolicy, Field(discriminator="policy")]
