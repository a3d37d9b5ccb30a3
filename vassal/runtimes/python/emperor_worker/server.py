"""The loop of a worker: accepts connections, and serves those that have something to say, one at a time, or by a number of
threads. On the stop signal it accepts no more, serves what has come, closes what is idle, and returns."""
import errno
import socket
import threading
from queue import SimpleQueue
from typing import Dict, List

from . import offspring
from .connection import Connection
from .ending import Ending
from .gateway import Gateway
from .lingering import SWEEP_S, Lingering
from .notes import note, note_failure
from .poller import open_poller

#: Neither descriptors nor memory for a connection: it waits in the kernel, and we look again after a pause.
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS))
_PAUSE_S = 1.0


class Server:
    """`threads`: requests at a time. With one of them the loop itself runs the app."""

    def __init__(self, gateway: Gateway, listeners: "List[socket.socket]", ending: Ending, threads: int) -> None:
        self._gateway = gateway
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._ending = ending
        self._connections: Dict[int, Connection] = {}
        self._ready: "SimpleQueue[Connection | None]" = SimpleQueue()
        self._poller = open_poller(once=threads > 1, wake=ending.wake)
        self._lingering = Lingering()
        self._is_paused = False
        self._threads = [
            threading.Thread(target=self._work, name=f"emperor-{number}", daemon=True)
            for number in range(1, threads + 1)
            if threads > 1
        ]
        self._serve = self._ready.put if self._threads else self._serve_here

    def run(self) -> None:
        """Returns when the worker was told to end and all that it had begun is answered."""
        offspring.on_fork(self.release)
        self._poller.add(self._ending.fd)
        self._listen()
        for thread in self._threads:
            thread.start()
        while not self._ending.has_begun:
            if self._lingering.is_empty:
                self._turn(_PAUSE_S if self._is_paused else None)
            else:
                self._turn(SWEEP_S)
                self._lingering.sweep()
        self._end()

    def release(self) -> None:
        """In a process that the app has forked: gives up the descriptors, but not what the worker's mean to others."""
        self._poller.close()
        for listener in self._listeners.values():
            listener.close()

    def _turn(self, seconds: "float | None") -> None:
        found = self._poller.wait(seconds)
        if self._is_paused:
            self._listen()
        for fd, _ in found:
            connection = self._connections.get(fd)
            if connection is not None:
                self._serve(connection)
            elif fd in self._listeners:
                self._accept(self._listeners[fd])
            elif fd == self._ending.fd:
                self._ending.woken()
                self._rearm(fd)

    def _accept(self, listener: socket.socket) -> None:
        """One at a time: of a shared socket the next one may be for a worker that has less to do."""
        try:
            accepted, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            # Another worker was faster, or it is gone again.
            return
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._pause(error)
            return
        connection = Connection(accepted, self._gateway)
        self._connections[connection.fd] = connection
        self._poller.add(connection.fd)

    def _serve_here(self, connection: Connection) -> None:
        is_kept = False
        try:
            is_kept = connection.serve(self._ending.has_begun)
        except Exception as error:
            note_failure("a connection is closed by a failure of the worker's own", error)
        if is_kept:
            if self._threads:
                self._poller.arm(connection.fd)
        elif connection.linger():
            self._lingering.add(connection)
            self._rearm(connection.fd)
            # The loop waits without end else.
            self._ending.wake()
        else:
            self._close(connection)

    def _work(self) -> None:
        """A thread's life."""
        while True:
            connection = self._ready.get()
            if connection is None:
                return
            self._serve_here(connection)

    def _rearm(self, fd: int) -> None:
        if self._threads:
            self._poller.arm(fd)

    def _close(self, connection: Connection) -> None:
        self._lingering.remove(connection)
        # Forgotten first: its number is free for another one as soon as it is closed.
        self._poller.remove(connection.fd)
        self._connections.pop(connection.fd, None)
        connection.close()

    def _pause(self, error: OSError) -> None:
        note(f"no connection can be accepted for a while: {error}")
        self._is_paused = True
        for fd in self._listeners:
            self._poller.remove(fd)

    def _listen(self) -> None:
        self._is_paused = False
        for fd in self._listeners:
            self._poller.add_listener(fd)

    def _end(self) -> None:
        if not self._is_paused:
            for fd in self._listeners:
                self._poller.remove(fd)
        for listener in self._listeners.values():
            listener.close()
        self._listeners = {}
        # What was sent before we told anybody that we end is served: it is lost else.
        self._turn(0)
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join()
        for connection in list(self._connections.values()):
            self._close(connection)
        self._poller.close()
