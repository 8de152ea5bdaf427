"""Answering alerts: who may, what the log then holds, what everybody sees, and that a retry is the same answer."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from api.security.tokens import issue_token
from contracts.events.alerts import AlertAnswered
from contracts.identifiers import alert_id
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clock import utc_now
from tests.api.alerts import listening, publish, transition
from tests.api.log_reader import events_on
from tests.api.running import KEY, ServedApi, config, served
from tests.api.world import catch_up, projected
from tests.waiting import until

pytestmark = pytest.mark.stack

ALERT = alert_id("no_show", "A", "e1", "w")
ANSWERS = f"/v1/alerts/{ALERT}/answers"
MODELS = ("open_alerts", "stores", "event_index")


@pytest.fixture
def world(stores: Addresses, api: ServedApi) -> Iterator[Addresses]:
    """Raise an alert in store A, and keep the projections running."""
    write(stores, transition("A", "e1", 1))
    with projected(stores, *MODELS):
        catch_up(stores, *MODELS)
        yield stores


def write(place: Addresses, *records) -> None:
    """Write records in their order."""
    asyncio.run(publish(place, records))


def answered(client: httpx.Client, answer: str = "acknowledged", key: str | None = None, **more) -> httpx.Response:
    """Answer the alert."""
    return client.post(ANSWERS, json={"answer": answer, **more}, headers={"Idempotency-Key": key} if key else {})


def seen_after(client: httpx.Client, answer: httpx.Response) -> dict:
    """Return the alert as it is once the answer has been applied."""
    at = answer.json()["position"]
    position = f"{at['topic']}/{at['partition']}/{at['offset']}"
    course = client.get(f"/v1/alerts/{ALERT}", params={"min_position": position, "wait_ms": 10_000})
    assert course.status_code == 200, course.text
    return course.json()


def test_an_answer_is_on_the_log_when_it_is_answered_and_everybody_sees_it(world, api):
    """The event names alert, rule, subject, who and what they had seen; the list shows it; the course has it whole."""
    manager = api.client("manager", "A")
    answer = answered(manager, note="갑니다")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted"), answer.text
    at = answer.json()["position"]
    event = events_on(world, STORE_FACTS)[at["partition"], at["offset"]]
    assert event.data == AlertAnswered(
        alert_id=ALERT, rule="no_show", subject="e1", answer="acknowledged", by="test", note="갑니다", transition=1
    )
    assert (event.store_id, str(event.id), event.envelope.business_date is not None) == ("A", answer.json()["event_id"], True)
    course = seen_after(manager, answer)
    assert (course["alert"]["status"], course["alert"]["rule_status"], course["alert"]["handled_by"]) == ("acknowledged", "raised", "test")
    assert [(row["answer"], row["note"], row["counts"]) for row in course["answers"]] == [("acknowledged", "갑니다", True)]
    assert [row["transition"] for row in course["transitions"]] == [1]
    judged = seen_after(manager, answered(manager, "false_alarm"))
    assert (judged["alert"]["status"], judged["alert"]["judged"]) == ("acknowledged", "false_alarm")
    done = seen_after(manager, answered(manager, "resolved"))
    assert (done["alert"]["status"], manager.get("/v1/alerts", params={"status": "open"}).json()["rows"]) == ("resolved", [])


def test_only_leaders_of_the_store_may_answer(world, api):
    """Of another store or chain, or unknown: 404, which does not tell; staff and devices: 403; nonsense: 422."""
    for outsider in (api.client("manager", "B"), api.client(tenant="rival")):
        refused = answered(outsider)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert outsider.get(f"/v1/alerts/{ALERT}").status_code == 404
    for role, device in (("staff", None), ("device", "till-1")):
        assert answered(api.client(role, "A", device=device)).status_code == 403
    hq = api.client()
    assert hq.post(f"/v1/alerts/{uuid4()}/answers", json={"answer": "resolved"}).status_code == 404
    resolved = {"answer": "resolved"}
    for body in ({"answer": "maybe"}, {}, resolved | {"by": "somebody"}, resolved | {"note": "x" * 501}, resolved | {"transition": 2}):
        assert hq.post(ANSWERS, json=body).status_code == 422
    assert answered(hq).status_code == 200
    assert sum(isinstance(event.data, AlertAnswered) for event in events_on(world, STORE_FACTS).values()) == 1


def test_no_other_way_leads_past_the_roles(world, api):
    """Posted as a plain fact, or as the correction of one, an answer of staff or of a device is refused; a manager's is taken."""
    data = {"alert_id": str(ALERT), "rule": "no_show", "subject": "e1", "answer": "false_alarm"}
    fact = {"specversion": "1.0", "source": "till/A/1", "type": "alert.answered.v1", "time": utc_now().isoformat(), "storeid": "A"}
    wrong = {"corrects_event_id": str(uuid4()), "corrects_type": "alert.answered.v1", "corrects_occurred_at": fact["time"]}
    wrong |= {"kind": "did_not_occur", "reason": "mistake"}
    posts = [fact | {"id": str(uuid4()), "data": data}, fact | {"id": str(uuid4()), "type": "event.corrected.v1", "data": wrong}]
    for role, device in (("staff", None), ("device", "till-1")):
        refused = api.client(role, "A", device=device).post("/v1/events", json=posts)
        assert {row["problems"][0]["code"] for row in refused.json()["results"]} == {"role_not_allowed"}
    assert api.client("manager", "A").post("/v1/events", json=posts).json()["accepted"] == 2


