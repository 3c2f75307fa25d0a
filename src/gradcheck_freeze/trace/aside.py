"""Lets the windows that are open see nothing of what another of ours tries out and undoes again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_OPENED: WeakSet[Recorder] = WeakSet()


def note_open(recorder: Recorder) -> None:
    """Remember a recorder whose window was opened."""
    _OPENED.add(recorder)


@contextmanager
def windows_aside() -> Iterator[None]:
    """Put every window aside that is open in this thread."""
    with ExitStack() as stack:
        for recorder in [other for other in _OPENED if other.here()]:
            stack.enter_context(_aside(recorder))
        yield


@contextmanager
def _aside(recorder: Recorder) -> Iterator[None]:
    recorder.is_open = False
    recorder.ops.pause()
    try:
        yield
    finally:
        recorder.ops.resume()
        recorder.is_open = recorder.closed is None
