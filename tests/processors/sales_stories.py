"""Weeks of sales of small shops for the rules that compare them: a few receipts an hour, the same every day but for a little."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.alerts import AlertChanged
from contracts.events.observations import SalesObserved
from contracts.events.registry import POLICY_SET, SALE_COMPLETED, STORE_DEFINED, TILL_HEARTBEAT
from contracts.records import LogRecord, RawRecord
from contracts.topics import CHAIN_OBSERVATIONS
from processors.fold import Fold
from processors.outgoing import Outgoing
from processors.rules.sales_deviation import SalesDeviation
from processors.rules.sales_deviation_chain import SalesDeviationChain
from processors.stages import Stage
from tests.processors import events as tell
from tests.processors.oracle import Replica, alerts, contents

Story = list[Event[Any]]
MIDNIGHT = tell.START.replace(hour=0)
HOURS = (9, 10, 11)
RECEIPTS_AN_HOUR = 5


def day(number: int, hour: float = 0) -> datetime:
    """Return a time of a day of the story."""
    return MIDNIGHT + timedelta(days=number, hours=hour)


def sale(name: str, when: datetime, amount: int = 1000, store: str = "S1", till: str | None = None) -> Event[Any]:
    """Sell for an amount."""
    line = {"line": 1, "sku": "MILK", "quantity": "1", "unit_price": str(amount / 100), "gross": amount}
    data: dict[str, Any] = {"receipt_id": name, "currency": "GBP", "lines": [line]}
    return tell.event(SALE_COMPLETED, name, when, data | ({"till_id": till} if till else {}), store)


def sales_of(number: int, store: str = "S1", share: float = 1.0, hours: Iterable[int] = HOURS, till: str | None = None) -> Story:
    """Sell on a day as always, give or take a little that depends on day and store, times a share."""
    made = []
    for hour in hours:
        luck = (number * 7 + hour * 3 + sum(store.encode())) % 3 - 1
        count = round((RECEIPTS_AN_HOUR + luck) * share)
        for receipt in range(count):
            when = day(number, hour) + timedelta(minutes=5 + 50 * receipt / count)
            made.append(sale(f"{number}-{hour}-{receipt}", when, 1000 + 10 * ((receipt + number) % 5), store, till))
    return made


def heartbeat(when: datetime, till: str = "T1", store: str = "S1") -> Event[Any]:
    """Say that a till is alive."""
    return tell.event(TILL_HEARTBEAT, f"beat/{till}/{when.isoformat()}", when, {"till_id": till}, store)


def store_defined(store: str = "S1", timezone: str = "UTC", cut_off: int = 0, tills: Sequence[str] = (), **more: Any) -> Event[Any]:
    """Describe a store."""
    data = {
        "version": 1,
        "effective_from": day(-400),
        "store_id": store,
        "name": store,
        "timezone": timezone,
        "currency": "GBP",
        "country": "GB",
        "cut_off_hour": cut_off,
        "tills": list(tills),
        **more,
    }
    return tell.event(STORE_DEFINED, "defined", day(-400), data, store)


def policy(**parameters: Any) -> Event[Any]:
    """Set a policy of the chain."""
    data = {"version": 1, "effective_from": day(-400), "parameters": parameters}
    return tell.event(POLICY_SET, f"policy/{parameters['policy']}", day(-400), data, CHAIN_WIDE)


def folded(story: Sequence[Event[Any]], rules: Sequence[Any] = (SalesDeviation(),), batch: int = 1_000_000) -> Replica:
    """Fold a log of stores."""
    replica = Replica(Fold(rules, stage=Stage("stores", 1, 1)))
    log = tell.log_of(*story)
    for start in range(0, len(log), batch):
        replica.apply(log[start : start + batch])
    return replica


def compared(replica: Replica, rules: Sequence[Any] = (SalesDeviationChain(),)) -> Replica:
    """Fold what the stores said of themselves in the stage of chains; progress comes after the observations of its batch."""
    chain = Replica(Fold(rules, stage=Stage("chains", 1, 0)))
    said = [*replica.derived, *replica.progress]
    records: list[LogRecord] = [
        RawRecord(each.topic, 0, offset, int(day(400).timestamp() * 1000), each.key, each.value, each.headers)
        for offset, each in enumerate(row for row in said if row.topic == CHAIN_OBSERVATIONS)
    ]
    if records:
        chain.apply(records)
    return chain


def observations(derived: Iterable[Outgoing | LogRecord]) -> dict[tuple[str, str, int], SalesObserved]:
    """Return the highest revision of each observation, by store, business date and hour."""
    latest: dict[tuple[str, str, int], SalesObserved] = {}
    for written in derived:
        store = dict(written.headers)["ce_storeid"].decode()
        for content in contents([written], SalesObserved):
            place = store, content.business_date.isoformat(), content.hour
            if place not in latest or content.revision > latest[place].revision:
                latest[place] = content
    return latest


def standing(chain: Replica) -> dict[tuple[str, str, str], AlertChanged]:
    """Return the alerts that are open, by rule, store and begin."""
    return {
        (row.rule, row.subject, row.window_start.isoformat()): row
        for row in alerts(chain.derived).values()
        if row.status in {"raised", "updated"}
    }
