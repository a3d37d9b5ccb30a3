# Entry of a Python worker: checks the interpreter, loads our package under its own name and runs it. It is kept to
# syntax that every Python reads, so that one that is too old gets to say so. The app's modules and ours never meet: our
# directory is not on sys.path.
import json
import os
import sys

OLDEST = (3, 9)
CANNOT_LOAD = 4


def forget_own_directory():
    """Python has put the directory of this file first (but not with -P, or PYTHONSAFEPATH)."""
    own = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == own:
        del sys.path[0]
    return own


def refuse_interpreter():
    found = "%d.%d" % sys.version_info[:2]
    message = "Python %s (%s) is too old: %d.%d or newer is needed" % ((found, sys.executable) + OLDEST)
    sys.stderr.write("%s\n" % message)
    line = json.dumps({"emperor": "cannot-load", "message": message}) + "\n"
    os.write(int(os.environ["NODE_CHANNEL_FD"]), line.encode("ascii"))
    sys.exit(CANNOT_LOAD)


def import_worker(directory):
    from importlib import util

    package = os.path.join(directory, "emperor_worker")
    spec = util.spec_from_file_location(
        "emperor_worker", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    module = util.module_from_spec(spec)
    sys.modules["emperor_worker"] = module
    spec.loader.exec_module(module)
    from emperor_worker.main import main

    return main


# multiprocessing imports this file again in the processes that it starts: they are no workers.
if __name__ == "__main__":
    directory = forget_own_directory()
    if sys.version_info < OLDEST:
        refuse_interpreter()
    import_worker(directory)()
