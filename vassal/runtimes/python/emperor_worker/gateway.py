"""Runs the app for one request: makes its environ, hands its answer on, closes what it gave, and deals with all that
it may raise."""
import sys
from typing import Any, Callable

from . import offspring
from .answer import Answer
from .body import ClientGone, MalformedBody
from .file_wrapper import FileWrapper
from .notes import note_failure


class Gateway:
    def __init__(self, application: "Callable[..., Any]", is_multithread: bool, is_multiprocess: bool) -> None:
        self._application = application
        self._common = {
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": is_multithread,
            "wsgi.multiprocess": is_multiprocess,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
        }

    def run(self, environ: dict, input: Any, answer: Answer) -> bool:
        """`environ`: the variables of the request. True where its connection can take another one."""
        environ.update(self._common)
        environ["wsgi.input"] = input
        environ["wsgi.url_scheme"] = environ.get("REQUEST_SCHEME") or _scheme_of(environ)
        try:
            given = None
            try:
                given = self._application(environ, answer.start_response)
                _send(given, answer)
            finally:
                # Of what most apps give there is nothing to close.
                if type(given) is not list and hasattr(given, "close"):
                    given.close()
        except ClientGone:
            # Nobody's error, and the router has it in its access log.
            if offspring.is_here:
                offspring.end(0)
            return False
        except BaseException as error:
            _fail(environ, answer, error)
        return answer.is_whole and not answer.closes


def _send(given: Any, answer: Answer) -> None:
    kind = type(given)
    if kind is list or kind is tuple:
        answer.send_whole(given)
    elif kind is FileWrapper:
        answer.send_file(given)
    elif given is None:
        raise TypeError("the app returned None, and no iterable of bytes")
    elif kind is bytes or kind is str:
        raise TypeError(f"the app returned {kind.__name__}, and no iterable of bytes")
    else:
        answer.send_each(given)


def _fail(environ: dict, answer: Answer, error: BaseException) -> None:
    """The client gets a plain 500 where nothing was sent, and else a cut connection: never a clean end."""
    if offspring.is_here:
        _end_offspring(environ, error)
    what = f"{_request_of(environ)} failed"
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        # One client must not be able to end a worker that others wait for.
        what = f"{what}: {type(error).__name__} of an app ends its request, not the worker"
    if answer.is_whole:
        what = f"{what} after its answer was whole"
    elif answer.has_begun:
        what = f"{what} within its answer, which was cut"
    note_failure(what, error)
    if isinstance(error, MalformedBody):
        answer.closes = True
    if answer.has_begun:
        return
    try:
        answer.fail()
    except ClientGone:
        answer.closes = True


def _end_offspring(environ: dict, error: BaseException) -> None:
    if isinstance(error, SystemExit):
        code = error.code
        if isinstance(code, str):
            sys.stderr.write(f"{code}\n")
        offspring.end(0 if code is None else code if isinstance(code, int) else 1)
    note_failure(f"a process that {_request_of(environ)} had forked failed", error)
    offspring.end(1)


def _scheme_of(environ: dict) -> str:
    return "https" if environ.get("HTTPS", "").lower() in ("on", "1") else "http"


def _request_of(environ: dict) -> str:
    """For the log: what a client wrote, without characters that could be taken for lines of ours."""
    method, target = environ.get("REQUEST_METHOD", "?"), environ.get("REQUEST_URI") or environ.get("PATH_INFO", "?")
    return f"{method} {target}".encode("unicode_escape").decode("ascii")
