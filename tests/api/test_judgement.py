"""What the edge accepts, what it adds, and what it refuses with which code and pointer."""

from datetime import UTC, date, datetime, timedelta

import pytest

from api.edge.judgement import Judge
from api.security.caller import Caller
from api.security.scope import StoreScope
from contracts.errors import ContractError
from contracts.events.correction import EventCorrected
from tests.api.events import TENANT, Place, event_id, sale

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MANAGER = Caller("m", "manager", TENANT, ("A",))
HQ = Caller("h", "hq", TENANT, ("*",))
TILL = Caller("t", "device", TENANT, ("A",), "till-1")


def judge_of(caller=MANAGER, time="live", tenants=None):
    """Make the judge of a request about Seoul (A) or London (B) at noon UTC."""
    scope = StoreScope(caller, tenants or {"A": TENANT, "B": TENANT})
    return Judge(caller, scope, {"A": Place(), "B": Place("Europe/London", 0, 1, "GBP")}, NOW, time)


def judge(document, *args, **kwargs):
    """Judge a document and return the event."""
    return judge_of(*args, **kwargs).placed(document)


def refusal(document, *args, **kwargs):
    """Return the first problem of a document that is refused."""
    with pytest.raises(ContractError) as caught:
        judge(document, *args, **kwargs)
    return caught.value.problems[0].code, caught.value.problems[0].pointer


def test_the_edge_fixes_business_date_offset_and_store_version():
    """04:30 in Seoul is before the cut-off at five: yesterday's business date; the moment stays the same."""
    at = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
    envelope = judge(sale("A", 1, at=at)).envelope
    assert envelope.business_date == date(2026, 3, 1)
    assert envelope.occurred_at == at
    assert envelope.occurred_at.isoformat() == "2026-03-02T04:30:00+09:00"
    assert (envelope.store_version, envelope.ingested_at, envelope.clock_ahead) == (3, NOW, False)


def test_the_same_event_gives_the_same_bytes_whatever_offset_it_was_sent_with():
    """A retry is no conflict because a client writes its time another way."""
    one = judge_of().judge(sale("A", 1, time="2026-03-02T10:00:00+00:00"))
    other = judge_of().judge(sale("A", 1, time="2026-03-02T19:00:00.000+09:00"))
    assert one.hash == other.hash
    assert one.hash != judge_of().judge(sale("A", 1, time="2026-03-02T10:00:01+00:00")).hash


def test_what_the_edge_says_itself_is_not_taken_from_the_caller():
    """A caller cannot choose its business date or hide a retry."""
    document = sale("A", 1, at=NOW, businessdate="2020-01-01", clockahead=True, retryof="x/0/1", storeversion=99, dataschema="elsewhere")
    envelope = judge(document).envelope
    assert (envelope.business_date, envelope.clock_ahead, envelope.retry_of, envelope.store_version) == (date(2026, 3, 2), False, None, 3)
    assert envelope.dataschema is None


def test_a_correction_lands_on_the_date_of_what_it_corrects():
    """Business date and offset of the correction are those of the corrected moment."""
    document = sale("A", 2, at=NOW) | {
        "type": "event.corrected.v1",
        "data": {
            "corrects_event_id": str(event_id("A", 1)),
            "corrects_type": "sale.completed.v1",
            "corrects_occurred_at": "2026-02-27T10:00:00Z",
            "kind": "did_not_occur",
            "reason": "typed twice",
        },
    }
    event = judge(document)
    assert event.envelope.business_date == date(2026, 2, 27)
    assert isinstance(event.data, EventCorrected)
    assert event.data.corrects_occurred_at.isoformat() == "2026-02-27T19:00:00+09:00"


def test_a_clock_that_is_ahead_is_kept_and_flagged():
    """More than five minutes ahead is flagged on a live stack, and not on a simulated one."""
    ahead = sale("A", 1, at=NOW + timedelta(minutes=6))
    assert judge(ahead).envelope.clock_ahead
    assert not judge(ahead, time="simulated").envelope.clock_ahead
    assert not judge(sale("A", 1, at=NOW + timedelta(minutes=4))).envelope.clock_ahead


