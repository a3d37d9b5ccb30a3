"""`wsgi.file_wrapper`: a file to be sent as it is, by the kernel where that can be."""
import io
import os
import stat
import sys
from typing import Any, Iterator, Optional, Tuple

_BLOCK = 64 * 1024
#: Files whose descriptor holds just the bytes that read() returns. Of a GzipFile, say, that is not so.
_PLAIN = (io.FileIO, io.BufferedReader, io.BufferedRandom)


class FileWrapper:
    """Iterates over a file's blocks, and closes it. `block_size`: a block that is read at a time, if it has to be."""

    def __init__(self, file: Any, block_size: int = _BLOCK) -> None:
        self._file = file
        self._block_size = block_size

    def __iter__(self) -> "Iterator[bytes]":
        return self

    def __next__(self) -> bytes:
        block = self._file.read(self._block_size)
        if not block:
            raise StopIteration
        return block

    def close(self) -> None:
        close = getattr(self._file, "close", None)
        if close is not None:
            close()

    def as_descriptor(self) -> "Optional[Tuple[int, int, int]]":
        """Descriptor, where it is read on, and the bytes from there to its end; None where it is no regular file."""
        file = self._file
        # Its own module is not loaded for that: where it is not there, nothing of it can be.
        tempfile = sys.modules.get("tempfile")
        if tempfile is not None and type(file) is tempfile._TemporaryFileWrapper:
            file = file.file
        if type(file) not in _PLAIN:
            return None
        try:
            found = os.fstat(file.fileno())
            at = file.tell()
        except (OSError, ValueError):
            return None
        return (file.fileno(), at, max(0, found.st_size - at)) if stat.S_ISREG(found.st_mode) else None
