"""How much of what goes wrong with attendance is found, and how much is told that did not: simulated stores over six weeks.

The simulator has people who never come, come late, press twice or are heard of late. More is put in here, each kind on its own:
clock-outs and breaks that were never pressed, people who leave early, presses from elsewhere, and in every other store
a pair of which one punches for both.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from contracts.codec import encode
from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from contracts.events.clock import LocationEvidence, Punch
from contracts.events.registry import BREAK_ENDED, BREAK_STARTED, CLOCKED_IN, CLOCKED_OUT
from contracts.events.shifts import ShiftPublished
from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from processors.fold import Fold
from processors.rules.attendance_rules import AttendanceRules
from processors.rules.buddy_punching import BuddyPunching
from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.world import SimulatedRecord
from tests.benchmarks.results import Metric
from tests.processors.oracle import Replica, alerts

STORES, DAYS, SEED = 8, 42, 11
OPTIONS = SimulationOptions(
    seed=SEED, stores=STORES, days=DAYS, scale=0.02, faults=frozenset({"no_shows", "late_staff", "late_punches", "duplicates"})
)
LEFT_EARLY, MISSED_OUT, NO_BREAK, ELSEWHERE = 0.04, 0.04, 0.04, 0.03
_NEAR = timedelta(seconds=60)

Key = tuple[str, str]
"""The person (or pair) and what tells the case apart, mostly a begin."""


@dataclass(slots=True)
class Day:
    """What one store's people did on a business date, by shift; records may be changed before they are folded."""

    shifts: dict[str, ShiftPublished] = field(default_factory=dict)
    punches: defaultdict[str, dict[str, list[SimulatedRecord]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    others: list[SimulatedRecord] = field(default_factory=list)


@dataclass(slots=True)
class Truth:
    """What was put in, by rule."""

    cases: defaultdict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))
    unclear: set[Key] = field(default_factory=set)
    """Weeks of which a clock-out is missing, so that nobody knows their hours."""
    worked: defaultdict[Key, timedelta] = field(default_factory=lambda: defaultdict(timedelta))


def evaluate() -> list[Metric]:
    """Fold every store's changed life and compare what stands in the end with what was put in."""
    injected, truth = Injected(), Truth()
    by_store, rest = _lives(generate(OPTIONS, injected))
    told: defaultdict[str, set[Key]] = defaultdict(set)
    for number, (store, days) in enumerate(sorted(by_store.items())):
        rng = Random(f"{SEED}/{store}")
        records = [record for day in days.values() for record in _changed(day, rng, number % 2 == 1, truth, injected)]
        for rule, key in _told([*rest[store], *rest["*"], *records], store):
            told[rule].add(key)
    told["overtime"] -= truth.unclear
    truth.cases["overtime"] -= truth.unclear
    return [metric for rule in sorted(truth.cases) for metric in _metrics(rule, told[rule], truth.cases[rule])]


def _metrics(rule: str, told: set[Key], real: set[Key]) -> Iterator[Metric]:
    found = len(told & real)
    yield Metric(f"{rule}: recall of {len(real)}", round(100 * found / len(real), 1) if real else 100.0, "%")
    yield Metric(f"{rule}: precision of {len(told)}", round(100 * found / len(told), 1) if told else 100.0, "%")
    yield Metric(f"{rule}: false alarms", round(100 * len(told - real) / (STORES * DAYS), 3), "per 100 store-days")


def _lives(records: Iterable[SimulatedRecord]) -> tuple[dict[str, dict[Any, Day]], dict[str, list[SimulatedRecord]]]:
    """Sort what concerns attendance by store and business date; the rest by store, or * where it is for all."""
    lives: defaultdict[str, dict[Any, Day]] = defaultdict(dict)
    rest: defaultdict[str, list[SimulatedRecord]] = defaultdict(list)
    for record in records:
        data, day = record.event.data, record.event.envelope.business_date
        if record.route == "store_version":
            rest[record.event.store_id].append(record)
        elif record.route == "chain_wide" or (record.route == "tick" and getattr(data, "partition", 0) == 0):
            rest["*"].append(record)
        elif isinstance(data, ShiftPublished | Punch):
            _put(lives[record.event.store_id].setdefault(day, Day()), record, data)
    return lives, rest


