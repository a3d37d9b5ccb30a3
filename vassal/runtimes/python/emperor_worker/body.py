"""The bodies of requests, as they come over a connection: of a known length, or in chunks. `wsgi.input` is a
BufferedReader over one of them, which brings read, readline, readlines and iteration."""
import io
import socket
from typing import Optional

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_RECEIVE = 64 * 1024
#: Of a chunk's size in hexadecimal: no body is longer than that.
_MOST_SIZE_DIGITS = 15


class ClientGone(ConnectionError):
    """The client went away, or the router cut its connection; nobody waits for an answer any more."""


class MalformedBody(OSError):
    """The chunks of a body are not well-formed."""


class Body(io.RawIOBase):
    """
    What is common. `received` are the bytes behind the head that came with it. Reads wait for the client; they raise
    ClientGone where it does not send what it has announced.
    """

    def __init__(self, connection: socket.socket, received: bytes, awaits_continue: bool) -> None:
        self._connection = connection
        self._received = received
        #: Of `received` that is read already; many small chunks must not copy it as often.
        self._at = 0
        #: The client sends nothing of it before it is told to.
        self.awaits_continue = awaits_continue and not received
        self._count = 0

    def readable(self) -> bool:
        return True

    def _wait(self) -> None:
        if self.awaits_continue:
            self.awaits_continue = False
            try:
                self._connection.sendall(_CONTINUE)
            except OSError as error:
                raise ClientGone("the client went away before it sent the body") from error

    def _take_received(self, view: memoryview) -> int:
        """Copies what is there already; 0 where nothing is."""
        part = self._received[self._at : self._at + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _receive_into(self, view: memoryview) -> int:
        self._wait()
        try:
            count = self._connection.recv_into(view)
        except OSError as error:
            raise ClientGone(self._gone()) from error
        if count == 0:
            raise ClientGone(self._gone())
        return count

    def _gone(self) -> str:
        return f"the client went away after {self._count} bytes of the body"


class KnownBody(Body):
    """`length` bytes, of which some have not come yet."""

    #: What came behind it: nothing can.
    rest = b""

    def __init__(self, connection: socket.socket, received: bytes, length: int, awaits_continue: bool) -> None:
        super().__init__(connection, received, awaits_continue)
        self._length = length
        #: Bytes that have not come yet.
        self._missing = length - len(received)

    def readinto(self, buffer) -> int:
        view = memoryview(buffer)
        count = self._take_received(view)
        if count == 0 and self._missing > 0 and len(view) > 0:
            count = self._receive_into(view[: self._missing])
            self._missing -= count
        self._count += count
        return count

    @property
    def missing(self) -> Optional[int]:
        """Bytes that have to come before the connection can take another request; None where that is not known."""
        return self._missing

    def _gone(self) -> str:
        return f"the client went away after {self._count} of {self._length} bytes of the body"


class ChunkedBody(Body):
    """Chunks without extensions, and no trailers."""

    def __init__(self, connection: socket.socket, received: bytes, awaits_continue: bool) -> None:
        super().__init__(connection, received, awaits_continue)
        #: Bytes of the current chunk that were not read yet.
        self._left = 0
        self._is_first = True
        self._is_ended = False

    def readinto(self, buffer) -> int:
        view = memoryview(buffer)
        if self._is_ended or len(view) == 0:
            return 0
        if self._left == 0:
            self._begin_chunk()
            if self._is_ended:
                return 0
        view = view[: self._left]
        count = self._take_received(view) or self._receive_into(view)
        self._left -= count
        self._count += count
        return count

    @property
    def missing(self) -> Optional[int]:
        return 0 if self._is_ended else None

    @property
    def rest(self) -> bytes:
        return self._received[self._at :] if self._is_ended else b""

    def _begin_chunk(self) -> None:
        if not self._is_first and self._line() != b"":
            raise MalformedBody("a chunk of the body is longer than its size")
        self._is_first = False
        digits = self._line()
        if not digits or len(digits) > _MOST_SIZE_DIGITS or digits.strip(b"0123456789abcdefABCDEF"):
            raise MalformedBody("a chunk of the body does not begin with its size")
        self._left = int(digits, 16)
        if self._left > 0:
            return
        if self._line() != b"":
            raise MalformedBody("the body does not end with its last chunk")
        self._is_ended = True

    def _line(self) -> bytes:
        while True:
            at = self._at
            end = self._received.find(b"\r\n", at, at + _MOST_SIZE_DIGITS + 3)
            if end != -1:
                self._at = end + 2
                return self._received[at:end]
            if len(self._received) - at > _MOST_SIZE_DIGITS + 2:
                raise MalformedBody("a chunk of the body does not begin with its size")
            room = bytearray(_RECEIVE)
            count = self._receive_into(memoryview(room))
            self._received, self._at = self._received[at:] + bytes(room[:count]), 0
