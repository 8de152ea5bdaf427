"""What version 1 of no-show kept of each shift, read only to close the alerts that it left open. Pure."""

from collections.abc import Iterator

import msgspec

from contracts.identifiers import alert_id
from processors.rules import no_show
from processors.rules.retired import Left, Retired
from processors.rules.rule import Kind, State, moment_of

_CONFIRMED = 2


class ShiftAlert(msgspec.Struct, frozen=True, array_like=True):
    """An alert about one person and one start: its stage (0: none stood) and the number of its last transition."""

    employee: str
    starts_at: int
    ends_at: int
    day: str
    stage: int = 0
    transition: int = 0


class ShiftState(State, frozen=True, array_like=True):
    """The revisions of one shift, which nobody reads any more, and the alerts that any of them led to."""

    revisions: msgspec.Raw
    alerts: tuple[ShiftAlert, ...] = ()


def _left(store_id: str, shift: str, state: State) -> Iterator[Left]:
    assert isinstance(state, ShiftState)
    for row in state.alerts:
        if row.stage:
            start, is_confirmed = moment_of(row.starts_at), row.stage == _CONFIRMED
            yield Left(
                alert_id(no_show.SPEAKER.rule, store_id, f"{row.employee}/{shift}", start.isoformat()),
                row.transition,
                row.employee,
                "confirmed" if is_confirmed else "provisional",
                "high" if is_confirmed else "medium",
                start,
                moment_of(row.ends_at),
                row.day,
            )


NO_SHOW_BY_SHIFT = Retired(Kind("no_show", ShiftState, 1, 0), no_show.SPEAKER, _left)
