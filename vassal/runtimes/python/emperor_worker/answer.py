"""One answer, as it is written to a connection: its head once, then what the app gives, framed by its length or in
chunks. The framing is decided here; that a client went away is told as ClientGone, whoever was sending."""
import errno
import os
import socket
from typing import Any, Callable, Iterable, Optional, Sequence

from . import offspring
from .body import ClientGone
from .file_wrapper import FileWrapper
from .header_rules import field_lines, status_line, without_length
from .notes import note

#: Bytes of a request's body that are thrown away after an answer, so that its connection can be kept.
MOST_SKIPPED = 256 * 1024
#: Blocks up to that are copied behind the bytes before them; larger ones are a system call of their own.
_MOST_COPIED = 64 * 1024
_MOST_AT_ONCE = 1 << 30
_LAST_CHUNK = b"0\r\n\r\n"
#: sendfile is not for this pair of descriptors.
_NO_SENDFILE = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSOCK))

_FAILURE = b"The app failed to answer this request.\n"


class Answer:
    # What most answers never change stands here, once for all of them: it is not set for each.
    _status: Optional[str] = None
    _fields = ""
    #: The Content-Length, once it is known.
    _length: Optional[int] = None
    _sent = 0
    _has_body = True
    _is_chunked = False
    _told_surplus = False
    #: The head is on its way: the status cannot be changed any more.
    has_begun = False
    #: All of it is sent, and the client can tell.
    is_whole = False

    def __init__(self, connection: socket.socket, method: str, body: Any, is_scgi: bool) -> None:
        self._connection = connection
        self._method = method
        self._body = body
        self._is_scgi = is_scgi
        #: The connection takes no further request.
        self.closes = is_scgi

    def start_response(self, status: str, fields: list, exc_info: Any = None) -> "Callable[[bytes], None]":
        """PEP 3333. Raises ValueError or TypeError for what may not be sent, naming it."""
        if exc_info is not None:
            try:
                if self.has_begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status is not None:
            raise AssertionError("start_response was called for the second time, without exc_info")
        line, has_body = status_line(status)
        self._fields, self._length = field_lines(fields)
        self._has_body = has_body and self._method != "HEAD"
        self._status = line
        return self.write

    def write(self, data: bytes) -> None:
        """PEP 3333: for apps that push their answer. Returns when the data has been handed to the kernel."""
        if type(data) is not bytes:
            data = _bytes_of(data)
        if data:
            self._send(data)

    def send_whole(self, blocks: "Sequence[bytes]") -> None:
        """All of the body at once; head and body leave together."""
        data = blocks[0] if len(blocks) == 1 else b"".join(blocks)
        if self.has_begun:
            self.write(data)
            self.finish()
            return
        if type(data) is not bytes:
            data = _bytes_of(data)
        size = len(data)
        if size == self._length and self._has_body and self._body is None and not self.closes:
            # What most apps do most of the time, as _head would do it.
            self.has_begun = True
            head = f"{self._status}{self._fields}\r\n".encode("latin-1")
        elif self._length is not None and size != self._length:
            # Longer, shorter, or none that is wanted: the long way knows what that means.
            if data:
                self._refuse_shortage(size)
                self._send(data)
            self.finish()
            return
        else:
            head = self._head(size)
        if not self._has_body:
            self._put(head)
        elif size > _MOST_COPIED:
            self._put(head)
            self._put(data)
        else:
            self._put(head + data)
        self.is_whole = True

    def send_each(self, blocks: "Iterable[bytes]") -> None:
        """Block by block, each of them as soon as the app gives it."""
        for data in blocks:
            if type(data) is not bytes:
                data = _bytes_of(data)
            if data:
                self._send(data)
        self.finish()

    def send_file(self, file: FileWrapper) -> None:
        found = None if self.has_begun or self._status is None else file.as_descriptor()
        if found is None:
            self.send_each(file)
            return
        descriptor, at, size = found
        self._put(self._head(size))
        if self._has_body and self._length is not None:
            end = at + min(size, self._length)
            if not self._splice(descriptor, at, end):
                self.send_each(file)
                return
        self.finish()

    def finish(self) -> None:
        """The app has given all it has."""
        if not self.has_begun:
            self._refuse_shortage(0)
            self._put(self._head(0))
        if not self._has_body:
            self.is_whole = True
        elif self._length is not None and self._sent < self._length:
            note(f"an answer ended after {self._sent} of the {self._length} bytes of its Content-Length; it was cut")
        elif self._is_chunked:
            self._put(_LAST_CHUNK)
            self.is_whole = True
        else:
            self.is_whole = True

    def fail(self) -> None:
        """Instead of what the app began to say, as long as none of it is sent."""
        self._status = None
        self.start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        self.send_whole((_FAILURE,))

    def _send(self, data: bytes) -> None:
        head = b"" if self.has_begun else self._head(None)
        if not self._has_body:
            if head:
                self._put(head)
            return
        if self._length is not None:
            room = self._length - self._sent
            if len(data) > room:
                self._tell_surplus()
                data = data[:room]
            self._sent += len(data)
        elif self._is_chunked:
            if len(data) <= _MOST_COPIED:
                self._put(b"%b%x\r\n%b\r\n" % (head, len(data), data))
            else:
                self._put(b"%b%x\r\n" % (head, len(data)))
                self._put(data)
                self._put(b"\r\n")
            return
        if len(data) <= _MOST_COPIED:
            self._put(head + data)
        else:
            if head:
                self._put(head)
            self._put(data)

    def _head(self, size: Optional[int]) -> bytes:
        """`size`: of the whole body, where it is known already."""
        if self._status is None:
            raise AssertionError("the app gave its answer before it called start_response")
        framing = ""
        if not self._has_body:
            # An answer to HEAD or a 304 tells what it would have; a 204 has nothing to tell of.
            if self._status.startswith("HTTP/1.1 204") and self._length is not None:
                self._fields = without_length(self._fields)
        elif self._length is None:
            if size is not None:
                self._length = size
                framing = f"Content-Length: {size}\r\n"
            elif not self._is_scgi:
                self._is_chunked = True
                framing = "Transfer-Encoding: chunked\r\n"
        if self._body is not None and not self.closes:
            self.closes = self._body.awaits_continue or not _is_skippable(self._body.missing)
            # The client has its answer: nobody is to tell it any more to send what it holds back.
            self._body.awaits_continue = False
        if self.closes:
            framing += "Connection: close\r\n"
        self.has_begun = True
        return f"{self._status}{self._fields}{framing}\r\n".encode("latin-1")

    def _put(self, data: bytes) -> None:
        if offspring.is_here:
            offspring.end(0)
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ClientGone("the client went away before its answer was whole") from error

    def _splice(self, descriptor: int, at: int, end: int) -> bool:
        """Sends the file's bytes from `at` to `end`; false where the kernel cannot, and none was sent."""
        start = at
        while at < end:
            try:
                count = os.sendfile(self._connection.fileno(), descriptor, at, min(end - at, _MOST_AT_ONCE))
            except OSError as error:
                if at == start and error.errno in _NO_SENDFILE:
                    return False
                raise ClientGone("the client went away before its answer was whole") from error
            if count == 0:
                break
            at += count
            self._sent += count
        return True

    def _refuse_shortage(self, size: int) -> None:
        """Found out before a byte is sent, it is an error that the client is told."""
        if self._length is not None and size < self._length and self._has_body:
            raise ValueError(f"the answer has {size} bytes and its Content-Length says {self._length}")

    def _tell_surplus(self) -> None:
        if not self._told_surplus:
            self._told_surplus = True
            note(f"an answer is longer than the {self._length} bytes of its Content-Length; the surplus is not sent")


def _bytes_of(data: Any) -> bytes:
    if isinstance(data, bytes):
        return bytes(data)
    raise TypeError(f"the app must give bytes, got {type(data).__name__}")


def _is_skippable(missing: Optional[int]) -> bool:
    return missing is not None and missing <= MOST_SKIPPED
