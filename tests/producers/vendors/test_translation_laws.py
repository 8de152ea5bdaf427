"""Laws of every translation: nothing that a vendor sends breaks it, and what comes out keeps its contract."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.codec import build_event
from contracts.events.sales import SaleCompleted
from contracts.money import line_amount
from producers.sources.payload import Node
from producers.sources.toast.check_lines import spread
from producers.sources.vendor import Translated
from producers.sources.vendor_receipts import Lines, price_of
from producers.sources.vendors import VENDORS
from tests.examples import examples
from tests.producers.vendors.accounts import CONNECTIONS, GOLDEN
from tests.producers.vendors.golden_files import PAYLOADS, bytes_of, vendor_of

JSON_PAYLOADS = [path for path in PAYLOADS if path.suffix == ".json"]
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "9" * 400,
    "1e999999999",
    "a|b",
    "\x00",
    "\ud800",
    [],
    {},
    [[]],
    [{}],
    {"amount": -5},
    "0001-01-01T00:00:00Z",
]


class VendorLine(NamedTuple):
    """A line as a vendor says it, minor units."""

    gross: int
    quantity: Decimal
    discount: int
    tax: int
    tax_included: bool = False

    @property
    def due(self) -> int:
        """Return what the vendor asks for it."""
        return self.gross - self.discount + (0 if self.tax_included else self.tax)


quantities = st.decimals(min_value=Decimal("0.00001"), max_value=100_000, places=5)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List every place of a document."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [place for key, member in members for place in places_in(member, (*path, key))]


def spoilt(document: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """Return a document with junk in one place."""
    if not path:
        return junk
    changed = copy.deepcopy(document)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = junk
    return changed


def translate(payload: Path, document: Any) -> Translated:
    """Translate a document as if it were the payload."""
    vendor = vendor_of(payload)
    return VENDORS[vendor].translated(json.dumps(document).encode(), CONNECTIONS[vendor])


@given(st.data())
@settings(max_examples=examples(150))
def test_junk_in_any_place_is_refused_or_harmless(data: st.DataObject) -> None:
    """Whatever stands where, the answer is events that can be written, or refusals that point into the payload."""
    payload = data.draw(st.sampled_from(JSON_PAYLOADS))
    document = json.loads(payload.read_text("utf-8"))
    path = data.draw(st.sampled_from(places_in(document)))
    result = translate(payload, spoilt(document, path, data.draw(st.sampled_from(JUNK))))

    assert len(bytes_of(result)) == len(result.events)
    assert all(row.pointer == "" or row.pointer.startswith("/") for row in result.refused)


def test_bytes_that_are_no_json_are_refused_as_a_whole() -> None:
    """For every vendor, without an error."""
    for name, vendor in VENDORS.items():
        for body in (b"", b"\xff", b"{", b"[" * 100_000, b'{"a": NaN}', b"3"):
            result = vendor.translated(body, CONNECTIONS[name])
            assert (result.events, bool(result.refused)) == ((), body != b"" or name != "json_lines")


def test_a_refused_order_does_not_take_its_neighbours_along() -> None:
    """Each order of a list stands alone, wherever the bad one is."""
    good = json.loads((GOLDEN / "square/simple_sale.json").read_text("utf-8"))["order"]
    payload = GOLDEN / "square/simple_sale.json"
    alone = translate(payload, {"orders": [good]}).events

    for orders in ([{}, good], [good, {}], [good, None, 7]):
        result = translate(payload, {"orders": orders})
        assert result.events == alone
        assert len(result.refused) == len(orders) - 1


@given(gross=st.integers(0, 10**9), quantity=quantities, currency=st.sampled_from(["USD", "KRW", "KWD"]))
def test_a_price_multiplies_and_says_what_is_left_over(gross: int, quantity: Decimal, currency: str) -> None:
    """Gross is what the contract computes, and with what is left over it is the vendor's amount."""
    price = price_of(gross, quantity, currency)

    assert (price.gross, price.remainder) == line_amount(price.unit_price, quantity, currency)
    assert price.gross + price.left_over == gross


