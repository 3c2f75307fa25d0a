"""Where in a run the windows lie, and how much is watched in each.

Steps are numbered by the optimizer that has made most of them: where a generator and a discriminator take turns, a number is
one round.
"""

from __future__ import annotations

from dataclasses import dataclass

OPS_BEYOND = 30_000  # watched beyond the steps asked for: under a second of work


@dataclass(frozen=True, slots=True)
class Placement:
    """How much of a run to watch, and where.

    ops_beyond: how many ops to watch though the steps have been made, unless the budget of bytes is spent before. Where a
    window is placed, or opened again, it holds the steps asked for and no more.
    """

    steps: int = 3  # of every optimizer
    max_ops: int = 5_000_000
    ops_beyond: int = 0
    after: int = 0  # steps before the first window
    every: int = 0  # steps from the beginning of one window to that of the next; 0: there is one window
    guard: bool = False  # whether what stood still in the window is held against what it is later, to the end
    compiled: str = "eager"  # what `torch.compile` compiles: run eagerly, or "opaque": as it is, watched from outside

    @property
    def counts(self) -> bool:
        """Return whether steps are to be counted outside the windows."""
        return bool(self.after or self.every or self.guard)


def placed(
    steps: int | None, max_ops: int, after: int | None, every: int | None, guard: bool, compiled: str
) -> Placement:
    """Return the placement that was asked for; where nothing was said, short programs are watched whole."""
    beyond = 0 if steps or after or every else OPS_BEYOND
    return Placement(steps or 3, max_ops, beyond, after or 0, every or 0, guard, compiled)
