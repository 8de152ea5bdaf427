# ruff: noqa: DTZ001 - exports write wall clock times
"""Seeded exports that nobody described, with what was put in: a Korean POS (cp949) and a German till (semicolons, decimal commas)."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

KOREAN_HEADER = "영업일자,판매시간,매장명,포스번호,영수증번호,거래구분,상품코드,상품명,수량,단가,할인금액,부가세,판매금액,담당자"
GERMAN_HEADER = "Belegnummer;Datum;Uhrzeit;Filiale;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Betrag;MwSt-Satz;Kassierer"
_GOODS = [("8801115114154", "서울우유 1L", 2980), ("8801056070809", "참치김밥", 4500), ("8801043015653", "컵라면", 1150)]
_GOODS += [(f"88011151{number:05}", f"행사상품 {number}", 700 + 130 * number) for number in range(30)]
_WARES = [(f"{4711 + number}", f"Brötchen Größe {number}", 45 + 35 * number) for number in range(25)]


@dataclass(frozen=True)
class Written:
    """A file, the classes of its lines, its receipts, and its money: gross less discounts of sales, and of returns, in minor units."""

    file: Path
    classes: Counter[str]
    receipts: int
    sold: int
    returned: int


def korean_export(file: Path, days: int = 4, seed: int = 3) -> Written:
    """Write an export with a title, receipt numbers that begin anew each day at each till, thousands marks, and bags among the goods."""
    rng = random.Random(seed)
    lines, classes, receipts, sold, returned = ["기간별 판매 상세 내역", "", KOREAN_HEADER], Counter[str](), 0, 0, 0
    for day in range(days):
        for store in ("강남점", "홍대점"):
            for till in ("01", "02"):
                at = datetime(2026, 3, 2 + day, 8)
                for number in range(1, rng.randrange(12, 30)):
                    at += timedelta(seconds=rng.randrange(60, 1500))
                    back, receipts = rng.random() < 0.08, receipts + 1
                    basket = [(*rng.choice(_GOODS), rng.randrange(1, 4)) for _ in range(rng.randrange(1, 6))]
                    if not back and rng.random() < 0.3:
                        basket.append(("BAG", "쇼핑백", 100, 1))
                    for code, name, price, quantity in basket:
                        gross = price * quantity
                        discount = gross // 10 if code != "BAG" and rng.random() < 0.2 else 0
                        kind = "service" if code == "BAG" else "returned" if back else "sold"
                        classes[kind] += 1
                        sold += gross - discount if kind == "sold" else 0
                        returned += gross - discount if kind == "returned" else 0
                        cells = [f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}", store, till, f"{number:04}", "반품" if back else "판매", code, name]
                        cells += [str(-quantity if back else quantity), f'"{price:,}"', f'"{discount:,}"', str((gross - discount) // 11)]
                        lines.append(",".join([*cells, f'"{gross - discount:,}"', rng.choice(["김민수", "이서연"])]))
    file.write_bytes("\r\n".join([*lines, ""]).encode("cp949"))
    return Written(file, classes, receipts, sold, returned)


def german_export(file: Path, receipts: int = 120, seed: int = 5) -> Written:
    """Write an export in cp1252 with a date and a time column, weights with three decimals, and vouchers among the goods."""
    rng = random.Random(seed)
    lines, classes, sold, returned = [GERMAN_HEADER], Counter[str](), 0, 0
    at = datetime(2026, 1, 11, 7)
    for number in range(receipts):
        at += timedelta(seconds=rng.randrange(60, 9000))
        store, back = rng.choice(["Köln", "München"]), rng.random() < 0.1
        basket = [(*rng.choice(_WARES), rng.randrange(1, 9) * 1000) for _ in range(rng.randrange(1, 6))]
        basket += [("9001", "Äpfel lose", 299, rng.randrange(100, 2500))] if rng.random() < 0.3 else []
        basket += [("GUTSCHEIN", "Gutschein", 2000, 1000)] if not back and rng.random() < 0.1 else []
        for code, name, price, grams in basket:
            kind = "service" if code == "GUTSCHEIN" else "returned" if back else "sold"
            cents = (price * grams + 500) // 1000
            classes[kind] += 1
            sold += cents if kind == "sold" else 0
            returned += cents if kind == "returned" else 0
            quantity = f"{-grams if back else grams:05}"
            sign, digits = ("-", quantity[1:]) if back else ("", quantity)
            amount = f"{sign}{digits[:-3].lstrip('0') or '0'},{digits[-3:]}"
            cells = [str(100_000 + number), f"{at:%d.%m.%Y}", f"{at:%H:%M}", store, code, name, amount.removesuffix(",000")]
            cells += [_euro(price), _euro(-cents if back else cents), "19,00", str(rng.randrange(1, 5))]
            lines.append(";".join(cells))
    file.write_bytes("\n".join([*lines, ""]).encode("cp1252"))
    return Written(file, classes, receipts, sold, returned)


def _euro(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100},{abs(cents) % 100:02}"
