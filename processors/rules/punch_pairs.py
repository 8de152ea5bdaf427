"""Who was at one time clock within a quarter of an hour of whom: the rows that the rule on buddy punching judges.

The presses of a device are kept by day, so that a press is compared with its neighbours only; meetings are kept by pair of people.
"""

from collections.abc import Iterator

import msgspec

from contracts.envelope import Event
from contracts.events.clock import Punch
from contracts.events.registry import CLOCKED_IN
from contracts.fields import Model
from processors.rules.rule import RETENTION, Kind, Recounted, State, microseconds

NEAR = 900_000_000
"""How far apart two presses may be to be a meeting at all, microseconds."""

DAY = 86_400_000_000
_RETENTION = RETENTION // RETENTION.resolution
_KEPT = 2_000


class DevicePress(msgspec.Struct, frozen=True, array_like=True):
    """A clock-in or clock-out at a device; `place` is what its evidence says, to be compared with that of another."""

    at: int
    event: bytes
    counts: bool
    employee: str
    comes: bool
    place: str = ""


class DeviceDay(State, frozen=True, array_like=True):
    """The presses of one device on one UTC day."""

    presses: tuple[DevicePress, ...] = ()


class Meeting(msgspec.Struct, frozen=True, array_like=True):
    """Two people's presses of one kind near each other; the person whose id sorts first comes first."""

    one: DevicePress
    other: DevicePress

    @property
    def counts(self) -> bool:
        """Return whether both did occur."""
        return self.one.counts and self.other.counts

    @property
    def gap(self) -> int:
        """Return the time between them, microseconds."""
        return abs(self.one.at - self.other.at)

    @property
    def begin(self) -> int:
        """Return when the first of them was."""
        return min(self.one.at, self.other.at)


DEVICE_DAY = Kind("punch_device", DeviceDay, 1, 1)


def device_press(event: Event[Model], counts: bool) -> DevicePress:
    """Return a press as a row."""
    data = event.data
    assert isinstance(data, Punch)
    found = data.location
    place = f"{found.fence_id} {found.distance_m} {found.accuracy_m}" if found and found.distance_m is not None else ""
    return DevicePress(microseconds(event.envelope.occurred_at), event.id.bytes, counts, data.employee_id, event.type == CLOCKED_IN, place)


def day_name(device: str, at: int) -> str:
    """Name the state that holds a device's presses at a time."""
    return f"{device}/{at // DAY}"


def days_around(device: str, at: int) -> list[str]:
    """Name the states in which the neighbours of a press are."""
    return sorted({day_name(device, at - NEAR), day_name(device, at + NEAR)})


def neighbours(day: State | None, press: DevicePress) -> Iterator[DevicePress]:
    """Yield other people's presses of the same kind within a quarter of an hour."""
    for row in day.presses if isinstance(day, DeviceDay) else ():
        if row.comes is press.comes and row.employee != press.employee and abs(row.at - press.at) <= NEAR:
            yield row


def with_press(day: DeviceDay, press: DevicePress) -> DeviceDay:
    """Add a press; the oldest of what is too much for one value go."""
    return DeviceDay((*day.presses, press)[-_KEPT:])


def recounted(day: DeviceDay, change: Recounted) -> DeviceDay:
    """Apply what a correction changed."""
    return DeviceDay(tuple(_judged(row, change) for row in day.presses))


def met_again(meeting: Meeting, change: Recounted) -> Meeting:
    """Apply what a correction changed."""
    return Meeting(_judged(meeting.one, change), _judged(meeting.other, change))


def forget_at(day: DeviceDay) -> int:
    """Return when nothing of it is kept any more."""
    return max((row.at for row in day.presses), default=0) + _RETENTION


def _judged(row: DevicePress, change: Recounted) -> DevicePress:
    return msgspec.structs.replace(row, counts=change.verdict(row.event, row.counts))
