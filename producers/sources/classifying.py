"""Decide the class of a line: the mapping's ordered rules, compiled to functions of its cells."""

import re
from collections.abc import Callable, Mapping

from producers.mappings.schema import Condition, CsvFormat, Rule
from producers.sources.readings import Cells, LineRefused, Memo, number_of

Test = Callable[[Cells], bool]


def classifier(rules: tuple[Rule, ...], index: Mapping[str, int], style: CsvFormat) -> Callable[[Cells], Rule]:
    """Return the function that finds a line's rule; LineRefused where none fits."""
    compiled = [(rule, _all([_test(condition, index, style) for condition in rule.when])) for rule in rules]

    def classify(cells: Cells) -> Rule:
        for rule, fits in compiled:
            if fits(cells):
                return rule
        raise LineRefused("no_rule", "", "a line that one of the mapping's rules describes")

    return classify


def _all(tests: list[Test]) -> Test:
    if not tests:
        return lambda _: True
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda cells: first(cells) and second(cells)
    return lambda cells: all(test(cells) for test in tests)


def _test(condition: Condition, index: Mapping[str, int], style: CsvFormat) -> Test:
    place = index[condition.column]
    if condition.prefix is not None and not condition.negated:
        prefix = condition.prefix
        return lambda cells: cells[place].startswith(prefix)
    holds = _of_text(condition, style)
    wanted = not condition.negated
    answers: Memo[str, bool] = Memo(lambda text: holds(text.strip()) is wanted)
    return lambda cells: answers[cells[place]]


def _of_text(condition: Condition, style: CsvFormat) -> Callable[[str], bool]:
    if condition.equals is not None:
        return lambda text: text == condition.equals
    if condition.one_of is not None:
        listed = frozenset(condition.one_of)
        return lambda text: text in listed
    if condition.regex is not None:
        pattern = re.compile(condition.regex)
        return lambda text: pattern.fullmatch(text) is not None
    if condition.prefix is not None:
        prefix = condition.prefix
        return lambda text: text.startswith(prefix)
    return lambda text: _sign(text, condition.column, style) == condition.sign


def _sign(text: str, column: str, style: CsvFormat) -> str:
    """Tell the sign of a number; an empty cell has none, and anything else is refused where a number is asked for."""
    value = number_of(text, style)
    if value is None and text:
        raise LineRefused("not_a_number", column, "a number: the mapping asks for its sign")
    if value is None:
        return "none"
    return "zero" if value == 0 else "positive" if value > 0 else "negative"
