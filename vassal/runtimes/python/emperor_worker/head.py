"""Reads the head of a request: a netstring of NUL-ended names and values. Pure: bytes in, variables out."""
import re
from typing import Optional, Tuple

#: Bytes of the variables.
MOST = 128 * 1024
_MOST_DIGITS = len(str(MOST))
_ENCODED = re.compile("%([0-9A-Fa-f]{2})")


class MalformedHead(Exception):
    """What came is no head of a request: the peer is no router, and nothing more of it is read."""


def read_head(data: bytes) -> "Optional[Tuple[dict, int]]":
    """The variables and where the head ends; None where more of it has to come."""
    colon = data.find(b":", 0, _MOST_DIGITS + 1)
    if colon < 1:
        if colon == -1 and len(data) <= _MOST_DIGITS and data.isdigit():
            return None
        raise MalformedHead("it does not begin with a length")
    digits = data[:colon]
    if not digits.isdigit() or digits[0] == 0x30:
        raise MalformedHead("it does not begin with a length")
    start = colon + 1
    end = start + int(digits)
    if end - start > MOST:
        raise MalformedHead("it is too long")
    if len(data) <= end:
        return None
    if data[end] != 0x2C or data[end - 1] != 0:
        raise MalformedHead("its end is not where its length says")
    # Names and values are bytes; as PEP 3333 wants it, each byte is one character of a str.
    fields = data[start : end - 1].decode("latin-1").split("\0")
    each = iter(fields)
    variables = dict(zip(each, each))
    if len(variables) * 2 != len(fields) or "" in variables or "REQUEST_METHOD" not in variables:
        raise MalformedHead("its variables are not pairs, each once")
    return variables, end + 1


def body_length(variables: dict) -> Optional[int]:
    """The bytes of the body; None where they are not known beforehand (it comes in chunks)."""
    length = variables.get("CONTENT_LENGTH", "")
    if "HTTP_TRANSFER_ENCODING" in variables:
        if length != "" or variables["HTTP_TRANSFER_ENCODING"] != "chunked":
            raise MalformedHead("its body has no clear length")
        return None
    if length == "":
        return 0
    if not (length.isascii() and length.isdigit()):
        raise MalformedHead("its CONTENT_LENGTH is no number")
    return int(length)


def complete_scgi(variables: dict) -> None:
    """
    Front servers that speak plain SCGI leave out what apps need and pass on what they have dealt with themselves:
    makes the variables what a router would have sent.
    """
    for name in ("HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_PROXY"):
        variables.pop(name, None)
    # nginx names no script; and its SCRIPT_NAME, where it is set by hand after a tutorial, is the whole path.
    if "PATH_INFO" not in variables:
        path = variables.get("REQUEST_URI", "/").split("?", 1)[0]
        variables["SCRIPT_NAME"] = ""
        variables["PATH_INFO"] = _ENCODED.sub(lambda found: chr(int(found[1], 16)), path)
    for name, value in (("SCRIPT_NAME", ""), ("QUERY_STRING", ""), ("SERVER_NAME", "localhost"), ("SERVER_PORT", "80")):
        variables.setdefault(name, value)
    variables.setdefault("SERVER_PROTOCOL", "HTTP/1.0")
