"""Canonical text as regular expressions: dates, times, ids and decimals exactly as the codec writes them. Pure.

Each accepts a part of what the precise reading accepts, never more; what is left out is merely read the longer way.
"""

_YEAR = "(?:19(?:7[2-9]|[89][0-9])|20[0-9]{2}|21(?:[0-3][0-9]|4[0-7]))"
"""A year within the bounds of every store, by any offset."""
_MONTH_AND_DAY = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
"""Without 29 February."""
_DAY = f"{_YEAR}-{_MONTH_AND_DAY}"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET = r"(?:\+(?:0[0-9]|1[0-4]):[0-5][0-9]|-(?:0[1-9]|1[0-4]):[0-5][0-9])"

DAY = rf"\A{_DAY}\Z"
MOMENT = rf"\A{_DAY}T{_CLOCK}(?!\.000000)(?:\.[0-9]{{6}})?{_OFFSET}\Z"
"""As `datetime.isoformat` writes it: six digits of a second or none, an offset and never 'Z'."""
ANY_MOMENT = rf"\A{_DAY}T{_CLOCK}(?:\.[0-9]{{1,6}})?(?:Z|{_OFFSET})\Z"
"""Any way to write a time that is read the same everywhere; for times that are written anew."""
ID = r"\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"


def decimal(max_digits: int, decimal_places: int, *, signed: bool, may_be_zero: bool) -> str:
    """Return the pattern of canonical decimals: no exponent, no zeros that say nothing, no negative zero."""
    whole, places = max_digits - decimal_places, decimal_places
    zero = "" if may_be_zero else r"(?!0\Z)"
    fraction = rf"(?:\.[0-9]{{0,{places - 1}}}[1-9])?"
    return rf"\A{'-?' if signed else ''}{zero}(?:0|[1-9][0-9]{{0,{whole - 1}}}){fraction}\Z".replace("-?", r"(?!-0\Z)-?")
