"""What the texts of one column are like: how many differ, how many are numbers, what repeats from line to line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from producers.mappings.drafting.moments import Formats, clocks_of, moments_of
from producers.mappings.drafting.sampling import Sample
from producers.mappings.schema import CsvFormat
from producers.sources.readings import Memo, number_of

_FREQUENT = 12


@dataclass(frozen=True, slots=True)
class Profile:
    """A column; shares are of its filled cells, `repeated` is of neighbouring lines, `numbers` has None where there is none."""

    place: int
    name: str
    filled: float
    distinct: int
    numeric: float
    whole: float
    negative: float
    zero: float
    middle: Decimal
    repeated: float
    worded: float
    spaced: float
    frequent: Mapping[str, int]
    moments: Formats | None
    clocks: Formats | None
    numbers: Sequence[Decimal | None]

    @property
    def is_number(self) -> bool:
        """Whether (nearly) every filled cell is a number."""
        return self.numeric >= 0.97


def profiles_of(sample: Sample, style: CsvFormat) -> tuple[Profile, ...]:
    """Describe every column of a sample."""
    return tuple(_profile(sample, place, name.strip(), style) for place, name in enumerate(sample.header))


def _profile(sample: Sample, place: int, name: str, style: CsvFormat) -> Profile:
    texts = sample.column(place)
    filled = [text for text in texts if text]
    read = Memo[str, Decimal | None](lambda text: number_of(text, style) if text else None)
    numbers = [read[text] for text in texts]
    known = [number for number in numbers if number is not None]
    counts = Counter(filled)
    return Profile(
        place=place,
        name=name,
        filled=_share(len(filled), len(texts)),
        distinct=len(counts),
        numeric=_share(len(known), len(filled)),
        whole=_share(sum(number == int(number) for number in known), len(known)),
        negative=_share(sum(number < 0 for number in known), len(known)),
        zero=_share(sum(number == 0 for number in known), len(known)),
        middle=sorted(abs(number) for number in known)[len(known) // 2] if known else Decimal(0),
        repeated=_repeated(sample, place),
        worded=_share(sum(any(letter.isalpha() for letter in text) for text in filled), len(filled)),
        spaced=_share(sum(" " in text for text in filled), len(filled)),
        frequent=dict(counts.most_common(_FREQUENT)),
        moments=moments_of(texts),
        clocks=clocks_of(texts),
        numbers=numbers,
    )


def _repeated(sample: Sample, place: int) -> float:
    pairs = [(one[place], other[place]) for one, other in sample.neighbours()]
    return _share(sum(one == other and bool(one.strip()) for one, other in pairs), len(pairs))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
