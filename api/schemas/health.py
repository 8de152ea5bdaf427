"""What the health routes answer."""

from typing import Literal

from pydantic import BaseModel


class Health(BaseModel):
    """The state of the process."""

    status: Literal["live", "ready"]
