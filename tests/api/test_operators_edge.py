"""What an operator's command opens to bring something to the log, it gives back."""

import pytest
from sqlalchemy import event

from infra.addresses import Addresses
from tests.api.events import event_id
from tillstream.edge_desk import operators_edge

pytestmark = pytest.mark.stack


async def test_the_connection_that_asks_for_repeats_is_given_back(stores: Addresses) -> None:
    """One that is left to the garbage collector stays open on the server until then."""
    taken = list[object]()
    async with operators_edge(stores) as (engine, edge, _):
        event.listen(engine.sync_engine, "checkout", lambda dbapi, *_: taken.append(dbapi))
        event.listen(engine.sync_engine, "checkin", lambda *_: taken.pop())
        assert await edge.look_up([("A", event_id("A", 1))]) == {}
        assert len(taken) == 1
    assert taken == []
