"""A data directory lives in one kind of time for good: live or simulated."""

from typing import Literal

from infra.settings import Settings

TimeMode = Literal["live", "simulated"]


class OtherTime(RuntimeError):
    """The directory was started in the other kind of time."""


def remembered_time(settings: Settings, wanted: TimeMode | None) -> TimeMode:
    """Return the time mode of a data directory, deciding it at the first start."""
    path = settings.data_dir / "time"
    if path.exists():
        known: TimeMode = "simulated" if path.read_text("ascii").strip() == "simulated" else "live"
        if wanted is not None and wanted != known:
            raise OtherTime(f"{settings.data_dir} is a stack with {known} time; use another --data-dir for {wanted} time")
        return known
    chosen = wanted or settings.time
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path.write_text(chosen + "\n", "ascii")
    return chosen
