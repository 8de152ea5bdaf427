"""Generated events of every fact family: any store, any currency, weighed goods, foreign letters, odd offsets."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from contracts.codec import build_event
from contracts.envelope import Envelope, Event
from contracts.fields import Model
from contracts.money import MINOR_DIGITS, line_amount
from contracts.records import OutboundRecord, RawRecord

codes = st.text(st.characters(min_codepoint=0x20, exclude_characters="|", exclude_categories=("Cs",)), min_size=1, max_size=30)
people = st.from_regex(r"E-[0-9]{1,6}", fullmatch=True)
texts = st.text(st.characters(min_codepoint=1, exclude_categories=("Cs",)), max_size=60)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1971, 1, 1), datetime(2148, 12, 31, 23, 59, 59), timezones=st.just(UTC)).flatmap(  # noqa: DTZ001 - bounds take no zone
    lambda moment: offsets.map(moment.astimezone)
)
quantities = st.decimals("0.001", "99999", places=3)
prices = st.decimals("0", "999999", places=5)
"""Times the largest quantity, in the minor units of any currency, still an amount that the contracts take."""
currencies = st.sampled_from(sorted(MINOR_DIGITS))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw from the strategy or leave the field out."""
    return st.none() | strategy


@st.composite
def sale_lines(draw: st.DrawFn, currency: str, number: int) -> dict[str, Any]:
    """Draw one line whose amount agrees with its price and quantity."""
    quantity, price = draw(quantities), draw(prices)
    gross, _ = line_amount(price, quantity, currency)
    return {
        "line": number,
        "kind": draw(st.sampled_from(["item", "service", "return"])),
        "sku": draw(codes),
        "description": draw(maybe(texts)),
        "quantity": str(quantity),
        "unit_price": str(price),
        "gross": gross,
        "discount": draw(st.integers(0, gross)),
        "tax": draw(st.integers(0, gross)),
    }


@st.composite
def receipts(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a receipt of up to four lines."""
    currency = draw(currencies)
    lines = [draw(sale_lines(currency, number)) for number in range(1, draw(st.integers(1, 4)) + 1)]
    exact = sum(
        (line_amount(Decimal(line["unit_price"]), Decimal(line["quantity"]), currency)[1] for line in lines),
        Decimal(0),
    )
    return {
        "receipt_id": draw(codes),
        "currency": currency,
        "lines": lines,
        "rounding_remainder": str(exact),
        "till_id": draw(maybe(codes)),
    }


voids = st.tuples(receipts(), st.sampled_from(["before_completion", "after_completion"])).map(lambda pair: {**pair[0], "phase": pair[1]})
punches = st.fixed_dictionaries(
    {"employee_id": people},
    optional={
        "punch_source": st.sampled_from(["mobile", "kiosk", "nfc"]),
        "location": st.fixed_dictionaries(
            {"verdict": st.sampled_from(["inside", "outside", "uncertain"])}, optional={"distance_m": st.integers(0, 2**31 - 1)}
        ),
    },
)
counts = st.fixed_dictionaries(
    {
        "sheet_id": codes,
        "lines": st.lists(
            st.fixed_dictionaries({"line": st.integers(1, 99), "sku": codes, "quantity": quantities.map(str)}), min_size=1, max_size=4
        ),
    }
)
adjustments = st.fixed_dictionaries(
    {
        "reference": codes,
        "reason": st.sampled_from(["write_off", "found", "theft"]),
        "lines": st.lists(
            st.fixed_dictionaries(
                {"line": st.integers(1, 99), "sku": codes, "quantity_delta": st.decimals(-9999, 9999, places=3).map(str)}
            ),
            min_size=1,
            max_size=4,
        ),
    }
)

DATA: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "sale.completed.v1": receipts(),
    "sale.returned.v1": receipts(),
    "sale.voided.v1": voids,
    "clock.in.v1": punches,
    "clock.out.v1": punches,
    "stock.counted.v1": counts,
    "stock.adjusted.v1": adjustments,
}


@st.composite
def envelopes(draw: st.DrawFn, event_type: str) -> Envelope:
    """Draw an envelope with any mix of optional attributes."""
    return Envelope(
        id=draw(st.uuids()),
        source=draw(codes),
        type=event_type,
        occurred_at=draw(moments),
        subject=draw(maybe(texts)),
        tenant_id=draw(codes),
        store_id=draw(codes),
        business_date=draw(maybe(moments.map(lambda moment: moment.date()))),
        device_id=draw(maybe(codes)),
        device_seq=draw(maybe(st.integers(0, 2**63 - 1))),
        causation_id=draw(maybe(st.uuids())),
        ingested_at=draw(maybe(moments)),
        store_version=draw(maybe(st.integers(0, 2**31 - 1))),
        history=draw(st.booleans()),
        clock_ahead=draw(st.booleans()),
    )


@st.composite
def events(draw: st.DrawFn) -> Event[Model]:
    """Draw an event of any fact family."""
    event_type = draw(st.sampled_from(sorted(DATA)))
    return build_event(draw(envelopes(event_type)), draw(DATA[event_type]))


def on_the_log(record: OutboundRecord, offset: int = 0) -> RawRecord:
    """Return a record as a consumer sees it."""
    return RawRecord(record.topic, record.partition or 0, offset, 1_795_000_000_000, record.key, record.value, list(record.headers))
