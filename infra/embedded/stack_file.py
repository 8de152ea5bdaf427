"""`stack.json`: what runs on a data directory, written by its supervisor, read by everyone else.

It holds no secrets. It appears complete or not at all.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from infra.embedded.process_table import Family, ProcessId, is_running

FILE_NAME = "stack.json"


class ProcessRecord(BaseModel):
    """One supervised process."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    start_time: int
    log: str
    executable: str
    directory: str | None = None

    def family(self) -> Family:
        """Return how to find the process and what it started."""
        return Family(ProcessId(self.pid, self.start_time), self.executable, self.directory)


class StackRecord(BaseModel):
    """The file's content; `facts` is what the parts tell of themselves (addresses, log id, time)."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    supervisor_pid: int
    supervisor_start_time: int
    facts: dict[str, JsonValue] = {}
    processes: list[ProcessRecord] = []

    def is_live(self) -> bool:
        """Tell whether the supervisor that wrote the file still runs."""
        return is_running(ProcessId(self.supervisor_pid, self.supervisor_start_time))


def read_record(data_dir: Path) -> StackRecord | None:
    """Return the record of a data directory, `None` where there is none that can be read."""
    try:
        return StackRecord.model_validate_json((data_dir / FILE_NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_record(data_dir: Path, record: StackRecord) -> None:
    """Replace the record of a data directory atomically."""
    part = data_dir / f".{FILE_NAME}.part"
    part.write_text(record.model_dump_json(indent=2) + "\n", "utf-8")
    part.replace(data_dir / FILE_NAME)


def remove_record(data_dir: Path) -> None:
    """Remove the record after everything that it names has ended."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)
