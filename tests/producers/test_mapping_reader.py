"""Mapping files: every mistake is named with its place and with what was expected there."""

from pathlib import Path

import pytest

from producers.mappings.reader import SHIPPED, MappingInvalid, parse_mapping, read_mapping

GOOD = """
name: shop
tenant: t
columns:
  receipt: No
  sku: Article
  quantity: Qty
  unit_price: Price
  occurred_at: {columns: When, formats: "%Y-%m-%d %H:%M"}
stores:
  only: Main
  effective_from: 2026-01-01T00:00:00+00:00
  defaults: {timezone: Asia/Seoul, currency: KRW, country: KR}
rules:
  - class: sold
"""


def test_every_shipped_mapping_is_valid() -> None:
    """What we ship can be used, by its bare name too."""
    names = sorted(file.stem for file in SHIPPED.glob("*.yaml"))

    assert "online_retail" in names
    assert [read_mapping(Path(name)).name for name in names] == [read_mapping(SHIPPED / f"{name}.yaml").name for name in names]


def test_the_shortest_mapping_is_enough() -> None:
    """Everything else has a default."""
    mapping = parse_mapping(GOOD)

    assert (mapping.columns.receipt.columns, mapping.format.delimiter, mapping.constants.channel) == (("No",), ",", "store")


@pytest.mark.parametrize(
    ("right", "wrong", "pointer", "expected"),
    [
        ("timezone: Asia/Seoul", "timezone: Asia/Soul", "/stores/defaults/timezone", "an IANA time zone"),
        ("currency: KRW", "currency: WON", "/stores/defaults/currency", "one of AUD"),
        ("  sku: Article\n", "", "/columns/sku", "Field required"),
        ("tenant: t", "tenant: t\ntenent: t", "/tenent", "Extra inputs"),
        ('"%Y-%m-%d %H:%M"', '"%H:%M"', "/columns/occurred_at/formats", "year, month and day"),
        ('"%Y-%m-%d %H:%M"', '"%Q"', "/columns/occurred_at/formats", "'%Q'"),
        ("- class: sold", "- class: sld", "/rules/0/class", "'sold'"),
        ("- class: sold", "- {class: sold, when: [{column: Qty}]}", "/rules/0/when/0", "exactly one of equals"),
        ("- class: sold", "- {class: sold, when: [{column: Qty, regex: '('}]}", "/rules/0/when/0/regex", "a regular expression"),
        ("- class: sold", "- {class: quarantined}", "/rules/0", "a reason with class 'quarantined'"),
        ("only: Main", "prefix: x.", "", "either columns.store or stores.only"),
        ("+00:00", "", "/stores/effective_from", "timezone"),
        ("name: shop", "name: Shop One", "/name", "match pattern"),
    ],
)
def test_a_mistake_is_named_with_its_place(right: str, wrong: str, pointer: str, expected: str) -> None:
    """The pointer leads to the field, the text says what belongs there."""
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(GOOD.replace(right, wrong), "shop.yaml")

    assert any(problem.pointer == pointer and expected in problem.expected for problem in caught.value.problems), caught.value.problems
    assert str(caught.value).startswith("shop.yaml: ")


def test_all_mistakes_are_named_at_once() -> None:
    """Nobody likes to find them one by one."""
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(GOOD.replace("KRW", "WON").replace("  sku: Article\n", "").replace("class: sold", "class: sld"))

    assert {"/columns/sku", "/stores/defaults/currency", "/rules/0/class"} <= {problem.pointer for problem in caught.value.problems}


@pytest.mark.parametrize(("text", "place"), [("name: [", "line 1"), ("name: a\nname: b", "line 2"), ("\n\t- x", "line 2")])
def test_broken_yaml_is_named_with_its_line(text: str, place: str) -> None:
    """Also a key written twice, which YAML itself would let pass."""
    with pytest.raises(MappingInvalid, match=place):
        parse_mapping(text)


def test_no_is_a_word_and_true_is_a_boolean() -> None:
    """A column may be called No, and Norway's code is NO; a mapping needs no quotes for them."""
    mapping = parse_mapping(
        GOOD.replace("country: KR", "country: NO").replace("- class: sold", "- {class: sold, when: [{column: No, not: true, equals: x}]}")
    )

    assert (mapping.stores.defaults.country, mapping.rules[0].when[0].column, mapping.rules[0].when[0].negated) == ("NO", "No", True)


def test_a_name_may_begin_with_a_truth_value() -> None:
    """A store called True North is no boolean."""
    assert parse_mapping(GOOD.replace("only: Main", "only: True North")).stores.only == "True North"


def test_what_is_left_to_decide_is_named_with_everything_else_that_is_wrong() -> None:
    """A draft is not loaded before its owner has spoken."""
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(GOOD.replace("tenant: t", 'tenant: "TO DECIDE: the chain"').replace("class: sold", "class: sld"))

    assert {(problem.code, problem.pointer) for problem in caught.value.problems} >= {
        ("undecided", "/tenant"),
        ("literal_error", "/rules/0/class"),
    }


def test_a_missing_file_lists_the_shipped_mappings(tmp_path: Path) -> None:
    """A typing mistake in a name is answered with the names that exist."""
    with pytest.raises(MappingInvalid, match="online_retail"):
        read_mapping(tmp_path / "nothing.yaml")
