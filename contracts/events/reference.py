"""Reference data as immutable versions with `effective_from`: stores, SKUs, employees, suppliers, promotions, policies."""

from datetime import date, time
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, model_validator

from contracts.fields import (
    Amount,
    Code,
    Coordinate,
    Currency,
    Day,
    DecimalString,
    LocalTime,
    Model,
    Moment,
    Number,
    Ordinal,
    PersonRef,
    Text,
)
from contracts.policies.every import AnyPolicy

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


class Version(Model):
    """What every version carries."""

    version: Ordinal = Field(description="Counts the versions of the same thing, from 1.", examples=[3])
    effective_from: Moment = Field(
        description="From when it is in force; the version before stays in force until then.", examples=["2026-11-01T09:00:00+09:00"]
    )


class Geofence(Model):
    """A circle around an entrance of a store, within which a punch is at the store."""

    fence_id: Code = Field(description="Name of the fence within the store.", examples=["front"])
    latitude: Coordinate = Field(ge=-90, le=90, description="Of the centre, degrees (WGS 84).", examples=["37.49794"])
    longitude: Coordinate = Field(ge=-180, le=180, description="Of the centre, degrees (WGS 84).", examples=["127.02762"])
    radius_m: Ordinal = Field(description="Radius, metres.", examples=[100])


class OpeningHours(Model):
    """When a store trades on a weekday; twice the same weekday where it closes in between."""

    weekday: Weekday = Field(description="Weekday of the business date.", examples=["monday"])
    opens: LocalTime = Field(description="Local time.", examples=["09:00:00"])
    closes: LocalTime = Field(description="Local time; on the next day unless it is after `opens`.", examples=["22:00:00"])


class StoreDefined(Version):
    """Settings of a store; the version used for a business date travels with each event."""

    store_id: Code = Field(description="The store, unique across tenants.", examples=["GANGNAM-01"])
    name: Text = Field(description="Name that people use.", examples=["강남점"])
    timezone: Code = Field(description="IANA zone.", examples=["Asia/Seoul"])
    currency: Currency = Field(description="ISO 4217 code of its tills.", examples=["KRW"])
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        description="ISO 3166 code; labour and tax rules follow from it.", examples=["KR"]
    )
    cut_off_hour: int = Field(default=0, ge=0, le=23, description="Local hour at which the business date begins.", examples=[4])
    region: Text | None = Field(default=None, description="Region for comparisons.", examples=["Seoul"])
    opened_on: Day | None = Field(default=None, description="First day of trade.", examples=["2019-03-04"])
    closed_on: Day | None = Field(default=None, description="Last day of trade, where it has one.", examples=["2027-02-28"])
    alias_of: Code | None = Field(
        default=None, description="Store that goes on where this one was merged or renamed.", examples=["GANGNAM-02"]
    )
    head_count: Number | None = Field(default=None, description="People employed; some labour rules begin at five.", examples=[11])
    tills: tuple[Code, ...] = Field(default=(), description="Tills that are expected to report.", examples=[["1", "2"]])
    geofences: tuple[Geofence, ...] = Field(default=(), max_length=50, description="Where a punch is at the store.")
    hours: tuple[OpeningHours, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=28,
        description="Opening hours; a weekday that is not named is one of rest. Left out where they are not known.",
        examples=[[{"weekday": "monday", "opens": "09:00:00", "closes": "22:00:00"}]],
    )
    beacons: tuple[Code, ...] = Field(default=(), max_length=100, description="Beacons inside the store.", examples=[["B-GANGNAM-2"]])


