"""The literal table of the vendors whose payloads are understood: how each signs, and how each is translated."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from contracts.errors import Problem
from producers.sources.json_lines import translate_json_lines
from producers.sources.payload import Refused, parsed
from producers.sources.shopify.translation import translate_shopify
from producers.sources.signatures import JSON_LINES, SHOPIFY, SQUARE, TOAST, Scheme
from producers.sources.square.translation import translate_square
from producers.sources.toast.translation import translate_toast
from producers.sources.vendor import Connection, Translated, Translation

VendorName = Literal["square", "toast", "shopify", "json_lines"]


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor; `is_text` where a body is handed over as it is, not as parsed JSON."""

    translate: Translation
    scheme: Scheme
    is_text: bool = False

    def translated(self, body: bytes, connection: Connection) -> Translated:
        """Translate the bytes of a body or a file; refused as a whole where they cannot be read."""
        try:
            text = body.decode("utf-8")
            payload: Any = text if self.is_text else parsed(text)
        except UnicodeDecodeError:
            return Translated((), (Problem("not_utf8", "", "text in UTF-8"),))
        except Refused as error:
            return Translated((), (error.problem,))
        return self.translate(payload, connection)


VENDORS: Final[dict[VendorName, Vendor]] = {
    "square": Vendor(translate_square, SQUARE),
    "toast": Vendor(translate_toast, TOAST),
    "shopify": Vendor(translate_shopify, SHOPIFY),
    "json_lines": Vendor(translate_json_lines, JSON_LINES, is_text=True),
}
