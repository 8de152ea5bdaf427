"""Decide the class of a line: the mapping's ordered rules, compiled to functions of its cells."""

import re
from collections.abc import Callable, Mapping

from producers.mappings.schema import Condition, CsvFormat, Rule
from producers.sources.readings import Cells, LineRefused, Memo, number_of

Answers = tuple["bool | LineRefused", ...]
"""What a cell says to each condition on its column; a refusal counts only where a rule comes to ask for it."""


def classifier(rules: tuple[Rule, ...], index: Mapping[str, int], style: CsvFormat) -> Callable[[Cells], Rule]:
    """Return the function that finds a line's rule; LineRefused where none fits.

    A cell is judged once for each distinct text, and a rule is sought once for each combination of judgements.
    """
    columns = list(dict.fromkeys(condition.column for rule in rules for condition in rule.when))
    conditions = {name: [c for rule in rules for c in rule.when if c.column == name] for name in columns}
    judged = [(index[name], _judge(conditions[name], style)) for name in columns]
    asked = [(rule, [(columns.index(c.column), _place(conditions[c.column], c)) for c in rule.when]) for rule in rules]
    found: Memo[tuple[Answers, ...], Rule] = Memo(lambda answers: _first(asked, answers))
    return lambda cells: found[tuple([judge[cells[place]] for place, judge in judged])]


def _place(conditions: list[Condition], condition: Condition) -> int:
    return next(place for place, other in enumerate(conditions) if other is condition)


def _first(asked: list[tuple[Rule, list[tuple[int, int]]]], answers: tuple[Answers, ...]) -> Rule:
    for rule, places in asked:
        if all(_yes(answers[column][place]) for column, place in places):
            return rule
    raise LineRefused("no_rule", "", "a line that one of the mapping's rules describes")


def _yes(answer: "bool | LineRefused") -> bool:
    if isinstance(answer, LineRefused):
        raise answer
    return answer


def _judge(conditions: list[Condition], style: CsvFormat) -> Memo[str, Answers]:
    tests = [_test(condition, style) for condition in conditions]
    return Memo(lambda text: tuple(test(text) for test in tests))


def _test(condition: Condition, style: CsvFormat) -> Callable[[str], "bool | LineRefused"]:
    if condition.prefix is not None and not condition.negated:
        prefix = condition.prefix
        return lambda text: text.startswith(prefix)
    holds = _of_text(condition, style)
    wanted = not condition.negated

    def answer(text: str) -> "bool | LineRefused":
        try:
            return holds(text.strip()) is wanted
        except LineRefused as refusal:
            return refusal

    return answer


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
