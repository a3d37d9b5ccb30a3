"""Finds the app: imports its module, or runs its file, and looks its callable up. Serves nothing."""
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
import traceback
from types import ModuleType
from typing import Any, Callable, Optional

from .boot import Boot

#: Names under which frameworks' own examples keep their app, for the hint.
_USUAL_NAMES = ("application", "app")


class LoadError(Exception):
    """The app was loaded, and is not what it should be; the text says all there is to say."""


def load_application(boot: Boot) -> "Callable[..., Any]":
    """Raises LoadError, or whatever the app's own code raises while it is loaded."""
    set_import_path(boot)
    if boot.file is not None:
        module, name = _run_file(boot.file), os.path.basename(boot.file)
    else:
        module, name = importlib.import_module(boot.module or ""), boot.module or ""
    return find_callable(module, name, boot.callable)


def set_import_path(boot: Boot) -> None:
    """The working directory first, then pythonpath, then what the interpreter has by itself."""
    ours = [os.getcwd(), *boot.pythonpath]
    sys.path[:] = ours + [path for path in sys.path if path not in ours and path != ""]
    sys.argv[:] = [boot.file or boot.module or ""]


def find_callable(module: ModuleType, name: str, dotted: str) -> "Callable[..., Any]":
    """`dotted` is looked up attribute by attribute; raises LoadError where it is missing or cannot be called."""
    found: Any = module
    for part in dotted.split("."):
        if not hasattr(found, part):
            raise LoadError(f"{name} has no callable {dotted!r}{_hint(module, dotted)}")
        found = getattr(found, part)
    if not callable(found):
        raise LoadError(f"{dotted!r} in {name} is no callable: it is a {type(found).__name__}")
    return found


def summary(error: BaseException) -> str:
    """The last line of the traceback, and, where a file could not be compiled, the place in it."""
    if isinstance(error, LoadError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"SystemExit: {error.code}: it ended itself while it was loaded"
    line = traceback.format_exception_only(type(error), error)[-1].strip()
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{line} ({error.filename}, line {error.lineno})"
    return line.splitlines()[0] if line else type(error).__name__


def _run_file(path: str) -> ModuleType:
    """
    Where an import of the file's name would find this very file, it is imported by it: other modules of the app may
    do the same, and there must be one of it. Else it gets a name that nobody imports.
    """
    stem = os.path.splitext(os.path.basename(path))[0]
    if _spec_origin(stem) == os.path.realpath(path):
        return importlib.import_module(stem)
    name = "wsgi_file_" + re.sub(r"\W", "_", stem)
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def _spec_origin(name: str) -> Optional[str]:
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        return None
    return os.path.realpath(spec.origin) if spec is not None and spec.origin is not None else None


def _hint(module: ModuleType, wanted: str) -> str:
    others = [name for name in _USUAL_NAMES if name != wanted and callable(getattr(module, name, None))]
    return f" (it has {others[0]!r}: set callable: {others[0]})" if others else ""
