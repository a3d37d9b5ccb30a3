"""What a status line and the fields of an answer may be, and their bytes on the wire. Pure but for its two memories of
what was found right before. What an app may not send is refused with an error that names the field."""
import re
from typing import Iterable, Optional, Tuple

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_STATUS = re.compile(r"[2-5][0-9][0-9](?: |\Z)")
#: Between a worker and its router, no business of the app's (PEP 3333 forbids them).
_HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer trailers "
    "transfer-encoding upgrade".split()
)
_ORDINARY = 1
_CONTENT_LENGTH = 2
#: Names and statuses remembered; apps use few, and one that makes them up must not fill the memory.
_MOST_REMEMBERED = 512

_names: "dict[str, int]" = {}
_statuses: "dict[str, Tuple[str, bool]]" = {}


def status_line(status: str) -> "Tuple[str, bool]":
    """The line, and whether such an answer has a body."""
    return _statuses.get(status) or _examine_status(status)


def field_lines(fields: "Iterable[Tuple[str, str]]") -> "Tuple[str, Optional[int]]":
    """The lines, and the Content-Length that is among them."""
    length: Optional[int] = None
    lines = []
    for name, value in fields:
        kind = _names.get(name)
        if kind is None:
            kind = _examine_name(name)
        # Only what is not plain text is looked at closely.
        if type(value) is not str or not (value.isascii() and value.isprintable()):
            _examine_value(name, value)
        if kind == _CONTENT_LENGTH:
            length = _read_length(value, length)
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines), length


def without_length(lines: str) -> str:
    kept = (line for line in lines.split("\r\n") if line and not line.lower().startswith("content-length:"))
    return "".join(f"{line}\r\n" for line in kept)


def _examine_status(status: str) -> "Tuple[str, bool]":
    if not isinstance(status, str):
        raise TypeError(f"the status must be a str, got {type(status).__name__}: {status!r}")
    _refuse_controls("the status", status)
    if not _STATUS.match(status):
        raise ValueError(f"the status must be a number from 200 to 599 and a reason, got {status!r}")
    line = f"HTTP/1.1 {status if len(status) > 3 else status + ' '}\r\n"
    found = (line, status[:3] not in ("204", "304"))
    if len(_statuses) < _MOST_REMEMBERED:
        _statuses[str(status)] = found
    return found


def _examine_name(name: str) -> int:
    if not isinstance(name, str):
        raise TypeError(f"the name of a header must be a str, got {type(name).__name__}: {name!r}")
    if not _TOKEN.match(name):
        raise ValueError(f"{name!r} is no name of a header")
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        raise ValueError(f"the header {name} is the server's own: an app may not send it")
    kind = _CONTENT_LENGTH if lower == "content-length" else _ORDINARY
    if len(_names) < _MOST_REMEMBERED:
        _names[str(name)] = kind
    return kind


def _examine_value(name: str, value: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"the value of the header {name} must be a str, got {type(value).__name__}: {value!r}")
    _refuse_controls(f"the header {name}", value)


def _refuse_controls(what: str, text: str) -> None:
    for character in text:
        if (character < " " and character != "\t") or character == "\x7f":
            raise ValueError(f"{what} holds the control character {character!r}: {text!r}")
        if character > "\xff":
            raise ValueError(f"{what} holds {character!r}, which is not in ISO-8859-1: {text!r}")


def _read_length(value: str, before: Optional[int]) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"the header Content-Length must be a number, got {value!r}")
    length = int(value)
    if before is not None and before != length:
        raise ValueError(f"the header Content-Length stands there twice: {before} and {length}")
    return length