def _put(day: Day, record: SimulatedRecord, data: ShiftPublished | Punch) -> None:
    if isinstance(data, ShiftPublished):
        day.others.append(record)
        if data.revision >= day.shifts.get(data.employee_id, data).revision:
            day.shifts[data.employee_id] = data
    else:
        day.punches[data.employee_id][record.event.type].append(record)


def _changed(day: Day, rng: Random, has_buddies: bool, truth: Truth, injected: Injected) -> list[SimulatedRecord]:
    """Put cases into a day, note the truth of all kinds, and return its records."""
    names = _buddies(day) if has_buddies else {}
    if has_buddies and len(names) >= 2:
        _punch_for_the_other(day, names, rng)
    put_in = {kind: {place.subject for place in injected.places[kind]} for kind in ("no_shows", "late_staff")}
    for person, shift in day.shifts.items():
        who = names.get(person, person)
        if shift.shift_id in put_in["no_shows"]:
            truth.cases["no_show"].add((who, shift.starts_at.astimezone(UTC).isoformat()))
        if shift.shift_id in put_in["late_staff"]:
            truth.cases["late_arrival"].add((who, shift.starts_at.astimezone(UTC).isoformat()))
        if shift.status == "planned" and day.punches[person][CLOCKED_IN]:
            _trouble(day.punches[person], who, shift, rng, truth)
    if has_buddies:
        pair = sorted(name for name in names.values() if name.endswith(("-01", "-02")))
        truth.cases["buddy_punching"].add(("/".join(pair), ""))
    records = [*day.others, *(each for kinds in day.punches.values() for rows in kinds.values() for each in rows)]
    return [_renamed(record, names) for record in records]


def _buddies(day: Day) -> dict[str, str]:
    """Exchange people so that the first two of the store have the two earliest shifts: who was to come keeps the other's shift."""
    first = sorted(day.shifts.values(), key=lambda shift: (shift.starts_at, shift.shift_id))[:2]
    store = first[0].employee_id[:-3]
    names: dict[str, str] = {}
    for number, shift in enumerate(first, 1):
        here, wanted = names.get(shift.employee_id, shift.employee_id), f"{store}-{number:02}"
        held = next((person for person in names if names[person] == wanted), wanted)
        names[held], names[shift.employee_id] = here, wanted
    return names


def _punch_for_the_other(day: Day, names: dict[str, str], rng: Random) -> None:
    one, other = (next(person for person, name in names.items() if name.endswith(f"-0{number}")) for number in (1, 2))
    for kind in (CLOCKED_IN, CLOCKED_OUT):
        mine, theirs = day.punches[one][kind], day.punches[other][kind]
        if mine and theirs and min(_at(mine[0]), _at(theirs[0])) + timedelta(minutes=10) > max(_at(mine[0]), _at(theirs[0])):
            day.punches[other][kind] = [_moved(theirs[0], _at(mine[0]) + timedelta(seconds=rng.uniform(2, 8)))]


