"""Before a real centre on real servers: away and back, lost answers, kills, a rejected event, an expired token; log and KPIs agree."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import httpx
import pytest

from api.security.tokens import issue_token
from api.store_and_forward.database import open_existing
from api.store_and_forward.overview import read_refusals
from api.store_and_forward.retry import put_back
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clock import utc_now
from tests.api.events import TENANT, sale
from tests.api.log_reader import events_on
from tests.api.running import KEY, ServedApi, config, served
from tests.api.store_and_forward.door import Door, door
from tests.api.store_and_forward.running import NOWHERE, edge_config, running_edge
from tests.api.store_and_forward.serving import edge_process
from tests.api.world import catch_up, projected
from tests.waiting import until

pytestmark = pytest.mark.stack

PRICE = 5000


def token(**changes) -> str:
    """Sign a token for HQ."""
    return issue_token(KEY, **({"subject": "edge", "role": "hq", "tenant": TENANT, "stores": ("*",)} | changes))


@pytest.fixture
def line() -> Iterator[Door]:
    """Keep the line to the centre down at first."""
    with door() as found:
        yield found


def sales_on(stores: Addresses) -> dict[str, list[str]]:
    """Return the receipts on the log by store, each once, in their order."""
    found: dict[str, list[str]] = {"A": [], "B": []}
    for _, event in sorted(events_on(stores, STORE_FACTS).items()):
        receipt = getattr(event.data, "receipt_id", None)
        if receipt and receipt not in found[event.store_id]:
            found[event.store_id].append(receipt)
    return found


def receipts(store: str, numbers: range) -> list[str]:
    """Name the receipts of a store."""
    return [f"R-{store}{number}" for number in numbers]


def sold(store: str, number: int) -> dict:
    """Make a sale whose receipt names its store."""
    return sale(store, f"{store}{number}", amount=PRICE)


def test_what_was_sold_while_the_centre_was_away_arrives_in_order_and_as_it_was(stores, line, tmp_path):
    """Two stores, singles and batches, the line down; when it is up each store has its receipts in order with their contents."""
    documents = [sold(store, number) for number in range(20) for store in ("A", "B")]
    with running_edge(edge_config(tmp_path / "edge", line.url, token())) as edge:
        edge.buffer(documents[:10])
        assert edge.post(documents[10:]).status_code == 200
        until(lambda: edge.health()["state"] == "centre_away", 30, "the line is down")
        with served(config(stores)) as api:
            line.open_to(api.url)
            edge.await_waiting(0)

    events = events_on(stores, STORE_FACTS).values()
    contents = {str(event.id): event.data.model_dump(mode="json", exclude_defaults=True) for event in events}
    assert sales_on(stores) == {store: receipts(store, range(20)) for store in ("A", "B")}
    assert {row["id"] for row in documents} <= contents.keys()
    assert all(contents[row["id"]]["lines"][0]["gross"] == row["data"]["lines"][0]["gross"] for row in documents)


def test_kills_and_lost_answers_lose_nothing_and_count_nothing_twice(stores, line, tmp_path):
    """Killed before an answer to a till and after an answer of the centre, with answers lost: distinct ids on the log, KPIs once."""
    edge = edge_config(tmp_path / "edge", line.url, token())
    documents = [sold("A", number) for number in range(10)]
    with served(config(stores)) as api, projected(stores, "stores", "sales"):
        with edge_process(edge, ("buffered", 4), centre=NOWHERE) as running:
            running.edge.buffer(documents[:3])
            with pytest.raises(httpx.TransportError):
                running.edge.post(documents[3])
            running.await_death()
        line.open_to(api.url)
        line.answers_to_lose = 2
        with edge_process(edge, ("sent", 1)) as running:
            running.await_death()
        with edge_process(edge) as running:
            running.edge.buffer(documents[3:])
            running.edge.await_waiting(0)
        catch_up(stores, "stores", "sales")
        totals = total(api)

    repeats = [event.id for event in events_on(stores, STORE_FACTS).values() if str(event.id) == documents[0]["id"]]
    assert len(repeats) > 1
    assert sales_on(stores)["A"] == receipts("A", range(10))
    assert totals == (10, 10 * PRICE)


def total(api: ServedApi) -> tuple[int, int]:
    """Return the number of sales and the net sales that the KPI says."""
    day = utc_now().date()
    window = {"from": str(day - timedelta(days=2)), "until": str(day + timedelta(days=2))}
    totals = api.client().get("/v1/kpis/sales", params=window).json()["totals"]
    return sum(row["transactions"] for row in totals), sum(row["net_sales"]["minor"] for row in totals)


def test_a_rejected_event_is_kept_with_the_reasons_of_the_centre_and_can_be_sent_again(stores, line, tmp_path):
    """One of many, for a store that is not known: the others arrive; put back, it is judged again."""
    wrong = sold("C", 2)
    directory = tmp_path / "edge"
    with served(config(stores)) as api, running_edge(edge_config(directory, line.url, token())) as edge:
        line.open_to(api.url)
        assert edge.post([sold("A", 1), wrong, sold("A", 3)]).status_code == 200
        edge.await_waiting(0)
        with closing(open_existing(directory)) as connection:
            refusals = read_refusals(connection)
        before = edge.health()["last_contact_at"]
        assert put_back(directory, [wrong["id"]]) == []
        until(lambda: edge.health()["last_contact_at"] != before or edge.health()["last_error"], 30, "it was judged again")

    assert [(row.sequence, row.id, row.type) for row in refusals] == [(2, wrong["id"], "sale.completed.v1")]
    assert refusals[0].problems[0]["pointer"] == "/storeid"
    assert sales_on(stores)["A"] == receipts("A", range(1, 4, 2))


def test_a_token_that_has_expired_is_replaced_without_a_restart(stores, line, tmp_path):
    """Everything is kept until the file has a new one."""
    edge_settings = edge_config(tmp_path / "edge", line.url, token(now=utc_now() - timedelta(days=2)))
    with served(config(stores)) as api, running_edge(edge_settings) as edge:
        line.open_to(api.url)
        edge.buffer([sold("A", number) for number in range(5)])
        until(lambda: edge.health()["state"] == "needs_token", 30, "the state says it")
        health = edge.health()
        edge_settings.token_file.write_text(token())
        edge.await_waiting(0)

    assert (health["waiting"], health["last_error"]) == (5, "the token is refused: 401 token_expired")
    assert sales_on(stores)["A"] == receipts("A", range(5))
