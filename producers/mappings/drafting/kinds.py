"""The rules of a draft, in order: stock entries without a price, services, returns, sales, and a quarantine for what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from producers.mappings.drafting.finding import Finding, Sureness, percent
from producers.mappings.drafting.line import Line, share_alone
from producers.mappings.drafting.returns import ReturnMark, return_mark
from producers.mappings.drafting.services import Services, services_of
from producers.mappings.drafting.words import Role

Condition = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DraftRule:
    """One rule as a mapping writes it, with what speaks for it."""

    line_class: str
    when: tuple[Condition, ...]
    sureness: Sureness
    basis: str
    side: str | None = None

    def comment(self) -> str:
        """Return what stands beside the rule."""
        return f"{self.sureness}: {self.basis}"


def rules_of(lines: Sequence[Line], names: Mapping[Role, str]) -> list[DraftRule]:
    """Guess the rules; `names` are the columns of the roles."""
    mark, services = return_mark(lines), services_of(lines)
    returned = _return_conditions(mark.value, names)
    named = ReturnMark(mark.value.kinds, mark.value.prefix)
    zero = [line for line in lines if line.price == 0 and line.quantity and not named.marks(line)]
    rules = _stock_rules(lines, zero, names)
    rules += _service_rules(services, returned, names)
    rules += [DraftRule("returned", (condition,), mark.sureness, mark.basis) for condition in returned]
    positive = [line for line in zero if not line.is_negative]
    free = bool(positive) and not any(rule.line_class == "found" for rule in rules)
    return [*rules, _sale_rule(lines, names, free)]


def _stock_rules(lines: Sequence[Line], zero: Sequence[Line], names: Mapping[Role, str]) -> list[DraftRule]:
    """Lines without a price are stock where their receipts have nothing else on them; beside priced lines they are gifts."""
    rules = []
    price: Condition = {"column": names["unit_price"], "sign": "zero"}
    for line_class, sign, negative in (("write_off", "negative", True), ("found", "positive", False)):
        concerned = [line for line in zero if line.is_negative is negative]
        alone = share_alone(lines, concerned)
        if concerned and alone >= 0.5:
            basis = f"{len(concerned)} such lines, {percent(alone)} of them on receipts without any price: stock, or given away?"
            sureness: Sureness = "likely" if alone > 0.9 else "unsure"
            rules.append(DraftRule(line_class, (price, {"column": names["quantity"], "sign": sign}), sureness, basis))
    return rules


def _service_rules(services: Finding[Services | None], returned: Sequence[Condition], names: Mapping[Role, str]) -> list[DraftRule]:
    if services.value is None:
        return []
    codes: list[Condition] = [{"column": names["sku"], "regex": services.value.pattern}]
    if services.value.goods:
        codes.append({"column": names["sku"], "in": list(services.value.goods), "not": True})
    back = [
        DraftRule("service", (*codes, condition), services.sureness, "the same, taken back with a return", "return")
        for condition in returned
    ]
    return [*back, DraftRule("service", tuple(codes), services.sureness, services.basis)]


def _return_conditions(mark: ReturnMark, names: Mapping[Role, str]) -> list[Condition]:
    found: list[Condition] = []
    if mark.kinds:
        found.append({"column": names["kind"], "in": list(mark.kinds)})
    if mark.prefix:
        found.append({"column": names["receipt"], "prefix": mark.prefix})
    if mark.negative:
        found.append({"column": names["quantity"], "sign": "negative"})
    return found


def _sale_rule(lines: Sequence[Line], names: Mapping[Role, str], free: bool) -> DraftRule:
    quantity: Condition = {"column": names["quantity"], "sign": "positive"}
    if free:
        basis = "a quantity above zero; lines without a price stand beside priced ones, as gifts do"
        return DraftRule("sold", (quantity, {"column": names["unit_price"], "sign": "negative", "not": True}), "likely", basis)
    sold = sum(line.quantity is not None and line.quantity > 0 and line.price is not None and line.price > 0 for line in lines)
    basis = f"{percent(sold / len(lines) if lines else 0.0)} of the lines have a quantity and a price above zero"
    return DraftRule("sold", (quantity, {"column": names["unit_price"], "sign": "positive"}), "sure", basis)
