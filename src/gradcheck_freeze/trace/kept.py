"""Watches for graphs that outlive their step: what was computed with gradient and is still held two steps later.

Only weak references are followed. What is found alive is looked for in the user's variables: a tensor that nothing of the
user's leads to may be waiting for the garbage collector, and is no fault.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.names import items
from gradcheck_freeze.trace.record import LEAF, NONE, REQUIRES_GRAD, KeptGraph

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_GENERATIONS = 3  # the loss of this step, one that a variable still holds, and one that must have been put away
_DEPTH = 4
_MOST_OBJECTS = 20_000


class KeptWatch:
    """The graphs of one window that something of the user's keeps alive from step to step."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.found: dict[tuple[str, int], KeptGraph] = {}  # (holder, site) → what it held when it was last looked at

    def before_step(self, frame: FrameType) -> None:
        """Look before the third step and the fourth, the eighth, the sixteenth…: a look costs what is alive."""
        made = len(self.recorder.stepping.steps) + 1
        if made == _GENERATIONS or (made > _GENERATIONS and not made & (made - 1)):
            suspects = self._suspects()
            if suspects:
                self._search(frame, suspects)

    def _suspects(self) -> dict[int, int]:
        """Return the live tensors, by identity, of which one line of the program made some in several steps, with their values."""
        ops, values = self.recorder.ops, self.recorder.ops.values
        ends = [step.after for step in self.recorder.stepping.steps]
        steps: dict[tuple[int, int], set[int]] = {}
        alive: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for identity, (reference, value, _) in list(ops.tensors.entries.items()):
            op = values.op[value]
            if op == NONE or values.flags[value] & (REQUIRES_GRAD | LEAF) != REQUIRES_GRAD or reference() is None:
                continue
            key = (ops.ops.site[op], ops.ops.name[op])
            steps.setdefault(key, set()).add(bisect_right(ends, op))
            alive.setdefault(key, []).append((identity, value))
        return dict(pair for key, found in steps.items() if len(found) >= _GENERATIONS for pair in alive[key])

    def _search(self, frame: FrameType, suspects: dict[int, int]) -> None:
        """Note which of the user's lists, dicts and objects hold suspects."""
        recorder = self.recorder
        held: dict[tuple[str, int], set[int]] = {}
        spaces = recorder.searching.namespaces(recorder.sites.user_frames(frame), None)
        lists: set[tuple[str, int]] = set()
        for holder, tensor, listed in _tensors_in(spaces):
            value = suspects.get(id(tensor))
            if value is not None:
                key = (holder, recorder.ops.ops.site[recorder.ops.values.op[value]])
                held.setdefault(key, set()).add(value)
                if listed:
                    lists.add(key)
        named: set[int] = set()
        for key, found in held.items():
            # An object may well have two attributes, for the last and the one before.
            if len(found) >= _GENERATIONS - (key in lists) and not found & named:
                named |= found
                self.found[key] = KeptGraph(key[0], tuple(sorted(found)))


def _tensors_in(spaces: list[Any]) -> Iterator[tuple[str, torch.Tensor, bool]]:
    """Yield the tensors that variables lead to, with the name of what holds them and whether that is in a list."""
    level = [(name, value, False) for space in spaces for name, value in list(space.items()) if name[:2] != "__"]
    seen: set[int] = set()
    for _ in range(_DEPTH):
        deeper: list[tuple[str, Any, bool]] = []
        for name, value, listed in level:
            if id(value) in seen or len(seen) > _MOST_OBJECTS:
                continue
            seen.add(id(value))
            if isinstance(value, torch.nn.Module):
                inside = [(key, item) for key, item in vars(value).items() if not key.startswith("_")]
            elif isinstance(value, deque):
                inside = [(str(index), item) for index, item in enumerate(value)]
            elif isinstance(value, torch.Tensor):
                continue
            else:
                inside = list(items(value))
            plain = isinstance(value, (list, tuple, deque))
            for key, item in inside:
                if isinstance(item, torch.Tensor):
                    yield name, item, listed or plain
                else:
                    deeper.append((name if plain else f"{name}.{key}", item, listed or plain))
        level = deeper
