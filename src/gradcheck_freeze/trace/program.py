"""Runs a program as Python itself would: a real `__main__`, its own `sys.argv` and `sys.path`, its own traceback.

The way coverage.py builds `__main__` is the model: pickling, `multiprocessing` and `if __name__ == "__main__"` work.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from gradcheck_freeze.errors import UsageError

_OURS = str(Path(__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class Program:
    """Code that is ready to run as `__main__`."""

    code: CodeType
    main: ModuleType
    path: str
    argv: list[str]
    search: str  # what Python puts first on sys.path


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended. An interrupt is passed on to whoever waits for this process, as Python does."""

    status: int
    interrupted: bool = False


def load(target: str, arguments: list[str], as_module: bool) -> Program:
    """Return a program to run; raises `UsageError` for what cannot be found or is no Python, SyntaxError as Python does."""
    return _load_module(target, arguments) if as_module else _load_script(target, arguments)


def _load_script(target: str, arguments: list[str]) -> Program:
    path = Path(target)
    if path.is_dir():
        path = path / "__main__.py"
    if not path.is_file():
        raise UsageError(
            f"can't open {target!r}: there is no such file.\n  Give the path of a Python script, or -m and a module."
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {target!r}: {error.strerror}.") from None
    if b"\0" in source:
        raise UsageError(
            f"{target!r} is not a Python script: it contains null bytes.\n  Give the training script itself."
        )
    full = str(path.absolute())
    code = compile(source, full, "exec", dont_inherit=True)
    main = _new_main(full, None)
    main.__loader__ = importlib.machinery.SourceFileLoader("__main__", full)
    return Program(code, main, full, [target, *arguments], str(path.absolute().parent))


def _load_module(target: str, arguments: list[str]) -> Program:
    sys.path.insert(0, str(Path.cwd()))
    try:
        spec = importlib.util.find_spec(target)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{target}.__main__")
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"no module named {target!r} could be loaded: {error}.") from None
    finally:
        sys.path.pop(0)
    if spec is None or spec.origin is None or spec.loader is None:
        raise UsageError(f"no module named {target!r} was found.\n  Run from the folder that holds it, or install it.")
    code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
    main = _new_main(spec.origin, spec)
    main.__package__ = spec.parent
    main.__loader__ = spec.loader
    return Program(code, main, spec.origin, [spec.origin, *arguments], str(Path.cwd()))


def _new_main(path: str, spec: importlib.machinery.ModuleSpec | None) -> ModuleType:
    main = ModuleType("__main__")
    main.__file__ = path
    main.__spec__ = spec
    main.__dict__["__builtins__"] = builtins
    main.__dict__["__cached__"] = None if spec is None else spec.cached
    main.__annotations__ = {}
    return main


def run(program: Program, before_report: Callable[[], None]) -> Outcome:
    """Run the program; its traceback is printed as Python prints it, without a frame of ours."""
    sys.modules["__main__"] = program.main
    sys.argv = program.argv
    sys.path.insert(0, program.search)
    try:
        exec(program.code, program.main.__dict__)
    except SystemExit as stop:
        before_report()
        return Outcome(_status(stop))
    except KeyboardInterrupt as error:
        before_report()
        _show(error)
        return Outcome(128 + signal.SIGINT, interrupted=True)
    except BaseException as error:
        before_report()
        _show(error)
        return Outcome(1)
    before_report()
    return Outcome(0)


def _status(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF if os.name == "posix" else stop.code
    print(stop.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    strip(error)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception:
        traceback.print_exception(error)


def strip(error: BaseException, seen: set[int] | None = None) -> None:
    """Take our frames out of an exception's traceback and those of the exceptions it was raised from."""
    seen = set() if seen is None else seen
    if id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _without_ours(error.__traceback__)
    for other in (error.__cause__, error.__context__):
        if other is not None:
            strip(other, seen)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            strip(inner, seen)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    frames = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
            frames.append(trace)
        trace = trace.tb_next
    for here, below in zip(frames, [*frames[1:], None], strict=True):
        here.tb_next = below
    return frames[0] if frames else None


def put_aside(folder: str, at_start: frozenset[str]) -> dict[str, ModuleType]:
    """Take out of `sys.modules` what we imported and the program may hold under the same name; return it.

    That is everything from outside the standard library, and of the standard library what a file beside the script shadows.
    """
    beside = {path.stem for path in Path(folder).iterdir()} if Path(folder).is_dir() else set()
    ours: dict[str, ModuleType] = {}
    for name in [name for name in sys.modules if name not in at_start]:
        top = name.partition(".")[0]
        if top != "gradcheck_freeze" and (top not in sys.stdlib_module_names or top in beside):
            ours[name] = sys.modules.pop(name)
    return ours


@contextmanager
def among_ours(folder: str, ours: dict[str, ModuleType]) -> Iterator[None]:
    """Import our own libraries for a while, not those of the same name beside the script; the program's come back."""
    theirs = {
        name: module
        for name, module in sys.modules.items()
        if name in ours
        or (name != "__main__" and (getattr(module, "__file__", None) or "").startswith(folder + os.sep))
    }
    path = list(sys.path)
    for name in theirs:
        del sys.modules[name]
    sys.modules.update(ours)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", folder)]
    try:
        yield
    finally:
        sys.path[:] = path
        sys.modules.update(theirs)
