"""What an older version of a rule left open is closed by the version that follows it, once, and its states are pruned."""

from uuid import UUID

import msgspec

from contracts.events.alerts import AlertChanged
from processors.fold import RETIRED
from processors.state import read_held, read_state
from tests.processors.events import at, no_show_policy, record, shift, tick
from tests.processors.oracle import Replica, contents

CONFIRMED = bytes.fromhex(
    "96010104cf00064ec944354a00aa73686f702d636861696ec46092919ac410d88784a389e751e99cff4ce07ad3e5b40101a3616e61cf00064c06cfcb8400"
    "cf00064c07a65f2800aa323032362d30332d3032c3c3c39196a3616e61cf00064c06cfcb8400cf00064c07a65f2800aa323032362d30332d30320202"
)
PROVISIONAL = bytes.fromhex(
    "96010104cf00064c0a2a1a1400aa73686f702d636861696ec46092919ac410a6995176b3a65dc68d5778506a14ffe20201a3616e61cf00064c08c4795800"
    "cf00064c0a2a1a1400aa323032362d30332d3032c3c3c39196a3616e61cf00064c08c4795800cf00064c0a2a1a1400aa323032362d30332d30320101"
)
"""As version 1 of no-show wrote them for two shifts to which nobody came; the second was not over. Both were read up to offset 4."""
FIRST, SECOND = UUID("06fb42a0-6e90-5fb9-a894-5136a2607afa"), UUID("adacb20b-4798-5418-ba9f-31932998df81")
"""The ids under which version 1 raised them."""
OVER, GOING_ON = "S1|no_show|s", "S1|no_show|t"


def _left(held: dict[str, bytes]) -> Replica:
    replica = Replica(held=held)
    replica.restart()
    return replica


def _without_alerts(value: bytes) -> bytes:
    held = read_held(value)
    (retired,) = RETIRED
    state = read_state(retired.kind, held)
    assert state is not None
    return msgspec.msgpack.encode(msgspec.structs.replace(held, body=msgspec.msgpack.encode(msgspec.structs.replace(state, alerts=()))))


def test_the_next_tick_closes_what_stood_under_its_own_id() -> None:
    """With the number after the last, whether or not the old version wanted a look by then; and says which version does."""
    replica = _left({OVER: CONFIRMED, GOING_ON: PROVISIONAL})
    replica.apply([record(tick(at(240)), 5)])
    closed = contents(replica.derived, AlertChanged)

    assert [(row.alert_id, row.transition, row.status, row.stage, row.severity) for row in closed] == [
        (FIRST, 3, "orphaned", "confirmed", "high"),
        (SECOND, 2, "orphaned", "provisional", "medium"),
    ]
    assert {(row.rule, row.rule_version, row.subject, row.window_start) for row in closed} == {
        ("no_show", 2, "ana", at(60)),
        ("no_show", 2, "ana", at(200)),
    }
    assert {row.summary for row in closed} == {"Closed, for version 2 of no_show judges ana anew"}
    assert [replica.states()[key] for key in (OVER, GOING_ON)] == [(None, b"")] * 2


def test_it_is_closed_once() -> None:
    """Later ticks and a restart find nothing; the same tick after a crash before the states says the same again."""
    replica = _left({OVER: CONFIRMED})
    replica.apply([record(tick(at(240)), 5)], states_written=0)
    replica.apply([record(tick(at(240)), 5)])
    replica.restart()
    replica.apply([record(tick(at(300)), 6)])

    said = replica.derived
    assert len(said) == 2
    assert said[0] == said[1]


def test_what_did_not_stand_is_pruned_without_a_word() -> None:
    """A shift to which somebody came."""
    replica = _left({OVER: _without_alerts(CONFIRMED)})
    replica.apply([record(tick(at(240)), 5)])

    assert contents(replica.derived, AlertChanged) == []
    assert replica.states()[OVER] == (None, b"")


def test_the_new_version_raises_its_own() -> None:
    """Another alert under another id: who answers it answers what is judged now."""
    replica = _left({GOING_ON: PROVISIONAL})
    replica.apply(
        [record(event, 5 + number) for number, event in enumerate((no_show_policy(10), shift("t", at(200), at(300)), tick(at(240))))]
    )
    told = {row.alert_id: row.status for row in contents(replica.derived, AlertChanged)}

    assert told.pop(SECOND) == "orphaned"
    assert list(told.values()) == ["raised"]