@pytest.mark.parametrize("days", [-402, 4])
def test_a_business_date_far_from_now_is_refused_on_a_live_stack_unless_it_is_history(days):
    """400 days back, two ahead; HQ may say that it is history, nobody else."""
    document = sale("A", 1, at=NOW + timedelta(days=days))
    assert refusal(document) == ("business_date_out_of_bounds", "/time")
    assert judge(document, time="simulated").id == event_id("A", 1)
    assert judge(document | {"history": True}, HQ).envelope.history
    assert refusal(document | {"history": True}) == ("history_not_allowed", "/history")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": None}, ("uuid_type", "/id")),
        ({"id": "7"}, ("uuid_parsing", "/id")),
        ({"time": "2026-03-02T10:00:00"}, ("timezone_aware", "/time")),
        ({"time": "0001-01-01T00:00:00+14:00"}, ("value_error", "/time")),
        ({"time": "9999-12-31T23:59:59-14:00"}, ("value_error", "/time")),
        ({"storeid": "B"}, ("store_out_of_scope", "/storeid")),
        ({"storeid": "*"}, ("store_out_of_scope", "/storeid")),
        ({"tenantid": "other"}, ("tenant_mismatch", "/tenantid")),
        ({"type": "tick.v1"}, ("type_not_postable", "/type")),
        ({"type": "alert.changed.v1"}, ("type_not_postable", "/type")),
        ({"type": "no.such.v1"}, ("type_not_postable", "/type")),
        ({"occurred_at": "2026-03-02T10:00:00Z"}, ("extra_forbidden", "/occurred_at")),
        ({"datacontenttype": "text/xml"}, ("unsupported_content", "/datacontenttype")),
        ({"datacontenttype": []}, ("unsupported_content", "/datacontenttype")),
        ({"data": None}, ("model_type", "/data")),
        ({"data": {"receipt_id": "R"}}, ("missing", "/data/currency")),
        ({"subject": "a\x00b"}, ("string_pattern_mismatch", "/subject")),
        ({"source": "\ud800"}, ("string_unicode", "/source")),
        ({"deviceseq": float("inf")}, ("finite_number", "/deviceseq")),
    ],
)
def test_a_bad_document_is_refused_with_code_and_pointer(changes, expected):
    """Each refusal says where, in the terms of what was sent."""
    assert refusal(sale("A", 1, at=NOW) | changes) == expected


def test_a_missing_id_is_refused_because_a_retry_needs_it():
    """Nothing is minted here: the device knows what it has sent."""
    document = sale("A", 1, at=NOW)
    del document["id"]
    assert refusal(document) == ("missing", "/id")


def test_money_of_another_country_is_refused():
    """A till with the wrong settings; also inside a correction."""
    document = sale("A", 1, at=NOW)
    document["data"]["currency"] = "JPY"
    assert refusal(document) == ("other_currency", "/data/currency")
    wrong = {"corrects_event_id": str(event_id("A", 1)), "corrects_type": "sale.completed.v1", "corrects_occurred_at": NOW.isoformat()}
    correction = {**wrong, "kind": "incorrect_data", "reason": "typed", "replacement": document["data"]}
    assert refusal(document | {"type": "event.corrected.v1", "data": correction}) == ("other_currency", "/data/replacement/currency")


def test_a_store_that_nobody_defined_is_refused():
    """Its zone is not known, so neither is its business date."""
    assert refusal(sale("Z", 1, at=NOW), HQ) == ("unknown_store", "/storeid")


def test_a_store_of_another_chain_is_outside_even_for_hq():
    """'*' means all stores of one's own chain."""
    assert refusal(sale("B", 1, at=NOW), HQ, tenants={"A": TENANT, "B": "rival"}) == ("store_out_of_scope", "/storeid")


def test_a_device_speaks_for_itself_only():
    """Its id is filled in, and another one is refused."""
    assert judge(sale("A", 1, at=NOW), TILL).envelope.device_id == "till-1"
    assert refusal(sale("A", 1, at=NOW, deviceid="till-2"), TILL) == ("device_mismatch", "/deviceid")


def test_deep_or_huge_content_is_refused_like_any_other():
    """Nested content below data breaks no recursion limit, an unstorable amount no column."""
    deep: object = 1
    for _ in range(5_000):
        deep = [deep]
    document = sale("A", 1, at=NOW)
    assert refusal(document | {"data": document["data"] | {"extra": deep}})[0] == "extra_forbidden"
    line = document["data"]["lines"][0] | {"tax": float("inf")}
    assert refusal(document | {"data": document["data"] | {"lines": [line]}}) == ("finite_number", "/data/lines/0/tax")
