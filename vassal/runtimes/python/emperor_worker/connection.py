"""A connection of a router (or of a front server that speaks SCGI): requests one after the other, each read, run and
answered. What has come of a head that is not whole waits here."""
import io
import socket
from typing import Any, Optional, Tuple

from .answer import MOST_SKIPPED, Answer
from .body import ChunkedBody, KnownBody
from .gateway import Gateway
from .head import MalformedHead, body_length, complete_scgi, read_head
from .notes import note

_RECEIVE = 32 * 1024
_AT_ONCE = socket.MSG_DONTWAIT


class Connection:
    __slots__ = ("socket", "fd", "_gateway", "_begun", "_skipped", "_has_unread", "_is_over")

    def __init__(self, accepted: socket.socket, gateway: Gateway) -> None:
        # Reads and writes within a request wait for the peer, and end with it.
        accepted.setblocking(True)
        self.socket = accepted
        self.fd = accepted.fileno()
        self._gateway = gateway
        #: Of a head that is not whole yet.
        self._begun = b""
        #: Bytes of the last request's body that nobody wants.
        self._skipped = 0
        #: It is over before the last request's body was read.
        self._has_unread = False
        self._is_over = False

    def serve(self, is_last: bool) -> bool:
        """Serves what has come; false where the connection is over. `is_last`: no further request is taken."""
        try:
            data = self.socket.recv(_RECEIVE, _AT_ONCE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        if self._is_over:
            self._skipped -= len(data)
            return self._skipped > 0
        if self._skipped:
            data = self._skip(data)
        if self._begun:
            data = self._begun + data
            self._begun = b""
        try:
            while data:
                found = read_head(data)
                if found is None:
                    self._begun = data
                    return True
                variables, end = found
                rest = self._answer(variables, data[end:], is_last)
                if rest is None:
                    return False
                data = rest
        except MalformedHead as error:
            note(f"a connection is closed, for what came is no request of a router: {error}")
            return False
        return True

    def linger(self) -> bool:
        """
        After its last answer: true where the peer is still sending, and is to see the end before the connection is
        closed. From then on serve() throws away what comes.
        """
        if self._is_over or not self._has_unread:
            return False
        self._is_over = True
        self._skipped = MOST_SKIPPED
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    def shut(self) -> None:
        """Ends both directions, whoever else holds the socket: a process that the app has forked may."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.shut()
        self.socket.close()

    def _answer(self, variables: dict, received: bytes, is_last: bool) -> Optional[bytes]:
        """Returns what has come of the next request; None where there can be none."""
        is_scgi = "SCGI" in variables
        if is_scgi:
            complete_scgi(variables)
        body: Any = None
        if "CONTENT_LENGTH" in variables or "HTTP_TRANSFER_ENCODING" in variables:
            given, body, received = self._body(variables, received)
        else:
            given = io.BytesIO()
        answer = Answer(self.socket, variables["REQUEST_METHOD"], body, is_scgi)
        if is_last:
            answer.closes = True
        is_kept = self._gateway.run(variables, given, answer)
        if body is None:
            return received if is_kept else None
        missing = body.missing
        if not is_kept or missing is None or missing > MOST_SKIPPED:
            self._has_unread = missing != 0
            return None
        self._skipped = missing
        return body.rest

    def _body(self, variables: dict, received: bytes) -> "Tuple[Any, Any, bytes]":
        """What the app reads from, the body behind it unless it is there already, and what came behind the body."""
        length = body_length(variables)
        if length is not None and length <= len(received):
            return io.BytesIO(received[:length]), None, received[length:]
        awaits_continue = variables.get("HTTP_EXPECT", "").lower() == "100-continue"
        if length is None:
            body: Any = ChunkedBody(self.socket, received, awaits_continue)
        else:
            body = KnownBody(self.socket, received, length, awaits_continue)
        return io.BufferedReader(body, _RECEIVE), body, b""

    def _skip(self, data: bytes) -> bytes:
        count = min(len(data), self._skipped)
        self._skipped -= count
        return data[count:]
