"""Which columns together name one receipt: numbers that begin anew each day or at each till need the day or the till beside them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from producers.mappings.drafting.finding import Finding, percent
from producers.mappings.drafting.profile import Profile
from producers.mappings.drafting.sampling import Sample
from producers.mappings.drafting.words import Role

_CLEAN = 0.02


def receipt_key(sample: Sample, roles: Mapping[Role, Finding[Profile]]) -> Finding[tuple[str, ...]]:
    """Return the columns that make a receipt's number; the fewest under which receipts keep to one day and one till."""
    receipt = roles["receipt"]
    place, sureness, basis = receipt.value.place, receipt.sureness, receipt.basis
    store = [roles["store"].value.place] if "store" in roles else []
    told = [_places(roles, ()), _places(roles, ("till",)), _places(roles, ("occurred_at",)), _places(roles, ("occurred_at", "till"))]
    fixed = _days_and_tills(sample, roles)
    mixed = {extra: _mixed(sample, [*store, *extra, place], fixed) for extra in dict.fromkeys(told)}
    extra = next((extra for extra, share in mixed.items() if share <= _CLEAN), ())
    names = tuple(sample.header[column].strip() for column in (*extra, place))
    if extra:
        basis += (
            f"; alone it repeats on other days or tills ({percent(mixed[()])} of its numbers), with {', '.join(names[:-1])} it does not"
        )
        return Finding(names, "likely", basis)
    if mixed[()] > _CLEAN:
        return Finding(names, "unsure", f"{basis}; {percent(mixed[()])} of its numbers appear on several days or tills")
    return Finding(names, sureness, f"{basis}; {percent(receipt.value.repeated)} of the lines continue the receipt of the line before")


def _places(roles: Mapping[Role, Finding[Profile]], wanted: Iterable[Role]) -> tuple[int, ...]:
    return tuple(roles[role].value.place for role in wanted if role in roles)


def _days_and_tills(sample: Sample, roles: Mapping[Role, Finding[Profile]]) -> list[tuple[str, str]]:
    """Return day and till of each row; a day is the date as it is written, without what follows it."""
    at, till = roles.get("occurred_at"), roles.get("till")
    days = [text.replace("T", " ").split(" ")[0] for text in sample.column(at.value.place)] if at else [""] * sum(1 for _ in sample.rows())
    return list(zip(days, sample.column(till.value.place) if till else [""] * len(days), strict=True))


def _mixed(sample: Sample, places: Sequence[int], told: Sequence[tuple[str, str]]) -> float:
    """Return the share of receipts with lines of more than one day or till."""
    seen: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
    for row, here in zip(sample.rows(), told, strict=True):
        seen[tuple(row[place].strip() for place in places)].add(here)
    return sum(len(found) > 1 for found in seen.values()) / len(seen) if seen else 0.0
