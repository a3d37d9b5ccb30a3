"""What the worker itself says, in the app's log: by standard error, like all else, one write for each."""
import sys
import traceback

_worker = 0


def name_worker(worker: int) -> None:
    global _worker
    _worker = worker


def note(text: str) -> None:
    _write(f"[emperor] worker {_worker}: {text}\n")


def note_failure(what: str, error: BaseException) -> None:
    """A line that says what failed, and the whole traceback below it."""
    # Formatted first: an exception whose own text cannot be had must not cost us the line.
    try:
        told = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:
        told = f"{type(error).__name__} (its text could not be had)\n"
    _write(f"[emperor] worker {_worker}: {what}\n{told}")


def _write(text: str) -> None:
    # The app may have closed or replaced it; a log that cannot be written is no reason to fail a request.
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:
        pass
