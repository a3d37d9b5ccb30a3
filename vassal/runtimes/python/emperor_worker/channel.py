"""The primary's channel: messages to it, one JSON value a line, and its end, which means that the primary is gone."""
import json
import os
import socket
import threading

from .boot import BOOT_ERROR


class Channel:
    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)
        self._socket.setblocking(True)

    def send(self, message: dict) -> None:
        """To a primary that is gone nothing can be said: the watch ends the process."""
        try:
            self._socket.sendall(json.dumps(message).encode("ascii") + b"\n")
        except OSError:
            pass

    def watch(self) -> None:
        """Ends the process with the primary, also while the app computes or waits in a request."""
        threading.Thread(target=self._wait_for_end, name="emperor-channel", daemon=True).start()

    def close(self) -> None:
        """For a child that the app has forked: it is no worker, and its end is nobody's news."""
        self._socket.close()

    def _wait_for_end(self) -> None:
        try:
            while self._socket.recv(4096):
                pass
        except OSError:
            pass
        # Another primary starts workers of its own; two of the same id would share a socket.
        os._exit(BOOT_ERROR)
