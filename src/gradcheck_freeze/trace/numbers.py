"""Python numbers that came out of torch: what is computed from one later depends on the tensor it was taken from.

`.item()`, `float()` and `.tolist()` give floats without a past. One with a long mantissa is as good as a name: the same
float given to a torch call later is the one that left. Sums and products made of it in Python are other floats, and lost.
"""

from __future__ import annotations

from typing import Any

MADE_OF_NUMBERS = frozenset(
    {"tensor", "as_tensor", "asarray", "scalar_tensor", "new_tensor", "full", "full_like", "new_full"}
)
_MOST = 4_096  # numbers of one list
_MOST_KNOWN = 100_000


class Numbers:
    """The floats that left torch in one window, each with the op by which it left."""

    def __init__(self) -> None:
        self.op_of: dict[float, int] = {}

    def left(self, result: Any, op: int) -> None:
        """Note what a call that takes numbers out of torch gave."""
        if len(self.op_of) > _MOST_KNOWN:
            self.op_of.clear()
        if type(result) is float:
            if _tells(result):
                self.op_of[result] = op
        elif type(result) is list:
            for number in _flat(result):
                if _tells(number):
                    self.op_of[number] = op

    def among(self, given: Any) -> list[int]:
        """Return the ops by which the numbers in a list, or in nested lists, left torch."""
        if type(given) is float:
            return [self.op_of[given]] if given in self.op_of else []
        if type(given) not in (list, tuple):
            return []
        return list(dict.fromkeys(self.op_of[n] for n in _flat(given) if n in self.op_of))


def _tells(number: float) -> bool:
    """Return whether a number is no round one, which two places may well come to by themselves."""
    return abs(number) < 1e9 and (number * 4096) % 1 != 0


def _flat(given: Any) -> list[float]:
    found: list[float] = []
    pending = [given]
    while pending and len(found) < _MOST:
        for item in pending.pop()[:_MOST]:
            if type(item) is float:
                found.append(item)
            elif type(item) in (list, tuple):
                pending.append(item)
    return found
