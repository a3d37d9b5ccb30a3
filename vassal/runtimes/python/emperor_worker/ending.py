"""The stop signal: it marks the worker as ending and wakes whoever waits. An app's own handler of it is called when its
last request is answered, for what it does might end the process."""
import os
import signal
from typing import Any


class Ending:
    def __init__(self, name: str) -> None:
        self.has_begun = False
        self._signal = getattr(signal, name)
        self._theirs: Any = None
        self._read, self._write = os.pipe()
        for fd in (self._read, self._write):
            os.set_blocking(fd, False)

    @property
    def fd(self) -> int:
        """Readable once it has begun, or after wake()."""
        return self._read

    def listen(self) -> None:
        """After the app was loaded, which may have set a handler of its own. KILL cannot be heard."""
        if self._signal == signal.SIGKILL:
            return
        theirs = signal.signal(self._signal, self._begin)
        if callable(theirs) and theirs is not signal.default_int_handler:
            self._theirs = theirs

    def wake(self) -> None:
        try:
            os.write(self._write, b"\0")
        except BlockingIOError:
            # Full: it is readable, which is all that is wanted.
            pass

    def woken(self) -> None:
        """Takes what wake() left, so that the next wait waits."""
        try:
            while os.read(self._read, 4096):
                pass
        except BlockingIOError:
            pass

    def call_theirs(self) -> None:
        if self._theirs is not None:
            self._theirs(int(self._signal), None)

    def _begin(self, number: int, frame: Any) -> None:
        self.has_begun = True
        self.wake()
