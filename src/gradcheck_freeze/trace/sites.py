"""Where in the user's code something happens.

Only the code object and the instruction offset are kept while the program runs; lines and columns are looked up when
the window closes. A frame is the user's unless its file belongs to torch, to this package, to the standard library or
to an installed library.
"""

from __future__ import annotations

import itertools
import sys
import sysconfig
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from gradcheck_freeze.trace.record import NONE, Site

_OURS = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = tuple(
    sysconfig.get_paths()[kind] + "/"
    for kind in ("stdlib", "platstdlib", "purelib", "platlib")
    if sysconfig.get_paths().get(kind)
)
_DECLARED: dict[str, bool] = {}  # file → whether a door said that its code is the user's own


def declare_file(filename: str, of_the_user: bool) -> None:
    """Say of a file what its place does not tell: tests may lie among the libraries, and a test runner may be `__main__`."""
    _DECLARED[filename] = of_the_user


def is_user_file(filename: str) -> bool:
    """Return whether a code object of this file was written by the user."""
    if filename in _DECLARED:
        return _DECLARED[filename]
    if filename.startswith("<"):
        return not filename.startswith(("<frozen", "<__array_function__", "<attrs", "<eval_with_key"))
    if filename.startswith(_OURS):
        return False
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main is not None and filename == main:
        return True
    return not (filename.startswith(_LIBRARIES) or "/site-packages/" in filename or "/dist-packages/" in filename)


class Sites:
    """The positions seen in one window, each under a small number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], int] = {}
        self._positions: list[tuple[CodeType, int]] = []  # keeps the code alive, so that its id stays its own
        self.known: dict[str, bool] = {}  # file → whether its code is the user's own, as far as was asked

    def is_user(self, filename: str) -> bool:
        """Return whether code of this file is the user's own."""
        known = self.known.get(filename)
        if known is None:
            known = self.known[filename] = is_user_file(filename)
        return known

    def main_namespace(self) -> dict[str, Any] | None:
        """Return the variables of `__main__`, unless that is the runner of somebody's tests."""
        main = sys.modules.get("__main__")
        file = getattr(main, "__file__", None)
        return vars(main) if main is not None and (file is None or self.is_user(file)) else None

    def user_frame(self, frame: FrameType | None) -> FrameType | None:
        """Return the innermost frame of the user's, from `frame` outwards."""
        while frame is not None and not self.is_user(frame.f_code.co_filename):
            frame = frame.f_back
        return frame

    def here(self, frame: FrameType | None) -> int:
        """Return the number of the user's position that `frame` was reached from."""
        numbers, user = self._numbers, self.known
        while frame is not None:  # as in `user_frame` and `of`, without a call: this is asked for every op
            code = frame.f_code
            number = numbers.get((id(code), frame.f_lasti))
            if number is not None:
                return number
            known = user.get(code.co_filename)
            if known or (known is None and self.is_user(code.co_filename)):
                return self.of(frame)
            frame = frame.f_back
        return NONE

    def construction(self, frame: FrameType | None, of: type) -> int:
        """Return the number of the first user's position outwards that is not in the `__init__` of such an object."""
        frame = self.user_frame(frame)
        while frame is not None and frame.f_code.co_name == "__init__" and isinstance(frame.f_locals.get("self"), of):
            frame = self.user_frame(frame.f_back)
        return NONE if frame is None else self.of(frame)

    def of(self, frame: FrameType) -> int:
        """Return the number of the position at which this frame stands."""
        code = frame.f_code
        key = (id(code), frame.f_lasti)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._positions)
            self._positions.append((code, frame.f_lasti))
        return number

    def start(self, code: CodeType) -> int:
        """Return the number of the position at which a function or generator begins."""
        number = self._numbers.get((id(code), -1))
        if number is None:
            number = self._numbers[id(code), -1] = len(self._positions)
            self._positions.append((code, -1))
        return number

    def user_frames(self, frame: FrameType | None) -> list[FrameType]:
        """Return all frames of the user's, the outermost first."""
        frames = []
        while (frame := self.user_frame(frame)) is not None:
            frames.append(frame)
            frame = frame.f_back
        return frames[::-1]

    def resolve(self) -> list[Site]:
        """Return the positions as lines and columns."""
        return [_resolve(code, offset) for code, offset in self._positions]


def made_by(iterator: Any) -> CodeType | None:
    """Return the user's code behind a one-shot iterator: the generator itself, or the function of a `filter` or `map`."""
    code = getattr(iterator, "gi_code", None)
    if isinstance(iterator, (filter, map)):
        code = getattr(iterator.__reduce__()[1][0], "__code__", None)
    return code if isinstance(code, CodeType) and is_user_file(code.co_filename) else None


def _resolve(code: CodeType, offset: int) -> Site:
    if offset < 0:
        return Site(code.co_filename, code.co_firstlineno, code.co_firstlineno, code.co_qualname)
    position = next(itertools.islice(code.co_positions(), max(offset, 0) // 2, None), (None,) * 4)
    line, end_line, column, end_column = position
    first = line or code.co_firstlineno
    return Site(code.co_filename, first, end_line or first, code.co_qualname, column or 0, end_column or 0)