@st.composite
def vendor_lines(draw: st.DrawFn) -> VendorLine:
    """Draw a line whose discount, and tax where it is inside the price, are parts of its gross."""
    gross = draw(st.integers(0, 10**7) | st.integers(0, 5))
    discount, inside = draw(st.integers(0, gross)), draw(st.booleans())
    return VendorLine(gross, draw(quantities), discount, draw(st.integers(0, gross - discount if inside else 10**5)), inside)


@given(rows=st.lists(vendor_lines(), min_size=1, max_size=8), gap=st.integers(-1, 1))
@example(rows=[VendorLine(3, Decimal("6000.00001"), 1, 0)], gap=0)
@example(rows=[VendorLine(3, Decimal("6000.00001"), 0, 2, tax_included=True)], gap=0)
@example(rows=[VendorLine(3, Decimal("6000.00001"), 1, 2, tax_included=True)], gap=0)
def test_a_receipt_of_any_amounts_holds_its_contract(rows: list[VendorLine], gap: int) -> None:
    """Lines that do not multiply, and a total that is off by rounding, become a receipt whose sums agree."""
    lines = Lines("USD", lambda _: "SKU")
    for row in rows:
        lines.add(Node({}), row.gross, row.quantity, discount=row.discount, tax=row.tax, tax_included=row.tax_included)
    total = max(sum(row.due for row in rows) + gap, 0)
    content = SaleCompleted(**lines.content(Node({}), total, receipt_id="R"))

    assert content.total == total
    assert lines.sum() + content.rounding_adjustment == total


def test_a_discount_of_the_whole_price_leaves_nothing_to_pay() -> None:
    """Also where the line is priced above what the vendor says."""
    lines = Lines("USD", lambda _: "SKU")
    for gross, quantity in ((6, 1300), (3, 6000), (500, 2)):
        lines.add(Node({}), gross, Decimal(quantity), discount=gross)

    assert [(row.gross, row.discount) for row in lines.rows] == [(7, 7), (6, 6), (500, 500)]


@given(amount=st.integers(0, 10**6), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_a_discount_is_spread_without_losing_a_cent(amount: int, weights: list[int]) -> None:
    """The shares sum up to the amount, and none is below zero."""
    shares = spread(amount, weights)

    assert sum(shares) == amount
    assert min(shares) >= 0


def test_an_update_names_the_newest_version_before_it_that_is_on_the_log() -> None:
    """Of several corrections of one event the first wins, so the third version must name the second, whatever was never seen."""
    order = json.loads((GOLDEN / "square/updated_after_completion.json").read_text("utf-8"))["order"]
    versions = {number: translate(GOLDEN / "square/x.json", {"order": order | {"version": number}}) for number in (4, 5, 9)}
    sale, of_4, of_5, of_9 = versions[4].events[0].data.corrects_event_id, *(result.events[0].id for result in versions.values())

    def named(number: int, *recorded: UUID) -> list[UUID]:
        return [event.data.corrects_event_id for event in versions[number].following(recorded)]

    assert named(9) == named(9, sale) == [sale]
    assert named(9, sale, of_4, of_5) == [of_5]
    assert named(9, of_4) == [of_4]
    assert named(5, of_9) == [sale]
    assert named(9, of_9, of_5) == []


def test_a_correction_names_what_the_first_version_became() -> None:
    """The update of an order corrects the event that the order was, and has an id of its own."""
    (first,) = translate(JSON_PAYLOADS[0].parents[1] / "square/x.json", json.loads((GOLDEN / "square/simple_sale.json").read_text())).events
    (update,) = translate(GOLDEN / "square/x.json", json.loads((GOLDEN / "square/updated_after_completion.json").read_text())).events

    assert update.data.corrects_event_id == first.id
    assert update.id != first.id
    assert update.envelope.business_date == first.envelope.business_date
    assert build_event(update.envelope, update.data) == update
