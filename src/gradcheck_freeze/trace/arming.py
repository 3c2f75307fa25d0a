"""Arms the recorder right after the program's own first `import torch`.

Importing torch before the program does would change it: a script that sets `OMP_NUM_THREADS` on its first line would run
with another number of threads. A finder waits on `sys.meta_path` until torch is really executed; libraries that merely
ask `find_spec("torch")` do not trigger it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Finder:
    """Wraps the loader of torch for one import, then leaves everything as it was."""

    def __init__(self, arm: Callable[[], None]) -> None:
        self.arm = arm
        self.busy = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec the other finders give for torch, its loader wrapped; nothing for any other module."""
        if name != "torch" or path is not None or self.busy:
            return None
        self.busy = True
        try:
            spec = importlib.util.find_spec("torch")
        finally:
            self.busy = False
        if spec is None or spec.loader is None:
            return spec
        loader, execute = spec.loader, spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            execute(module)  # where it raises, the finder stays for the next try
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self.arm()

        loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def arm_after_torch(arm: Callable[[], None], disarm: Callable[[], None]) -> Callable[[], None]:
    """Call `arm` once torch has been imported, `disarm` in every forked child; return what stops waiting."""
    pid = os.getpid()
    os.register_at_fork(after_in_child=lambda: disarm() if os.getpid() != pid else None)
    if "torch" in sys.modules:
        arm()
        return lambda: None
    finder = _Finder(arm)
    sys.meta_path.insert(0, finder)

    def stop() -> None:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)

    return stop
