"""The life of a worker: boot, load the app, serve, end. Loading and serving know nothing of each other."""
import sys
from typing import Any, Callable

from . import offspring
from .boot import CANNOT_LOAD, Boot, open_listeners, prepare_process, take_boot
from .channel import Channel
from .ending import Ending
from .gateway import Gateway
from .loader import LoadError, load_application, summary
from .notes import name_worker, note, note_failure
from .server import Server


def main() -> None:
    boot = take_boot()
    name_worker(boot.worker)
    prepare_process()
    channel = Channel(boot.channel_fd)
    offspring.on_fork(channel.close)
    channel.watch()
    listeners = open_listeners(boot)
    application = _load(boot, channel)
    channel.send({"emperor": "loaded", "serves": True})
    ending = Ending(boot.stop_signal)
    ending.listen()
    gateway = Gateway(application, is_multithread=boot.threads > 1, is_multiprocess=boot.processes > 1)
    server = Server(gateway, listeners, ending, boot.threads)
    channel.send({"emperor": "listening", "handoff": False})
    server.run()
    ending.call_theirs()
    sys.exit(0)


def _load(boot: Boot, channel: Channel) -> "Callable[..., Any]":
    try:
        return load_application(boot)
    except BaseException as error:
        if offspring.is_here:
            raise
        if isinstance(error, LoadError):
            note(str(error))
        else:
            note_failure("the app could not be loaded", error)
        channel.send({"emperor": "cannot-load", "message": summary(error)})
        sys.exit(CANNOT_LOAD)
