"""Watches lookups in embeddings with a padding row: whether that row is asked for as padding or as a real entry."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

from gradcheck_freeze.trace.memory import has_memory
from gradcheck_freeze.trace.record import NONE, Lookup

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_LOOKS = 8  # lookups of one table that are looked into
_MOST = 100_000  # indices in a lookup that is looked into
_ENDS = 64  # indices at the end of sequences that are tried as the real padding


class LookupWatch:
    """The lookups of one window in which a padding row stands for something."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.found: dict[int, Lookup] = {}  # slot → the first such lookup
        self._looks: dict[int, int] = {}

    def look(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at the arguments of `torch.nn.functional.embedding`."""
        named = dict(zip(("input", "weight", "padding_idx"), args, strict=False)) | kwargs
        row, indices, weight = named.get("padding_idx"), named.get("input"), named.get("weight")
        if row is None or not isinstance(indices, torch.Tensor) or not isinstance(weight, torch.Tensor):
            return
        slot = self.recorder.ops.tensors.slot(weight)
        looks = self._looks.get(slot, 0)
        if slot == NONE or slot in self.found or looks >= _LOOKS or not 0 < indices.numel() <= _MOST:
            return
        self._looks[slot] = looks + 1
        if not (has_memory(indices) and has_memory(weight)):
            return
        row = row % weight.shape[0]
        with torch._C.DisableTorchFunction(), torch.no_grad():
            here = indices.detach() == row
            if not bool(here.any()):
                return
            whole = indices.numel() == weight.shape[0] > 2 and indices.unique().numel() == weight.shape[0]
            written = bool(weight.detach()[row].any())
            meant = whole or (
                _inside(here) and (written or indices.dim() == 1 or _padded_by_another(indices.detach(), row))
            )
        if meant:
            site = self.recorder.sites.here(sys._getframe(2))
            self.found[slot] = Lookup(slot, row, site, whole)


def _inside(here: torch.Tensor) -> bool:
    """Return whether a padding index stands between two others in some sequence: padding fills an end."""
    other = ~(here if here.dim() > 1 else here.unsqueeze(0))
    before = other.cumsum(-1) > 0
    after = other.flip(-1).cumsum(-1).flip(-1) > 0
    return bool((~other & before & after).any())


def _padded_by_another(indices: torch.Tensor, row: int) -> bool:
    """Return whether another index fills the ends of sequences, of different lengths, and stands nowhere else."""
    if indices.dim() != 2:
        return False
    for other in indices[:, -1].unique()[:_ENDS].tolist():
        here = indices == other
        ends = here.flip(-1).cumprod(-1).sum(-1)
        if (
            other != row
            and int(ends.max()) > 1
            and len(ends[ends > 0].unique()) > 1
            and int(ends.sum()) == int(here.sum())
        ):
            return True
    return False
