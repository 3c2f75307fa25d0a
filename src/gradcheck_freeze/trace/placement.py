"""Where in a run the window lies, and how much is watched in it."""

from __future__ import annotations

from dataclasses import dataclass

OPS_BEYOND = 30_000  # watched beyond the steps asked for: under a second of work


@dataclass(frozen=True, slots=True)
class Placement:
    """How much of a run to watch.

    ops_beyond: how many ops to watch though the steps have been made, unless the budget of bytes is spent before.
    """

    steps: int = 3  # of every optimizer
    max_ops: int = 5_000_000
    ops_beyond: int = 0
    compiled: str = "eager"  # what `torch.compile` compiles: run eagerly, or "opaque": as it is, watched from outside
