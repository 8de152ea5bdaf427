"""Which codes are services and no goods: postage, fees, bags, gift cards, written among the article codes."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from producers.mappings.drafting.finding import Finding
from producers.mappings.drafting.line import Line

_SERVICE_WORDS = re.compile(
    r"\b(?:post|postage|shipping|carriage|deliver(?:y|ies)|freight|manual|discounts?|samples?|fees?|commission|charges?|bad debt|"
    r"(?:gift )?(?:voucher|card)s?|deposit|donation|surcharge|rounding|tips?|(?:shopping|carrier|paper|plastic) bags?|"
    r"versand|porto|pfand|gutschein|livraison|envío)\b"
    r"|^bags?$|배송|택배|배달|봉투|쇼핑백|수수료|상품권|기프트카드|보증금|예치금|할인",
    re.IGNORECASE,
)
_USUAL = 0.6
"""Share of codes with digits from which codes without any are unusual."""
_MOST_LISTED = 40


@dataclass(frozen=True, slots=True)
class Services:
    """Codes that fit `pattern` (a regular expression of the whole code) are services, except the `goods`."""

    pattern: str
    goods: tuple[str, ...] = ()


def services_of(lines: Sequence[Line]) -> Finding[Services | None]:
    """Find codes that look unlike the others, and whose code or description speaks of a service."""
    named: dict[str, Counter[str]] = {}
    for line in lines:
        if line.sku:
            named.setdefault(line.sku, Counter())[line.description] += 1
    digitless = sorted(code for code in named if not _has_digit(code))
    usual = len(named) - len(digitless) >= _USUAL * len(named) if named else False
    if not usual:
        return _listed(sorted(code for code in named if _speaks(code, {})))
    shapes = Counter(map(_shape, named))
    rare = max(1.0, 0.02 * len(named))
    odd = sorted(code for code in named if _has_digit(code) and shapes[_shape(code)] <= rare and _speaks(code, named[code]))
    goods = tuple(code for code in digitless if not _speaks(code, named[code]))
    return _by_shape(digitless, odd, goods, any(line.description for line in lines))


def _by_shape(digitless: Sequence[str], odd: Sequence[str], goods: tuple[str, ...], described: bool) -> Finding[Services | None]:
    speaking = [code for code in digitless if code not in goods]
    if not speaking and not odd:
        return Finding(None, "likely", f"no code without a digit speaks of a service{_such_as(goods)}")
    parts = list(dict.fromkeys(_pattern(code) for code in odd))
    if not described or len(speaking) >= len(goods):
        parts.insert(0, r"\D+")
        basis = f"codes without a digit, as {', '.join(speaking[:_MOST_LISTED])}, are services among codes with digits"
    else:
        parts, goods = [*(_pattern(code) for code in speaking), *parts], ()
        basis = f"the descriptions of {', '.join([*speaking, *odd][:_MOST_LISTED])} speak of services"
    return Finding(
        Services("|".join(parts), goods[:_MOST_LISTED]), "likely", basis + (f"; {', '.join(odd)} speak of services too" if odd else "")
    )


def _listed(codes: Sequence[str]) -> Finding[Services | None]:
    if not codes:
        return Finding(None, "unsure", "no code speaks of a service; name postage, bags and gift cards if there are any")
    return Finding(
        Services("|".join(map(_pattern, codes[:_MOST_LISTED]))),
        "unsure",
        f"the codes {', '.join(codes[:_MOST_LISTED])} sound like services",
    )


def _such_as(codes: Sequence[str]) -> str:
    return f"; {', '.join(codes[:5])} look like goods" if codes else ""


def _has_digit(code: str) -> bool:
    return any(letter.isdigit() for letter in code)


def _speaks(code: str, descriptions: Mapping[str, int]) -> bool:
    """Tell whether the code, or what is mostly written beside it, has a word of a service; a lone letter is one of its own."""
    said = max(descriptions, key=lambda text: (descriptions[text], text), default="")
    return _SERVICE_WORDS.search(code.replace("_", " ")) is not None or _SERVICE_WORDS.search(said) is not None


def _shape(code: str) -> str:
    """Reduce a code to its runs of letters and digits."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", code))


def _pattern(code: str) -> str:
    """Write a code as a regular expression; the numbers in gift_0001_20 stand for any."""
    escaped = re.escape(code).replace(r"\ ", " ")
    return re.sub(r"\d{2,}", r"\\d+", escaped) if "_" in code else escaped
