"""The draft's column of times: one column, or a date and a time of day beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from producers.mappings.drafting.finding import Finding, Sureness, percent
from producers.mappings.drafting.moments import Formats, read_moment
from producers.mappings.drafting.profile import Profile
from producers.mappings.drafting.sampling import Sample
from producers.mappings.drafting.words import Role

_MIDNIGHT = (" 00:00:00", " 0:00:00", " 00:00", " 0:00")


@dataclass(frozen=True, slots=True)
class When:
    """The columns (joined with a space) and the formats to try in turn."""

    columns: tuple[str, ...]
    formats: tuple[str, ...]


def when_of(roles: Mapping[Role, Finding[Profile]]) -> Finding[When] | None:
    """Say how the moment of a line is read; None where no column tells a day."""
    day, clock = roles.get("occurred_at"), roles.get("clock")
    if day is None or day.value.moments is None:
        return None
    moments = day.value.moments
    basis = f"{day.basis}; the formats read {percent(moments.share)} of the texts"
    sureness: Sureness = day.sureness
    if moments.rival:
        basis, sureness = f"{basis}; {moments.rival} reads as many: is the day or the month first?", "unsure"
    days = _days_only(day.value, moments)
    if clock is not None and clock.value.clocks is not None and days:
        formats = tuple(f"{one} {other}" for one in days for other in clock.value.clocks.formats)
        return Finding(
            When((day.value.name, clock.value.name), formats), sureness, f"{basis}; the time of day stands in a column of its own"
        )
    if not moments.has_clock:
        basis, sureness = f"{basis}; no time of day: every sale will be at midnight", "unsure"
    return Finding(When((day.value.name,), moments.formats), sureness, basis)


def _days_only(profile: Profile, moments: Formats) -> tuple[str, ...]:
    """Return formats of the date alone, where there is no time beside it or always midnight."""
    if not moments.has_clock:
        return moments.formats
    ending = next((ending for ending in _MIDNIGHT if all(text.endswith(ending) for text in profile.frequent)), None)
    return tuple(f"{text.split(' ')[0]}{ending}" for text in moments.formats) if ending else ()


def first_day(sample: Sample, roles: Mapping[Role, Finding[Profile]]) -> date | None:
    """Return a day before everything in the sample and, most probably, in the file: the one before its first month."""
    day = roles.get("occurred_at")
    if day is None or day.value.moments is None:
        return None
    texts = set(sample.column(day.value.place))
    found = [next(filter(None, (read_moment(text, fmt) for fmt in day.value.moments.formats)), None) for text in texts]
    known = [moment.date() for moment in found if moment is not None]
    return min(known).replace(day=1) - timedelta(days=1) if known else None
