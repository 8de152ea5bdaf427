"""Reads `multipart/form-data`, in which clients send statements with many or long parameters."""

import re

from infra.embedded.clickhouse.errors import NOT_IMPLEMENTED, refusal

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILE_NAME = re.compile(rb"\bfilename\*?=")


def is_form(content_type: str) -> bool:
    """Tell whether a body of this type is a form."""
    return content_type.lower().startswith("multipart/form-data")


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields; files (tables sent along with a query) are refused."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise refusal(NOT_IMPLEMENTED, "a form without a boundary")
    delimiter = b"\r\n--" + found.group(1).encode("ascii")
    fields: dict[str, str] = {}
    for part in (b"\r\n" + body).split(delimiter)[1:]:
        if part.startswith(b"--"):
            break
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None or _FILE_NAME.search(head):
            raise refusal(NOT_IMPLEMENTED, "tables sent along with a query are not supported")
        fields[name.group(1).decode()] = value.decode()
    return fields
