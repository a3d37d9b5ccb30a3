"""Processes that the app forks are no workers: they must neither take requests nor answer the one they were forked in."""
import os
import sys
from typing import Callable

#: True in such a process.
is_here = False


def on_fork(release: "Callable[[], None]") -> None:
    """`release` is called in the child: it gives up what is the worker's alone (sockets, the channel)."""

    def become_offspring() -> None:
        global is_here
        is_here = True
        release()

    os.register_at_fork(after_in_child=become_offspring)


def end(code: int) -> None:
    """It came back from the app's code: there is nothing for it to do here."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(code)
