"""What a store's rules observe of it, for the rules that compare the stores of a chain."""

from pydantic import Field

from contracts.fields import Amount, Currency, Day, DecimalString, Model, Moment, Number, Ordinal, SignedAmount


class SalesObserved(Model):
    """Sales of a store from the begin of its business date to the end of an hour, against what its past let expect.

    Of one store and hour the highest revision counts: late sales and corrections lead to another.
    """

    business_date: Day = Field(description="Business date of the store.", examples=["2026-11-20"])
    hour: int = Field(ge=0, le=23, description="Hour of the business date, counted from its cut-off.", examples=[9])
    hour_end: Moment = Field(description="End of that hour.", examples=["2026-11-20T14:00:00+09:00"])
    day_begin: Moment = Field(description="Begin of the business date.", examples=["2026-11-20T04:00:00+09:00"])
    day_end: Moment = Field(description="End of the business date.", examples=["2026-11-21T04:00:00+09:00"])
    revision: Ordinal = Field(description="Counts what was said of the store and hour, from 1.", examples=[1])
    currency: Currency | None = Field(default=None, description="Of the amounts, where the store's is known.", examples=["KRW"])
    actual: SignedAmount = Field(description="Net sales until then, minor units.", examples=[3104500])
    expected: Amount = Field(description="Net sales to expect until then, minor units, three digits.", examples=[4120000])
    receipts: Number = Field(description="Receipts until then.", examples=[214])
    expected_receipts: Number = Field(description="Receipts to expect until then.", examples=[291])
    residual: DecimalString = Field(
        description="How far the logarithm of sales is from the expected one, in units of `spread`; negative: too low.", examples=["-1.94"]
    )
    spread: DecimalString = Field(gt=0, description="How far that logarithm usually strays.", examples=["0.152"])
    elapsed: DecimalString = Field(ge=0, le=1, description="Share of the day's receipts that usually have come by then.", examples=["0.48"])
    like_days: Number = Field(description="Like days that the expectation is made of.", examples=[8])
    promoted: bool = Field(default=False, description="A promotion ran in the store on that date.")
    silent: bool = Field(default=False, description="A till of the store was not heard of, so sales may be missing.")
    false_discovery_rate: DecimalString = Field(gt=0, lt=1, description="Of the policy in force.", examples=["0.5"])
    false_alarm_rate: DecimalString = Field(
        gt=0, lt=1, description="Share of normal store-days that may alarm, of the alerting policy in force.", examples=["0.01"]
    )
    least_deviation: Amount = Field(description="Smallest deviation that matters, minor units.", examples=[412000])
    high_deviation: Amount = Field(description="Deviation from which it is grave, minor units.", examples=[1648000])
    drop_trust: DecimalString = Field(
        default=1, gt=0, le=1, validate_default=True, description="Weight of the store in drops: less after false alarms.", examples=["0.5"]
    )
    spike_trust: DecimalString = Field(
        default=1, gt=0, le=1, validate_default=True, description="Weight of the store in spikes: less after false alarms.", examples=["1"]
    )
    policy_version: Number = Field(description="Version of the policy in force; 0 is the built-in default.", examples=[1])
    rule_version: Ordinal = Field(description="Version of the rule's code.", examples=[1])
