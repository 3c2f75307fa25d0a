"""Has warnings name the lines that they name without us, and be shown as often.

Two ways lead to a line. `warnings.warn` counts frames outwards, and some of those are ours, or torch's way to ours: it is told
to count further. What is written in C (most of torch) warns for the innermost Python frame, which is ours while a call that is
watched runs: such a warning is let through whatever the filters say, and then raised anew for the program's own line, where
filters and registries have their say. Nothing of this runs while nobody warns.
"""

from __future__ import annotations

import functools
import sys
import warnings
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from gradcheck_freeze.trace import program
from gradcheck_freeze.trace.installed import known_to_jit

_OURS = str(Path(__file__).resolve().parent.parent)
_TO_A_MODE = "handle_torch_function"  # by which a function of torch's written in Python calls a mode
_BELOW_ALL = 1 << 30  # a stack level outside of every program
_LET_THROUGH = [("always", None, Warning, None, 0)]


class _Warnings(ModuleType):
    """The module of warnings while we watch: C code that warns from a frame of ours finds no filter in its way."""

    @property
    def filters(self) -> Any:
        caller = sys._getframe(1)
        if caller.f_code is not _SHOWN_ANEW and _is_ours(caller) and caller.f_code.co_name != "warn":
            return _LET_THROUGH
        return vars(self)["filters"]

    @filters.setter
    def filters(self, filters: Any) -> None:
        vars(self)["filters"] = filters


class WarningWatch:
    """What a window does when something warns."""

    def __init__(self) -> None:
        self._module: Any = warnings
        self._installed = False  # another that watches may have been here before, and goes on

    def install(self) -> None:
        """Let warnings from our frames through, from now on."""
        if type(warnings) is ModuleType:
            self._installed = True
            self._module.__class__ = _Warnings

    def uninstall(self) -> None:
        """Have the module of warnings be what it was."""
        if self._installed and type(warnings) is _Warnings:
            self._module.__class__ = ModuleType
        self._installed = False

    def watch_warn(self, original: Any) -> Any:
        """Return `warnings.warn`, counting only frames that would be there without us."""

        @functools.wraps(original)
        def warn(message: Any, category: Any = None, stacklevel: Any = 1, source: Any = None, **more: Any) -> None:
            level = _level(sys._getframe(1), stacklevel) if isinstance(stacklevel, int) else stacklevel
            original(message, category, level, source, **more)

        known_to_jit(warn, original)
        return warn

    def watch_shown(self, original: Any) -> Any:
        """Return what shows a warning that has passed the filters, one of ours in the name of the program's own line."""

        def _showwarnmsg(shown: Any) -> None:
            frame = sys._getframe(1) if shown.filename.startswith(_OURS) else None
            while frame is not None and frame.f_code.co_filename != shown.filename:
                frame = frame.f_back
            place = _there(frame)
            if frame is None or place is None:
                original(shown)
            else:
                _show_anew(shown, place)

        return _showwarnmsg


def _show_anew(shown: Any, place: FrameType) -> None:
    names = place.f_globals
    warnings.warn_explicit(
        shown.message,
        shown.category,
        place.f_code.co_filename,
        place.f_lineno,
        names.get("__name__", "<string>"),
        names.setdefault("__warningregistry__", {}),
        source=shown.source,
    )


_SHOWN_ANEW = _show_anew.__code__


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)


def _there(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame, from this one outwards, that would be there without us."""
    while frame is not None and _is_ours(frame):
        if frame.f_code is program.run.__code__:  # nothing is below the program
            return None
        inner, frame = frame, frame.f_back
        if inner.f_code.co_name == "__torch_function__" and frame is not None and frame.f_code.co_name == _TO_A_MODE:
            called = getattr(inner.f_locals.get("func"), "__code__", None)
            frame = frame.f_back
            if frame is not None and frame.f_code is called:  # it asked for itself to be called, through us
                frame = frame.f_back
    return frame


def _level(caller: FrameType, level: int) -> int:
    """Return the stack level that leads from our `warn` to where `level` leads from its caller without us."""
    place: FrameType | None = caller
    for _ in range(level - 1):
        place = _there(place.f_back) if place is not None else None
        while place is not None and _is_passed_over(place):
            place = _there(place.f_back)
    counted, frame = 2, caller
    while frame is not place:
        if frame.f_back is None:
            return _BELOW_ALL
        frame = frame.f_back
        counted += not _is_passed_over(frame)
    return counted


def _is_passed_over(frame: FrameType) -> bool:
    """Return whether Python does not count a frame: one of its import system's."""
    name = frame.f_code.co_filename
    return "importlib" in name and "_bootstrap" in name
