"""The fold as a whole: what comes of a log does not depend on how it is cut, repeated, redelivered or crashed over."""

from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.codec import decode
from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.control import RuleProgressed
from contracts.events.registry import ALERT_ANSWERED, STORE_DEFINED, TICK
from contracts.records import RawRecord
from contracts.topics import ALERTS, DEAD_LETTERS, RETRY_APPLIED
from processors.corrected import CORRECTIONS
from processors.fold import RULES, Fold
from processors.outgoing import Outgoing
from processors.rules.rule import RETENTION, FoldsRuns, Rule
from tests.examples import examples
from tests.processors import oracle
from tests.processors.events import (
    at,
    clocked_in,
    corrected,
    counted,
    event,
    identity,
    log_of,
    no_show_policy,
    record,
    reorder_policy,
    shift,
    sold,
    tick,
)
from tests.processors.oracle import Replica, open_orders, replica_of, standing_alerts
from tests.processors.stories import Story, stories, told, worlds
from tests.processors.till_events import rung

PROPERTY = settings(max_examples=examples(20), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def _by_id(derived: list[Outgoing]) -> dict[Any, set[bytes | None]]:
    found: dict[Any, set[bytes | None]] = {}
    for each in derived:
        made = decode(RawRecord(each.topic, 0, 0, 0, each.key, each.value, each.headers))
        found.setdefault(made.id, set()).add(each.value)
    return found


def _one_by_one(rule: Rule) -> Rule:
    """Return a rule that decides on every state by itself."""
    return cast("Rule", type(type(rule).__name__, (type(rule),), {"run_types": frozenset()})())


@PROPERTY
@given(stories(), st.integers(0, 40), st.sampled_from([2, 7, 1000]))
def test_folding_a_run_in_one_go_comes_to_the_same(story: Story, more: int, size: int) -> None:
    """What is quick is only quick: every state and every derived event, in its order, is that of deciding one by one, event by event."""
    log = log_of(*story, *(sold(f"more-{number}", at(700 + number)) for number in range(more)))
    slow = tuple(_one_by_one(rule) if isinstance(rule, FoldsRuns) else rule for rule in RULES)
    one_by_one, in_runs = Replica(Fold(slow)), Replica(Fold())
    for each in log:
        one_by_one.apply([each])
    for start in range(0, len(log), size):
        in_runs.apply(log[start : start + size])
    assert in_runs.held == one_by_one.held
    assert in_runs.derived == one_by_one.derived


@PROPERTY
@given(stories(), st.integers(1, 7))
def test_batch_boundaries_do_not_matter(story: Story, size: int) -> None:
    """Any cutting into batches gives the same states and the same derived events in the same order."""
    log = log_of(*story)
    whole, cut = replica_of(log), replica_of(log, size)
    assert cut.states() == whole.states()
    assert cut.derived == whole.derived


@PROPERTY
@given(stories(), st.data())
def test_redelivery_from_any_offset_after_any_crash_changes_nothing(story: Story, data: st.DataObject) -> None:
    """A worker that dies between any two writes, and reads again from any earlier offset, ends as if it had lived."""
    log, replica, position = log_of(*story), Replica(), 0
    for _ in range(data.draw(st.integers(1, 6))):
        end = data.draw(st.integers(position + 1, len(log))) if position < len(log) else len(log)
        states = data.draw(st.none() | st.integers(0, 40))
        if position < end:
            replica.apply(log[position:end], states)
            position = end if states is None else position
        replica.restart()
        position = data.draw(st.integers(0, position))
    replica.apply(log[position:]) if position < len(log) else None
    whole = replica_of(log)
    assert replica.states() == whole.states()
    assert _by_id(replica.derived) == _by_id(whole.derived)


def test_a_correction_that_is_read_again_says_nothing_to_who_had_it_before_what_it_corrects_came() -> None:
    """A stock that was written before the crash holds an event of later on; read again, its correction must not find it there."""
    wrong = sold("wrong", at(3), "RICE")
    right = corrected("right", wrong, wrong.data.model_dump(mode="json"))
    log = log_of(counted("c", at(2), 2, "RICE"), tick(at(77)), corrected("early", right), right, wrong, tick(at(600)))
    whole = replica_of(log)
    for states in range(len(whole.held) + 1):
        replica = Replica()
        replica.apply(log[:4], states)
        replica.restart()
        replica.apply(log)
        assert replica.states() == whole.states()
        assert _by_id(replica.derived) == _by_id(whole.derived)


@PROPERTY
@given(stories(), st.randoms(use_true_random=False))
def test_repeats_change_nothing(story: Story, random: Any) -> None:
    """Events that are on the log twice or more leave what one copy leaves."""
    repeated = list(story)
    for each in random.sample(story, min(6, len(story))):
        if each.type != TICK:
            first = repeated.index(each)
            repeated.insert(random.randint(first + 1, len(repeated)), each)
    once, often = replica_of(log_of(*story)), replica_of(log_of(*repeated))
    assert _contents(often) == _contents(once)


def _contents(replica: Replica) -> Any:
    return oracle.recommendations(replica.derived), oracle.alerts(replica.derived)


@PROPERTY
@given(worlds(), st.lists(st.integers(0, 600), max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter_in_the_end(world: Story, ticks: list[int], random: Any) -> None:
    """Late, early and shuffled arrivals within the lateness end with the same orders and the same open alerts.

    What one order told of and found over, or taken back, may have been so before the other one looked: then it tells nothing of it.
    """
    shuffled = random.sample(world, len(world))
    first, second = (replica_of(log_of(*told(order, ticks, random))) for order in (world, shuffled))
    assert open_orders(second.derived) == open_orders(first.derived)
    ends = [oracle.ends_of_alerts(replica.derived) for replica in (first, second)]
    for alert in ends[0].keys() | ends[1].keys():
        one, other = (each.get(alert) for each in ends)
        assert one == other or {one, other} in ({None, "resolved"}, {None, "retracted"})


def test_what_was_taken_back_stays_so_when_its_correction_is_forgotten() -> None:
    """The next correction forgets those that are older than the retention, and brings nothing of them back."""
    minutes = RETENTION.days * 24 * 60
    wrong, other = rung("wrong", at(0)), rung("other", at(minutes + 30))
    log = log_of(wrong, corrected("x", wrong), tick(at(minutes + 20)), other, corrected("y", other))
    before, after = replica_of(log[:-1]), replica_of(log)
    pages = [{key: body for key, (_, body) in each.states().items() if "|cashier_page|2026-03-02" in key} for each in (before, after)]
    assert pages[0] == pages[1] != {}
    assert (_corrections(before), _corrections(after)) == (1, 1)


def _corrections(replica: Replica) -> int:
    (state,) = (msgspec.msgpack.decode(body) for key, (_, body) in replica.states().items() if f"|{CORRECTIONS.name}|" in key)
    return len(state[0])


def test_without_its_guard_the_fold_counts_a_redelivery_twice() -> None:
    """The negative control of the redelivery law: the guard off, and the second sale of the same stock is seen."""
    log = log_of(reorder_policy(5, 20), counted("c", at(0), 10), sold("a", at(1), quantity=6))
    held: dict[str, bytes] = {}
    fold = Fold(guard_offsets=False)
    derived: list[Outgoing] = []
    for _ in range(2):
        folded = fold(log, held.get)
        derived += folded.derived
        for stage in folded.stages:
            held.update(stage)
    assert open_orders(derived) != open_orders(replica_of(log).derived)


def test_a_poison_record_is_refused_with_its_bytes_and_its_neighbours_pass() -> None:
    """What cannot be read goes to the dead letters as it is, with why and from where; the rest is folded."""
    good = log_of(reorder_policy(5, 20), counted("c", at(0), 10), sold("a", at(1), quantity=6))
    poison = RawRecord(good[0].topic, 0, 2, good[0].timestamp, b"S1", b"{not json", [*good[2].headers, ("odd", b"\xff")])
    log = [*good[:2], poison, RawRecord(good[2].topic, 0, 3, good[2].timestamp, good[2].key, good[2].value, good[2].headers)]
    replica = replica_of(log)
    (letter,) = [each for each in replica.derived if each.topic == DEAD_LETTERS]
    assert (letter.key, letter.value, list(letter.headers[: len(poison.headers)])) == (b"S1", b"{not json", list(poison.headers))
    told_headers = dict(letter.headers[len(poison.headers) :])
    assert told_headers["x-source-offset"] == b"2"
    assert told_headers["x-source-topic"] == b"store-facts-v1"
    assert told_headers["x-reason"] == b"json_invalid"
    assert open_orders(replica.derived).keys() == {"MILK"}


def test_the_rules_say_that_a_retry_went_through_and_only_of_a_retry() -> None:
    """As a record beside their letters: the retry's own bytes, so that readers find the letter that it names."""
    plain, tried = log_of(sold("a", at(1)), sold("b", at(2)))
    again = replace(tried, headers=[*tried.headers, ("ce_retryof", b"store-facts-v1/0/7")])
    folded = Fold()([plain, again], dict[str, bytes]().get)
    (told,) = [each for each in folded.derived if each.topic == DEAD_LETTERS]
    assert (dict(told.headers)["x-reason"], dict(told.headers)["ce_retryof"]) == (RETRY_APPLIED.encode(), b"store-facts-v1/0/7")
    assert (told.value, folded.dead) == (tried.value, 0)


def test_a_tick_sent_again_settles_nothing() -> None:
    """It moves no clock a second time, so what was due for it is as it was."""
    once = record(tick(at(5)), 0)
    again = replace(once, headers=[*once.headers, ("ce_retryof", b"store-facts-v1/0/0")])
    assert [each for each in Fold()([again], dict[str, bytes]().get).derived if each.topic == DEAD_LETTERS] == []


def test_a_record_without_a_known_type_is_refused() -> None:
    """A type that nobody declared is a data error, not a crash."""
    stranger = RawRecord("store-facts-v1", 0, 0, 0, b"S1", b"{}", [("ce_type", b"unheard.of.v1")])
    assert [each.topic for each in replica_of([stranger]).derived] == [DEAD_LETTERS]


def _answer_about(store: str) -> Event[Any]:
    data = {"alert_id": identity("alert"), "rule": "no_show", "subject": "ana", "answer": "false_alarm"}
    return event(ALERT_ANSWERED, "answer", at(2), data, store)


def _settings_of(store: str) -> Event[Any]:
    data = {"version": 1, "effective_from": at(0), "store_id": store, "name": "", "timezone": "UTC", "currency": "GBP", "country": "GB"}
    return event(STORE_DEFINED, "settings", at(2), data, store)


@pytest.mark.parametrize(
    "nowhere", [sold("n", at(2), store=CHAIN_WIDE), no_show_policy(5, 2, CHAIN_WIDE), _answer_about(CHAIN_WIDE), _settings_of(CHAIN_WIDE)]
)
def test_a_fact_of_every_store_at_once_is_refused_and_leaves_no_state_that_nobody_could_read(nowhere: Event[Any]) -> None:
    """The sign of the whole chain is no store: its state would end every worker that holds it."""
    replica = replica_of(log_of(nowhere, sold("a", at(3)), tick(at(5))))
    assert [each.topic for each in replica.derived] == [DEAD_LETTERS]
    assert not any(key.startswith(CHAIN_WIDE) for key in replica.held)
    assert any(key.startswith("S1|") for key in replica.held)


def test_a_policy_counts_from_where_it_lies_on_the_log_whatever_was_asked_before() -> None:
    """Policies are gathered once and kept up to date: through batches, repeats, restarts and batches that are folded again."""
    log = log_of(
        reorder_policy(1, 20),
        counted("c", at(0), 10),
        sold("a", at(1), quantity=6),
        reorder_policy(5, 20, version=2),
        reorder_policy(5, 20, version=2),
        sold("b", at(2)),
    )
    whole = replica_of(log)
    assert open_orders(whole.derived).keys() == {"MILK"}
    assert open_orders(replica_of(log[:5], 1).derived).keys() == set()
    for size in (1, 2, 4):
        assert replica_of(log, size).states() == whole.states()
    for written in range(20):
        again = replica_of(log[:3])
        folded = again.fold(log[3:], again.held.get)
        folded.settle(False)
        again.apply(log[3:], written)
        again.apply(log[3:])
        assert again.states() == whole.states()
        assert _by_id([*whole.derived, *again.derived]) == _by_id(whole.derived)


def test_a_policy_of_a_batch_that_was_not_written_is_not_in_force_in_the_next() -> None:
    """What a batch said is forgotten when it came to nothing, also where another one comes in its place."""
    log = log_of(reorder_policy(1, 20), counted("c", at(0), 10), sold("a", at(1), quantity=6), reorder_policy(5, 20, version=2))
    replica = replica_of(log[:2])
    replica.fold([log[3]], replica.held.get).settle(False)
    replica.apply([log[2]])
    assert open_orders(replica.derived) == {}


def test_a_batch_with_a_tick_reports_progress_to_the_same_partition() -> None:
    """Progress says what is applied and where the clock stands, on the alerts' partition of the same number."""
    replica = replica_of([record(tick(at(5), 1), 7, partition=1)])
    (progress,) = replica.progress
    assert (progress.topic, progress.partition) == (ALERTS, 1)
    data = decode(RawRecord(progress.topic, 1, 0, 0, progress.key, progress.value, progress.headers)).data
    assert data == RuleProgressed(partition=1, next_offset=8, clock=at(5), partitions=1, time="simulated")


def test_a_batch_without_a_tick_reports_nothing() -> None:
    """Progress is a matter of ticks."""
    assert replica_of(log_of(sold("a", at(1)))).progress == []


def test_a_tick_ahead_of_its_own_record_is_ignored() -> None:
    """A tick more than five minutes ahead of the broker's clock moves nothing."""
    story = [no_show_policy(10), shift("s", at(60), at(180))]
    log = [*log_of(*story), record(tick(at(75)), 2, recorded_at=at(69)), record(tick(at(71)), 3, recorded_at=at(70))]
    assert len(standing_alerts(replica_of(log[:3]).derived)) == 0
    assert len(standing_alerts(replica_of(log).derived)) == 1


def _history(happened: Event[Any], late_by_hours: float) -> Replica:
    day = 24 * 60
    story = [
        no_show_policy(10),
        tick(at(2 * day)),
        shift("s", at(day), at(day + 120), published=at(2 * day - late_by_hours * 60)),
        happened,
    ]
    return replica_of(log_of(*story, tick(at(2 * day + 1))))


def test_history_raises_nothing_about_a_past_moment() -> None:
    """A shift that becomes known more than a day after it was published, and over, is history: no alert, then or at any later tick."""
    assert standing_alerts(_history(sold("a", at(1)), 30).derived) == set()
    assert len(standing_alerts(_history(sold("a", at(1)), 23).derived)) == 1


def test_before_the_first_tick_nothing_is_history() -> None:
    """Loaded first and ticked later, a shift is judged like any other."""
    replica = replica_of(log_of(no_show_policy(10), shift("s", at(60), at(120)), tick(at(60 * 24 * 3))))
    assert {stage for _, _, stage in standing_alerts(replica.derived)} == {"confirmed"}


def test_history_still_changes_the_stock_that_is_judged_now() -> None:
    """The reorder point judges the present, so a sale that comes three days late opens a recommendation."""
    story = [reorder_policy(5, 20), counted("c", at(0), 10), tick(at(3 * 24 * 60)), sold("a", at(1), quantity=6)]
    assert open_orders(replica_of(log_of(*story)).derived).keys() == {"MILK"}


def test_ids_are_forgotten_after_their_time_by_an_empty_value() -> None:
    """Pruning writes an empty body with its offset; the key never goes away."""
    log = log_of(sold("a", at(1)), tick(at(36 * 24 * 60)))
    before, after = replica_of(log[:1]).states(), replica_of(log).states()
    (key,) = [key for key in before if "|ids|" in key]
    assert before[key][1] != b""
    assert after[key] == (None, b"")


def test_a_correction_before_its_original_counts_the_same() -> None:
    """The order of an event and its correction on the log does not matter."""
    sale = sold("a", at(1), quantity=6)
    undone = corrected("x", sale)
    start = [reorder_policy(5, 20), counted("c", at(0), 10)]
    assert (
        open_orders(replica_of(log_of(*start, undone, sale)).derived) == open_orders(replica_of(log_of(*start, sale, undone)).derived) == {}
    )


def test_a_derived_event_follows_from_the_log_alone() -> None:
    """Identity, time and cause of a derived event are the same at every replay."""
    log = log_of(reorder_policy(5, 20), counted("c", at(0), 10), sold("a", at(1), quantity=6), clocked_in("p", at(2)))
    (first,), (second,) = replica_of(log).derived, replica_of(log).derived
    assert first == second
    made = decode(RawRecord(first.topic, 0, 0, 0, first.key, first.value, first.headers))
    assert made.envelope.occurred_at == at(1)
    assert made.envelope.causation_id == sold("a", at(1), quantity=6).id
    assert made.envelope.source == "rules/reorder_point"
