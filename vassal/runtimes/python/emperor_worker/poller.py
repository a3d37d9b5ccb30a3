"""Tells which descriptors can be read: by epoll where there is one, else by poll. With `once` a descriptor is told once
and then left alone until it is armed again, from whatever thread."""
import select
import threading
from typing import List, Optional, Tuple


class EpollPoller:
    def __init__(self, once: bool) -> None:
        self._epoll = select.epoll()
        self._flags = select.EPOLLIN | (select.EPOLLONESHOT if once else 0)

    def add_listener(self, fd: int) -> None:
        # Of the workers that wait for the shared socket one wakes up, not all.
        self._epoll.register(fd, select.EPOLLIN | getattr(select, "EPOLLEXCLUSIVE", 0))

    def add(self, fd: int) -> None:
        self._epoll.register(fd, self._flags)

    def arm(self, fd: int) -> None:
        self._epoll.modify(fd, self._flags)

    def remove(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def wait(self, seconds: Optional[float]) -> "List[Tuple[int, int]]":
        """Descriptors, and what is with them. None: without end."""
        return self._epoll.poll(seconds)

    def close(self) -> None:
        self._epoll.close()


class PollPoller:
    """`wake` makes a wait return: what is armed meanwhile, the kernel does not look at."""

    def __init__(self, once: bool, wake) -> None:
        self._poll = select.poll()
        self._once = once
        self._wake = wake
        self._lock = threading.Lock()
        self._armed: "dict[int, bool]" = {}
        self._listeners: "set[int]" = set()

    def add_listener(self, fd: int) -> None:
        self._listeners.add(fd)
        self.add(fd)

    def add(self, fd: int) -> None:
        with self._lock:
            self._armed[fd] = True

    def arm(self, fd: int) -> None:
        self.add(fd)
        self._wake()

    def remove(self, fd: int) -> None:
        with self._lock:
            self._armed.pop(fd, None)
        self._listeners.discard(fd)

    def wait(self, seconds: Optional[float]) -> "List[Tuple[int, int]]":
        poll = select.poll()
        with self._lock:
            watched = [fd for fd, is_armed in self._armed.items() if is_armed]
        for fd in watched:
            poll.register(fd, select.POLLIN)
        found = poll.poll(None if seconds is None else seconds * 1000)
        if self._once:
            with self._lock:
                for fd, _ in found:
                    if fd not in self._listeners and fd in self._armed:
                        self._armed[fd] = False
        return found

    def close(self) -> None:
        self._armed.clear()


def open_poller(once: bool, wake):
    return EpollPoller(once) if hasattr(select, "epoll") else PollPoller(once, wake)
