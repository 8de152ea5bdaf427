"""What can be configured, read once from the environment (prefix `TILLSTREAM_`).

The only module that reads the environment; everything else takes a `Settings`.
"""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

TimeMode = Literal["live", "simulated"]
LogFormat = Literal["auto", "json", "console"]


def _default_cache_dir() -> Path:
    """Follow the XDG base directory rule: `$XDG_CACHE_HOME`, else `~/.cache`."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(configured) if configured else Path.home() / ".cache"
    return root / "tillstream"


class Settings(BaseSettings):
    """Where the parts are and how they behave.

    An address that is not given means: the embedded part of the stack in `data_dir`.
    """

    model_config = SettingsConfigDict(
        env_prefix="TILLSTREAM_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    data_dir: Path = Path(".tillstream")
    cache_dir: Path = Field(default_factory=_default_cache_dir)
    archive_dir: Path | None = Field(default=None, description="files of months that the archive has dropped; in `data_dir` without it")
    kafka_bootstrap: str | None = None
    postgres_dsn: str | None = None
    clickhouse_url: str | None = None
    time: TimeMode = "live"
    partitions: int = Field(default=6, ge=1)
    replication: int = Field(default=1, ge=1, description="copies of each topic: 3 on servers")
    topic_prefix: str = Field(default="", description="keeps environments apart on a shared broker")
    api_signing_key: SecretStr | None = Field(default=None, description="signs API tokens; made at the first start where absent")
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")
    connections: Path | None = Field(default=None, description="YAML file of the vendors that deliver by webhook")
    reconcile_every: str = Field(
        default="1h", pattern=r"^(\d+[smhd]|off)$", description="how often a stack reconciles by itself: 30m, 1h, …; `off`: never"
    )
    metrics_port: int = Field(default=0, ge=0, le=65535, description="0 serves no metrics port")
    log_level: str = "info"
    log_format: LogFormat = "auto"
    java_home: Path | None = Field(default=None, validation_alias=AliasChoices("TILLSTREAM_JAVA_HOME", "JAVA_HOME"))


def archive_root(settings: Settings) -> Path:
    """Return the folder of the archive's files."""
    return (settings.archive_dir or settings.data_dir / "archive").resolve()


def load_settings(**overrides: Any) -> Settings:
    """Read the environment; `overrides` (by field name) win over it, `None` leaves it as it is."""
    given = {name: value for name, value in overrides.items() if value is not None}
    return Settings(**given)


def child_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment with `extra` on top, for a process to be started."""
    return {**os.environ, **extra}
