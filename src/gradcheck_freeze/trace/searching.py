"""Searches the user's variables for names while the program runs, now and then: a search costs what the variables lead to."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.distributed import rank
from gradcheck_freeze.trace.names import namespaces_of
from gradcheck_freeze.trace.record import NONE

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_FRESH = 32  # searches because there is a new optimizer
_PLACES = 12  # places from which the user's variables are searched in one window


class NameSearch:
    """The searches of one run; what they find is kept by the inventory."""

    def __init__(self, recorder: Recorder, names: Mapping[str, Any] | None) -> None:
        """Search the variables of the running functions, or none but `names`, if given."""
        self.recorder = recorder
        self._names = names
        self._visits: dict[int, int] = {}  # site → how often the program came by, in this window
        self._fresh = 0

    def start_anew(self) -> None:
        """Take every place of the program as one that it has not come by yet."""
        self._visits.clear()

    def search(self, frame: FrameType | None, final: bool = False, fresh: bool = False) -> None:
        """Search for names: at one place at the first visit, the second, the fourth, the eighth…

        fresh: there is something new that may have a name here.
        """
        recorder = self.recorder
        recorder.rank = rank() or recorder.rank  # the group may be gone when the window closes
        user = recorder.sites.user_frames(frame)
        key = recorder.sites.of(user[-1]) if user else NONE
        self._visits[key] = visits = self._visits.get(key, 0) + 1
        self._fresh += fresh
        fresh = fresh and self._fresh <= _FRESH
        if not (final or fresh) and (visits & (visits - 1) or len(self._visits) > _PLACES):
            return
        main = recorder.sites.main_namespace()
        recorder.ops.asleep += 1
        try:
            with torch._C.DisableTorchFunction():
                recorder.inventory.search(self.namespaces(user, main), final)
                recorder.optimizers.name(recorder.inventory.optimizer_names.values())
        finally:
            recorder.ops.asleep -= 1

    def namespaces(self, frames: list[FrameType], main: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
        """Return the variables to search, where these functions are running."""
        return namespaces_of(frames, main) if self._names is None else [self._names]