class SkuDefined(Version):
    """A stock keeping unit of a chain."""

    sku: Code = Field(description="Stock keeping unit as the chain names it.", examples=["MILK-1L"])
    name: Text = Field(description="Name that people use.", examples=["서울우유 1L"])
    unit: Literal["piece", "kg", "l", "m"] = Field(default="piece", description="What one unit is.")
    pack_size: DecimalString = Field(
        default=1, gt=0, validate_default=True, description="Units in the pack that is ordered.", examples=["12"]
    )
    category: Text | None = Field(default=None, description="Category for comparisons.", examples=["dairy"])
    gtin: Code | None = Field(default=None, description="GTIN of one unit, leading zeros kept.", examples=["8801115114031"])
    cost: DecimalString | None = Field(
        default=None, ge=0, description="Cost of one unit without tax, major units of `currency`.", examples=["2100"]
    )
    price: DecimalString | None = Field(
        default=None, ge=0, description="List price of one unit, major units of `currency`.", examples=["2980"]
    )
    currency: Currency | None = Field(default=None, description="Currency of cost and price, ISO 4217.", examples=["KRW"])
    shelf_life_days: Number | None = Field(default=None, description="Days from receipt until it can no longer be sold.", examples=[11])
    supplier_id: Code | None = Field(default=None, description="Supplier that it is ordered from.", examples=["SUP-DAIRY"])


class EmployeeDefined(Version):
    """A person as an opaque id and the store they belong to; of their age only until when labour rules of minors protect them."""

    employee_id: PersonRef = Field(description="Opaque id.", examples=["E-1042"])
    store_id: Code = Field(description="Store that the person belongs to.", examples=["GANGNAM-01"])
    status: Literal["active", "left"] = Field(default="active", description="Whether the person works there.")
    minor_until: date | None = Field(
        default=None,
        description="First date on which labour rules of minors do not hold any more; left out for adults, and once it has passed.",
        examples=["2027-03-01"],
    )


class SupplierDefined(Version):
    """A supplier of a chain and when it delivers."""

    supplier_id: Code = Field(description="Supplier.", examples=["SUP-DAIRY"])
    name: Text = Field(description="Name of the company.", examples=["한빛유업"])
    lead_time_days: Number = Field(default=0, description="Quoted days from order to receipt.", examples=[2])
    order_weekdays: tuple[Weekday, ...] = Field(
        default=(), max_length=7, description="Days on which it takes orders; empty for every day.", examples=[["monday", "thursday"]]
    )
    order_cut_off: time | None = Field(
        default=None, description="Local time of the store until which an order counts for the day.", examples=["15:00:00"]
    )
    minimum_order: Amount | None = Field(default=None, description="Smallest order, minor units of `currency`.", examples=[100000])
    currency: Currency | None = Field(default=None, description="Currency of the smallest order, ISO 4217.", examples=["KRW"])


class PromotionDefined(Version):
    """A promotion: when, where and on what prices are lower."""

    promotion_id: Code = Field(description="Promotion.", examples=["2026-11-MILK-2PLUS1"])
    name: Text = Field(description="Name that customers see.", examples=["우유 2+1"])
    kind: Literal["percent", "amount", "fixed_price", "bundle", "other"] = Field(description="How the discount follows.")
    starts_at: Moment = Field(description="First moment.", examples=["2026-11-16T00:00:00+09:00"])
    ends_at: Moment = Field(description="First moment after it.", examples=["2026-11-30T00:00:00+09:00"])
    value: DecimalString | None = Field(
        default=None, ge=0, description="Percent, or major units of `currency`, by `kind`.", examples=["33"]
    )
    currency: Currency | None = Field(default=None, description="Currency of `value`, ISO 4217.", examples=["KRW"])
    skus: tuple[Code, ...] = Field(default=(), max_length=5000, description="SKUs; empty for all.", examples=[["MILK-1L"]])
    store_ids: tuple[Code, ...] = Field(default=(), max_length=5000, description="Stores; empty for all.", examples=[["GANGNAM-01"]])
    status: Literal["planned", "cancelled"] = Field(default="planned", description="'cancelled' takes the promotion back.")

    @model_validator(mode="after")
    def _ends_later(self) -> "PromotionDefined":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at after starts_at")
        return self


class PolicySet(Version):
    """A policy in force from `effective_from`; the narrowest scope wins (store and SKU, store, SKU, chain)."""

    scope_store_id: Code | None = Field(default=None, description="Absent: every store of the chain.", examples=["GANGNAM-01"])
    scope_sku: Code | None = Field(default=None, description="Absent: every SKU.", examples=["MILK-1L"])
    parameters: AnyPolicy = Field(description="The rule's parameters.")
