"""How trade swings with the hour, the weekday, the month and the two moving holidays of Korea. Data and pure arithmetic."""

from datetime import date, timedelta
from typing import Literal

Neighbourhood = Literal["mixed", "office", "homes"]

HOURS: dict[Neighbourhood, tuple[int, ...]] = {
    "mixed": (3, 2, 1, 1, 1, 2, 4, 8, 11, 7, 6, 8, 13, 10, 7, 7, 8, 11, 13, 12, 10, 9, 8, 6),
    "office": (2, 1, 1, 1, 1, 2, 5, 12, 16, 9, 7, 11, 20, 14, 8, 8, 8, 9, 11, 8, 6, 5, 4, 3),
    "homes": (4, 3, 1, 1, 1, 2, 4, 7, 8, 6, 6, 7, 9, 8, 7, 8, 10, 12, 14, 15, 14, 13, 11, 8),
}
"""Share of each local hour, from midnight."""

WEEKDAYS: dict[Neighbourhood, tuple[float, ...]] = {
    "mixed": (0.95, 0.94, 0.96, 1.0, 1.15, 1.1, 0.9),
    "office": (1.1, 1.12, 1.12, 1.14, 1.17, 0.75, 0.6),
    "homes": (0.92, 0.91, 0.93, 0.95, 1.06, 1.15, 1.08),
}
"""Monday to Sunday."""

MONTHS = (0.93, 0.92, 0.97, 1.0, 1.03, 1.05, 1.08, 1.07, 1.01, 1.0, 0.96, 0.98)
SUMMER = {"drink": 0.35, "snack": 0.12, "meal": -0.04, "fresh": 0.05}
"""How much more of a category is sold in July than on average; as much less in January."""

SEOLLAL = {2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 7), 2028: (1, 27)}
CHUSEOK = {2024: (9, 17), 2025: (10, 6), 2026: (9, 25), 2027: (9, 15), 2028: (10, 3)}
"""Month and day of the holiday itself; the days before and after it are holidays too. Other years have none."""

_AROUND = {-5: 1.05, -4: 1.08, -3: 1.12, -2: 1.18, -1: 0.92, 0: 0.55, 1: 0.72, 2: 0.95}
"""Trade by days from the holiday: gifts and provisions before it, families at home on it."""


def holiday_factor(day: date, country: str) -> float:
    """Return what a holiday does to a day's trade."""
    if country != "KR":
        return 1.0
    for table in (SEOLLAL, CHUSEOK):
        if day.year in table:
            month, number = table[day.year]
            factor = _AROUND.get((day - date(day.year, month, number)).days)
            if factor is not None:
                return factor
    return 1.0


def is_holiday(day: date, country: str) -> bool:
    """Tell whether a day is one of the three of Seollal or Chuseok."""
    near = (day - timedelta(days=1), day, day + timedelta(days=1))
    return country == "KR" and any(table.get(row.year) == (row.month, row.day) for table in (SEOLLAL, CHUSEOK) for row in near)


def month_factor(day: date) -> float:
    """Return the season of a day, gliding from the middle of one month to that of the next."""
    middle = day + timedelta(days=15)
    share = (middle.day - 1) / 31
    return MONTHS[(middle.month - 2) % 12] * (1 - share) + MONTHS[middle.month - 1] * share


def category_factor(category: str, day: date) -> float:
    """Return how well a category sells in a season."""
    months_from_july = min((day.month - 7) % 12, (7 - day.month) % 12)
    return 1 + SUMMER.get(category, 0.0) * (1 - months_from_july / 3)
