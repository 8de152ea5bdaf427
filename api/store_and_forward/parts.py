"""What a buffer process holds open: the file, its writer and the sender. Opened by the app's lifespan, nowhere else."""

import shutil

from api.gates import Gate
from api.store_and_forward.buffer import Buffer, BufferFull, Room
from api.store_and_forward.config import EdgeConfig
from api.store_and_forward.database import open_durable
from api.store_and_forward.sender import Sender
from api.store_and_forward.writer import Writer
from infra.secrets import SecretStore

TILL_KEY = "till-key"


class Parts:
    """Everything that the routes of a buffer share."""

    def __init__(self, config: EdgeConfig, writer_type: type[Writer] = Writer) -> None:
        self.config = config
        self.posts = Gate("posts of events", config.limits.posts_in_flight)
        self._writer_type = writer_type

    async def open(self) -> None:
        """Open the file, make the key of the tills where there is none, begin to send."""
        config = self.config
        connection = open_durable(config.directory)
        self.till_key = SecretStore(config.directory).ensure(TILL_KEY)
        room = Room(config.max_bytes, config.min_free_bytes, lambda: shutil.disk_usage(config.directory).free)
        self.writer = self._writer_type(Buffer(connection, room, config.remembered_ids), (BufferFull,))
        self.writer.start()
        self.sender = Sender(config, self.writer)
        await self.sender.start()

    async def close(self) -> None:
        """Stop sending, then writing."""
        await self.sender.close()
        await self.writer.close()