def _trouble(kinds: dict[str, list[SimulatedRecord]], who: str, shift: ShiftPublished, rng: Random, truth: Truth) -> None:
    """Put at most one case into a shift that was worked."""
    start, came, left = shift.starts_at.astimezone(UTC).isoformat(), kinds[CLOCKED_IN], kinds[CLOCKED_OUT]
    fresh = {record.event.id: record for record in came}
    times = sorted(_at(record) for record in fresh.values())
    if len(times) > 1 and times[1] - times[0] <= _NEAR:
        truth.cases["duplicate_punch"].add((who, times[0].astimezone(UTC).isoformat()))
    chance, week = rng.random(), _week(shift.starts_at)
    if chance < LEFT_EARLY:
        kinds[CLOCKED_OUT] = [_moved(record, shift.ends_at - timedelta(minutes=30 + 60 * chance / LEFT_EARLY)) for record in left[:1]]
        truth.cases["early_leave"].add((who, start))
    elif (chance := chance - LEFT_EARLY) < MISSED_OUT:
        kinds[CLOCKED_OUT] = []
        truth.cases["missed_punch"].add((who, times[0].astimezone(UTC).isoformat()))
        truth.unclear.add((who, week))
    elif (chance := chance - MISSED_OUT) < NO_BREAK:
        kinds[BREAK_STARTED], kinds[BREAK_ENDED] = [], []
        truth.cases["breaks"].add((who, start))
    elif (chance := chance - NO_BREAK) < ELSEWHERE:
        place = LocationEvidence(distance_m=400, accuracy_m=20, verdict="outside")
        kinds[CLOCKED_IN] = [_with(record, {"location": place}) for record in came[:1]]
        truth.cases["duplicate_punch"].discard((who, times[0].astimezone(UTC).isoformat()))
        truth.cases["punch_location"].add((who, _at(came[0]).astimezone(UTC).isoformat()))
    _count_hours(kinds, who, week, truth)


def _count_hours(kinds: dict[str, list[SimulatedRecord]], who: str, week: str, truth: Truth) -> None:
    """Sum up what was worked in a week, in one pass over first presses."""
    if not kinds[CLOCKED_OUT]:
        return
    worked = _at(kinds[CLOCKED_OUT][0]) - min(_at(record) for record in kinds[CLOCKED_IN])
    if kinds[BREAK_STARTED] and kinds[BREAK_ENDED]:
        worked -= _at(kinds[BREAK_ENDED][0]) - _at(kinds[BREAK_STARTED][0])
    truth.worked[who, week] += worked
    if truth.worked[who, week] >= timedelta(hours=44):
        truth.cases["overtime"].add((who, week))


def _week(moment: datetime) -> str:
    year, week, _ = moment.date().isocalendar()
    return f"{year}-W{week:02}"


def _at(record: SimulatedRecord) -> datetime:
    return record.event.envelope.occurred_at


def _moved(record: SimulatedRecord, to: datetime) -> SimulatedRecord:
    event = record.event
    moved = Event(event.envelope.model_copy(update={"occurred_at": to}), event.data)
    return record._replace(event=moved, arrival=to + (record.arrival - _at(record)))


def _with(record: SimulatedRecord, content: dict[str, Any]) -> SimulatedRecord:
    return record._replace(event=Event(record.event.envelope, record.event.data.model_copy(update=content)))


def _renamed(record: SimulatedRecord, names: dict[str, str]) -> SimulatedRecord:
    person = getattr(record.event.data, "employee_id", "")
    return _with(record, {"employee_id": names[person]}) if person in names else record


def _a_day_later(records: Iterable[SimulatedRecord]) -> SimulatedRecord:
    """Return one more tick: the clock of a simulation ends with its last day, and what was not pressed then is known a day later."""
    last = max((record for record in records if record.route == "tick"), key=_at)
    later = _at(last) + timedelta(days=1)
    return _with(_moved(last, later), {"at": later})


def _told(records: list[SimulatedRecord], store: str) -> Iterator[tuple[str, Key]]:
    """Fold one store's log and return what stands in the end and is confirmed."""
    log = []
    for offset, record in enumerate(sorted([*records, _a_day_later(records)], key=lambda row: row.arrival)):
        written = encode(record.event, STORE_FACTS, 0)
        log.append(RawRecord(STORE_FACTS, 0, offset, int(record.arrival.timestamp() * 1000), written.key, written.value, written.headers))
    replica = Replica(Fold((AttendanceRules(), BuddyPunching())))
    for start in range(0, len(log), 500):
        replica.apply(log[start : start + 500])
    for row in alerts(replica.derived).values():
        if row.status != "retracted" and row.stage == "confirmed":
            yield row.rule, _key(row)


def _key(row: AlertChanged) -> Key:
    if row.rule == "buddy_punching":
        return row.subject, ""
    if row.rule == "overtime":
        return row.subject, _week(row.window_start + timedelta(days=3))
    return row.subject, row.window_start.astimezone(UTC).isoformat()
