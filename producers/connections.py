"""Which vendors may deliver: one YAML file names the accounts, their stores, and where the secret of each is kept.

Secrets are never in the file itself: it names an environment variable or another file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from contracts.codec import problems_of
from contracts.errors import Problem
from contracts.fields import Code, Model
from producers.mappings.schema import Slug
from producers.sources.vendor import Connection, StoreAt
from producers.sources.vendors import VENDORS, Vendor, VendorName


class ConnectionsInvalid(ValueError):
    """A file of connections that cannot be used; `problems` say where (JSON pointers) and what was expected."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        super().__init__(f"{source}: " + "; ".join(str(problem) for problem in problems))
        self.problems = problems


class SecretPlace(Model):
    """Where a secret is kept: in an environment variable or in a file, one of them."""

    env: Code | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "SecretPlace":
        if (self.env is None) == (self.file is None):
            raise ValueError("either env or file")
        return self


def _text_keys(value: Any) -> Any:
    """Vendors number things, and YAML reads a bare number as one."""
    return {str(key): row for key, row in value.items()} if isinstance(value, dict) else value


class ConnectionEntry(Model):
    """One account as the file says it; its name is its key in the file."""

    vendor: VendorName
    tenant: Code
    secret: SecretPlace
    address: str | None = Field(default=None, description="The address that was given to the vendor, where it is part of the signature.")
    locations: Annotated[Mapping[str, StoreAt], BeforeValidator(_text_keys), Field(min_length=1)]
    skus: Annotated[Mapping[str, Code], BeforeValidator(_text_keys)] = Field(default_factory=dict)
    unlocated: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> "ConnectionEntry":
        if VENDORS[self.vendor].scheme.signs_address and not self.address:
            raise ValueError(f"an address: {self.vendor} signs it")
        if self.unlocated is not None and self.unlocated not in self.locations:
            raise ValueError("unlocated: one of the locations")
        return self


class ConnectionsFile(Model):
    """The whole file."""

    connections: Annotated[Mapping[Slug, ConnectionEntry], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Account:
    """A connection that is ready to be used: how its vendor signs and writes, and the secret that it signs with."""

    name: str
    vendor: Vendor
    connection: Connection
    secret: str = field(repr=False)
    address: str = ""

    def is_signed(self, given: str, body: bytes) -> bool:
        """Tell whether a body comes from who holds the secret."""
        return self.vendor.scheme.is_signed(given, self.secret, body, self.address)


def parse_connections(text: str, environment: Mapping[str, str], source: str = "connections") -> dict[str, Account]:
    """Read the connections by name; ConnectionsInvalid lists what is wrong, secrets that are not there included."""
    try:
        entries = ConnectionsFile.model_validate(yaml.safe_load(text)).connections
    except yaml.YAMLError as error:
        raise ConnectionsInvalid(source, [Problem("not_yaml", "", f"YAML ({error})")]) from error
    except ValidationError as error:
        raise ConnectionsInvalid(source, problems_of(error)) from error
    secrets = {name: _secret(entry.secret, environment) for name, entry in entries.items()}
    places = [f"/connections/{name}/secret" for name, secret in secrets.items() if not secret]
    missing = [Problem("no_secret", place, "a variable or file that holds it") for place in places]
    if missing:
        raise ConnectionsInvalid(source, missing)
    return {name: _account(name, entry, secrets[name]) for name, entry in entries.items()}


def read_connections(file: Path | None, environment: Mapping[str, str]) -> dict[str, Account]:
    """Read the file of connections; none where no file is named."""
    if file is None:
        return {}
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectionsInvalid(str(file), [Problem("no_file", "", f"a readable file ({error})")]) from error
    return parse_connections(text, environment, str(file))


def _secret(place: SecretPlace, environment: Mapping[str, str]) -> str:
    if place.env is not None:
        return environment.get(place.env, "").strip()
    try:
        return place.file.read_text("utf-8").strip() if place.file is not None else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _account(name: str, entry: ConnectionEntry, secret: str) -> Account:
    connection = Connection(tenant=entry.tenant, source=name, locations=entry.locations, skus=entry.skus, unlocated=entry.unlocated)
    return Account(name, VENDORS[entry.vendor], connection, secret, entry.address or "")
