"""The file of connections: read whole, or refused with the place of everything that is wrong."""

import re
from pathlib import Path

import pytest

from producers.connections import ConnectionsInvalid, parse_connections, read_connections
from producers.sources.vendors import VENDORS
from tests.architecture.committed import ROOT

GUIDE = ROOT / "docs/guides/connect-a-vendor.md"
GOOD = """
connections:
  shopify-main:
    vendor: shopify
    tenant: demo
    secret: {env: SHOPIFY_KEY}
    unlocated: 1
    locations:
      1: {store_id: A, timezone: Asia/Seoul, currency: KRW, cut_off_hour: 5}
    skus: {808950810: TEE-M}
"""
KEYS = {"SHOPIFY_KEY": "a secret"}


def codes(text: str, environment: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Return code and pointer of everything that is wrong."""
    with pytest.raises(ConnectionsInvalid) as caught:
        parse_connections(text, KEYS if environment is None else environment)
    return [(problem.code, problem.pointer) for problem in caught.value.problems]


def test_a_connection_has_its_name_its_stores_and_its_secret() -> None:
    """Numbers that name locations are text; the secret is in no representation."""
    text = GOOD.replace("unlocated: 1", 'unlocated: "1"')
    account = parse_connections(text, KEYS)["shopify-main"]

    assert (account.connection.source, account.connection.tenant, account.connection.locations["1"].store_id) == (
        "shopify-main",
        "demo",
        "A",
    )
    assert account.connection.sku("808950810") == "TEE-M"
    assert account.secret == "a secret"
    assert "a secret" not in repr(account)


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    """Without the line end that editors add."""
    (tmp_path / "key").write_text("from a file\n", "utf-8")
    text = GOOD.replace("{env: SHOPIFY_KEY}", f"{{file: {tmp_path / 'key'}}}").replace("unlocated: 1", "")

    assert parse_connections(text, {})["shopify-main"].secret == "from a file"


@pytest.mark.parametrize(
    ("before", "after", "pointer"),
    [
        ("{env: SHOPIFY_KEY}", "a secret written down", "/connections/shopify-main/secret"),
        ("{env: SHOPIFY_KEY}", "{env: A, file: b}", "/connections/shopify-main/secret"),
        ("vendor: shopify", "vendor: square", "/connections/shopify-main"),
        ("vendor: shopify", "vendor: unheard", "/connections/shopify-main/vendor"),
        ("unlocated: 1", 'unlocated: "2"', "/connections/shopify-main"),
        ("Asia/Seoul", "Seoul", "/connections/shopify-main/locations/1/timezone"),
        ("KRW", "XTS", "/connections/shopify-main/locations/1/currency"),
        ("tenant: demo", "tenant: demo\n    tenent: x", "/connections/shopify-main/tenent"),
    ],
)
def test_what_is_wrong_is_named(before: str, after: str, pointer: str) -> None:
    """Each with its place in the file."""
    text = GOOD.replace("unlocated: 1", 'unlocated: "1"') if "unlocated" not in before else GOOD
    assert pointer in {place for _, place in codes(text.replace(before, after))}


def test_a_secret_that_is_not_there_stops_the_start() -> None:
    """An empty secret would let anybody sign."""
    text = GOOD.replace("unlocated: 1", "")
    assert codes(text, {}) == codes(text, {"SHOPIFY_KEY": " "}) == [("no_secret", "/connections/shopify-main/secret")]


def test_the_file_of_the_guide_is_read() -> None:
    """Its example shows every vendor, and says where each secret is kept."""
    example = re.search(r"```yaml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert example
    keys = dict.fromkeys(re.findall(r"env: (\w+)", example[1]), "a secret")
    accounts = parse_connections(example[1], keys)

    assert {account.vendor.scheme.header for account in accounts.values()} == {vendor.scheme.header for vendor in VENDORS.values()}


def test_no_file_is_no_connection_and_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """Not being configured is normal; being configured wrongly is not."""
    assert read_connections(None, {}) == {}
    with pytest.raises(ConnectionsInvalid):
        read_connections(tmp_path / "nowhere.yaml", {})
    assert codes("connections: [") == [("not_yaml", "")]
