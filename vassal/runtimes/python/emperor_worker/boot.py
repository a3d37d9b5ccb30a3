"""What the primary tells a worker at its birth (EMPEROR_BOOT, as runtimes/python/launch.ts writes it)."""
import json
import os
import socket
import sys
from typing import NamedTuple, NoReturn, Optional

BOOT_ERROR = 3
CANNOT_LOAD = 4

#: As long as the primary's own.
_BACKLOG = 4096
#: Of the file mode of a socket that the worker binds itself: owner and group may connect.
_UMASK = 0o117


class Boot(NamedTuple):
    worker: int
    processes: int
    threads: int
    #: A dotted module name, or None where `file` is set.
    module: Optional[str]
    #: The absolute path of a Python file.
    file: Optional[str]
    #: The callable's name in the module, dotted where it is an attribute of something in it.
    callable: str
    #: Absolute directories, in the order in which they are searched after the working directory.
    pythonpath: "list[str]"
    #: `SIGTERM` and the like.
    stop_signal: str
    #: {"fd": n} or {"path": text}; `shared` may be None.
    own: dict
    shared: Optional[dict]
    channel_fd: int


def take_boot() -> Boot:
    """Takes what is ours out of the environment: the app and its children are not to see it."""
    text = os.environ.pop("EMPEROR_BOOT", None)
    channel = os.environ.pop("NODE_CHANNEL_FD", None)
    os.environ.pop("NODE_CHANNEL_SERIALIZATION_MODE", None)
    if text is None or channel is None:
        _refuse("this program is started by a vassal primary, not by hand")
    told = json.loads(text)
    return Boot(
        worker=told["worker"],
        processes=told["processes"],
        threads=told["threads"],
        module=told["module"],
        file=told["file"],
        callable=told["callable"],
        pythonpath=told["pythonpath"],
        stop_signal=told["stopSignal"],
        own=told["own"],
        shared=told["shared"],
        channel_fd=int(channel),
    )


def open_listeners(boot: Boot) -> "list[socket.socket]":
    """The sockets to accept on, non-blocking. Ends the process where one cannot be had."""
    return [_open(target) for target in (boot.own, boot.shared) if target is not None]


def prepare_process() -> None:
    """Lines of the app's log appear as they are written, whatever standard output is connected to."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)


def _open(target: dict) -> socket.socket:
    if "fd" in target:
        listener = socket.socket(fileno=target["fd"])
        listener.set_inheritable(False)
    else:
        listener = _bind(target["path"])
    listener.setblocking(False)
    return listener


def _bind(path: str) -> socket.socket:
    """Without the addon the primary cannot bind for us: a file that is there was left by the worker before."""
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(_UMASK)
    try:
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen(_BACKLOG)
    except OSError as error:
        _refuse(f"{path} cannot be bound: {error}")
    finally:
        os.umask(before)
    return listener


def _refuse(text: str) -> NoReturn:
    sys.stderr.write(f"{text}\n")
    sys.exit(BOOT_ERROR)
