"""Connections that are answered and over, and whose peer still sends a body that nobody wants: closed at once, the kernel
would tell it that the connection is broken before it has read its answer. They get a moment to notice the end."""
import time
from typing import Dict

from .connection import Connection

_PATIENCE_S = 2.0
#: How often it has to be swept, where there is any.
SWEEP_S = 0.5


class Lingering:
    def __init__(self) -> None:
        #: Each with when it began.
        self._since: Dict[Connection, float] = {}

    def add(self, connection: Connection) -> None:
        self._since[connection] = time.monotonic()

    def remove(self, connection: Connection) -> None:
        self._since.pop(connection, None)

    @property
    def is_empty(self) -> bool:
        return not self._since

    def sweep(self) -> None:
        """Those whose time is over see the end, and are closed by whoever serves them."""
        now = time.monotonic()
        for connection, since in list(self._since.items()):
            if now - since > _PATIENCE_S:
                connection.shut()
