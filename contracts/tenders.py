"""How something is paid: shared by receipts and till closings, which do not know each other."""

from typing import Literal, TypeAlias

TenderKind: TypeAlias = Literal[
    "cash", "card", "mobile", "transfer", "gift_card", "voucher", "points", "house_account", "deposit", "cheque", "other"
]
