"""Tolerances are data: by currency, kind of tender and store, from the date on which they were set."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from contracts.money import MINOR_DIGITS
from contracts.policies.reconciliation import CurrencyAmount, ReconciliationPolicy, TenderTolerance
from projections.read_models.stores.reader import StoreSettings
from projections.reconcile.business.tolerances import PolicyVersion, Tolerances

STORE = StoreSettings("S1", "chain", 1, datetime(2026, 1, 1, tzinfo=UTC), "Store", "Asia/Seoul", "KRW", "KR", 4, None, None, None, ())


def version(units: int, since: datetime, store_id: str | None = None, tenant_id: str = "chain", number: int = 1) -> PolicyVersion:
    """Set how far a count may lie from the book."""
    return PolicyVersion(tenant_id, store_id, since, number, ReconciliationPolicy(count_units=Decimal(units)))


def test_cash_may_lie_apart_by_a_coin_and_a_card_not_at_all() -> None:
    """Unless the policy names a kind in a currency; then that holds, also where it is less."""
    policy = ReconciliationPolicy(
        tenders=(
            TenderTolerance(kind="voucher", currency="KRW", amount=500),
            TenderTolerance(kind="cash", currency="CHF", amount=0),
        )
    )

    assert {
        (kind, currency): policy.tender(kind, currency) for kind in ("cash", "card", "voucher") for currency in ("KRW", "CHF", "USD")
    } == {
        ("cash", "KRW"): 10,
        ("cash", "CHF"): 0,
        ("cash", "USD"): 0,
        ("card", "KRW"): 0,
        ("card", "CHF"): 0,
        ("card", "USD"): 0,
        ("voucher", "KRW"): 500,
        ("voucher", "CHF"): 0,
        ("voucher", "USD"): 0,
    }


def test_what_no_policy_names_must_agree() -> None:
    """A currency without an amount has no tolerance, and every currency has an answer."""
    policy = ReconciliationPolicy(drawers=(CurrencyAmount(currency="KRW", amount=700),), coins=())

    assert {currency: policy.drawer(currency) for currency in MINOR_DIGITS} == dict.fromkeys(MINOR_DIGITS, 0) | {"KRW": 700}
    assert {policy.coin(currency) for currency in MINOR_DIGITS} == {0}
    assert policy.drawer("") == 0


def test_a_count_may_lie_apart_by_some_units_and_a_share_of_what_moved() -> None:
    """Five units and one percent, unless the chain says otherwise."""
    assert ReconciliationPolicy().count(Decimal(0)) == 5
    assert ReconciliationPolicy().count(Decimal(250)) == Decimal("7.5")
    assert ReconciliationPolicy(count_units=Decimal(0), count_percent=Decimal(2)).count(Decimal(250)) == 5


@pytest.mark.parametrize(
    ("day", "units"),
    [
        (date(2026, 2, 28), 5),
        (date(2026, 3, 1), 11),
        (date(2026, 3, 4), 11),
        (date(2026, 3, 5), 22),
        (date(2026, 3, 10), 33),
        (date(2026, 3, 15), 44),
    ],
)
def test_the_policy_in_force_when_the_business_date_ends_holds(day: date, units: int) -> None:
    """In the store's own zone and with its cut-off; the store's own policy goes before the chain's, however old it is."""
    tolerances = Tolerances(
        (
            version(11, datetime(2026, 3, 1, 18, tzinfo=UTC)),
            version(22, datetime(2026, 3, 5, 19, tzinfo=UTC)),  # the cut-off of the fifth: four in the morning of the sixth in Seoul
            version(99, datetime(2026, 1, 1, tzinfo=UTC), tenant_id="another"),
            version(99, datetime(2026, 1, 1, tzinfo=UTC), store_id="S2"),
            version(33, datetime(2026, 3, 10, tzinfo=UTC), store_id="S1"),
            version(55, datetime(2026, 3, 14, tzinfo=UTC)),
            version(44, datetime(2026, 3, 11, 19, second=1, tzinfo=UTC), store_id="S1"),
        )
    )

    assert tolerances.at(STORE, day).count_units == units


def test_nothing_set_means_the_defaults() -> None:
    """A chain need not set anything."""
    assert Tolerances().at(STORE, date(2026, 3, 1)) == ReconciliationPolicy()