@pytest.mark.parametrize("key", ["7", "019a9b3c-5d10-7c41-8a6e-2f5d9c3b7a01", "b3882034-3ac0-488f-b46c-bc1138178519"])
def test_a_retry_under_its_key_is_the_same_answer_and_another_under_it_is_refused(world, api, key):
    """One identity, one place, however often it is sent, also when the alert has moved on; other words under it are a conflict."""
    hq = api.client()
    first = answered(hq, key=key)
    assert first.status_code == 200, first.text
    catch_up(world, "event_index")
    write(world, transition("A", "e1", 2))
    catch_up(world, "open_alerts")
    again = answered(hq, key=key)
    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate"), again.text
    assert (again.json()["position"], again.json()["event_id"]) == (first.json()["position"], first.json()["event_id"])
    other = answered(hq, "false_alarm", key=key)
    assert (other.status_code, other.json()["code"]) == (422, "events_rejected")
    assert len(seen_after(hq, first)["answers"]) == 1


def test_a_subject_that_identifies_a_person_is_not_written_to_the_log(world, api):
    """The answer carries an id derived from it, the same each time."""
    token = issue_token(KEY, subject="kim@example.com", role="hq", tenant="demo", stores=("*",))
    with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {token}"}) as client:
        by = seen_after(client, answered(client))["alert"]["handled_by"]
        assert "@" not in by
        assert seen_after(client, answered(client, "true_alarm"))["alert"]["judged_by"] == by


def test_lists_are_filtered_by_severity_and_by_what_is_due(world, api):
    """Quiet hours put an alert off the list of what people are told; every list says as of when the rules speak."""
    later = utc_now() + timedelta(hours=1)
    write(world, transition("A", "e2", 1, notify_at=later), transition("A", "e3", 1, severity="high"))
    catch_up(world, "open_alerts")
    manager = api.client("manager", "A")

    def subjects(**asked) -> set[str]:
        return {row["subject"] for row in manager.get("/v1/alerts", params=asked).json()["rows"]}

    assert subjects() == {"e1", "e2", "e3"}
    assert subjects(due=True) == {"e1", "e3"}
    assert subjects(severity="high") == {"e3"}
    assert subjects(rule="other") == set()
    page = manager.get("/v1/alerts").json()
    assert page["rules"] == []
    assert {row["notify_at"] is None for row in page["rows"]} == {True, False}


def test_a_stream_of_what_is_due_holds_an_alert_back_until_its_time(stores):
    """It is sent when its time has come, not before; a listener that comes back meanwhile still gets it."""
    with served(config(stores)) as api:
        hq, soon = api.client(), utc_now() + timedelta(seconds=4)
        with listening(hq, due="true") as first:
            until(lambda: first.last_id, 30)
            write(stores, transition("A", "e1", 1, notify_at=soon), transition("A", "e2", 1))
            until(lambda: first.what() == [("A", "e2", 1)], 30, "what is due")
            resume_at = first.last_id
        with listening(hq, resume_at, due="true") as second, listening(hq, resume_at) as plain:
            until(lambda: ("A", "e1", 1) in second.what(), 30, "what waited")
            assert utc_now() >= soon
            assert second.alerts[-1]["notify_at"] is not None
            assert ("A", "e1", 1) in plain.what()
