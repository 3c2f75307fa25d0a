"""Chooses the backward calls at which the picture of a run ends, and the ops of one step that lead to each of them.

The last call of every loss is drawn. Where one line calls backward for several computations (a helper of both players of
a GAN, a function that trains one model after the other), the last call teaches only one of them: others are drawn that
teach what else there is to show, so that a tensor of which a finding speaks stands among what it works with.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.trace.record import GRAD, NONE, Trace

_MOST = 12  # calls drawn beside the last of every loss
_MOST_SCANNED = 4  # times the length of the trace, in search of a call that depends on a tensor

_Kind = tuple[int, tuple[int, ...]]  # a loss, and where its values were computed


@dataclass(frozen=True, slots=True)
class Ending:
    """A backward call that is drawn, with the ops that lead to it from the beginning of its step, in the order of time."""

    loss: int
    backward: int
    ops: array[int]
    tensors: frozenset[int]  # watched ones that these ops read


def endings(flow: FlowGraph, needed: Collection[int]) -> list[Ending]:
    """Return what is drawn: by loss, and for each loss in the order of time."""
    turns = _Turns(flow)
    drawn = [turns.ending(backward) for backward in turns.last]
    more = [*_teaching(turns, drawn, needed)]
    more += _reading(turns, [*drawn, *more], needed)
    told = _told(turns, more, needed)
    kept = [ending for ending in drawn if not _stands_back(turns, ending, more, _told(turns, [ending], needed) <= told)]
    return sorted([*kept, *more], key=lambda ending: (ending.loss, ending.backward))


def read_in_vain(flow: FlowGraph, found: Iterable[Ending], needed: Collection[int]) -> array[int]:
    """Return the ops that lead to the last results of the tensors in `needed` that no ending depends on."""
    trace = flow.trace
    ops, owner = trace.ops, trace.values.tensor
    missed = set(needed).difference(*(ending.tensors for ending in found))
    if not missed:
        return array("i")
    first = _Turns(flow).begin
    wanted = bytearray(len(trace.values))
    for op in range(first, len(ops)):
        if any(owner[value] in missed for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]):
            for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
                wanted[value] = 1
    return _back(trace, wanted, first, len(ops))


class _Turns:
    """The backward calls of a run by their kind, and the op at which the step of each of them begins."""

    def __init__(self, flow: FlowGraph) -> None:
        self.flow = flow
        trace = flow.trace
        loss_of = {backward: number for number, loss in enumerate(flow.losses) for backward in loss.backwards}
        self.kinds: list[_Kind] = []
        self._steps = sorted(step.after for step in trace.steps)
        self._first: list[int] = []
        last: dict[_Kind, int] = {}
        for number, backward in enumerate(trace.backwards):
            made = [trace.values.op[root] for root in backward.roots]
            kind = loss_of[number], tuple(trace.ops.site[op] if op != NONE else NONE for op in made)
            last[kind] = backward.after
            self.kinds.append(kind)
            self._first.append(self._after_step(min(last.values())))
        self.last = self._last()
        self.begin = self._after_step(min((trace.backwards[b].after for b in self.last), default=0))
        self.scanned = 0

    def _after_step(self, before: int) -> int:
        """Return the op after the last step that was made before an op."""
        place = bisect_left(self._steps, before)
        return self._steps[place - 1] if place else 0

    def _last(self) -> list[int]:
        """Return the last call of every loss, and of every other computation under its name that teaches something else."""
        backwards = self.flow.trace.backwards
        found = [loss.backwards[-1] for loss in self.flow.losses]
        most = len(found) + _MOST
        kinds = {self.kinds[backward] for backward in found}
        taught = {(self.kinds[backward][0], frozenset(backwards[backward].received)) for backward in found}
        for backward in range(len(backwards) - 1, -1, -1):
            if len(found) == most:
                break
            kind = self.kinds[backward]
            if kind not in kinds and (what := (kind[0], frozenset(backwards[backward].received))) not in taught:
                found.append(backward)
                kinds.add(kind)
                taught.add(what)
        return found

    def ending(self, backward: int) -> Ending:
        """Return a backward call with the ops that lead to it."""
        trace = self.flow.trace
        first, end = self.begin if backward in self.last else self._first[backward], trace.backwards[backward].after
        self.scanned += end - first
        wanted = bytearray(len(trace.values))
        for root in trace.backwards[backward].roots:
            wanted[root] = 1
        found = _back(trace, wanted, first, end)
        ops, owner = trace.ops, trace.values.tensor
        read = {owner[v] for op in found for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]}
        read.update(owner[root] for root in trace.backwards[backward].roots)
        return Ending(self.kinds[backward][0], backward, found, frozenset(read - {NONE}))


def _teaching(turns: _Turns, drawn: Iterable[Ending], needed: Collection[int]) -> Iterable[Ending]:
    """Yield the last calls that gave a gradient to the needed tensors to which none that is drawn gave one."""
    backwards, tensors = turns.flow.trace.backwards, turns.flow.tensors
    missing = {tensor for tensor in needed if tensors[tensor].received}
    missing.difference_update(*(backwards[ending.backward].received for ending in drawn))
    for _ in range(_MOST):
        found = next(
            (b for b in range(len(backwards) - 1, -1, -1) if not missing.isdisjoint(backwards[b].received)), NONE
        )
        if found == NONE:
            return
        missing.difference_update(backwards[found].received)
        yield turns.ending(found)


def _reading(turns: _Turns, drawn: Iterable[Ending], needed: Collection[int]) -> Iterable[Ending]:
    """Yield the last calls that depend on the needed tensors on which none that is drawn depends."""
    trace, tensors = turns.flow.trace, turns.flow.tensors
    missing = {tensor for tensor in needed if tensors[tensor].data}
    missing.difference_update(*(ending.tensors for ending in drawn))
    turns.scanned, count = 0, 0
    for backward in range(len(trace.backwards) - 1, -1, -1):
        if not missing or count == _MOST or turns.scanned > _MOST_SCANNED * len(trace.ops):
            return
        loss = 1 << turns.kinds[backward][0]
        if any(tensors[tensor].data & loss for tensor in missing):
            ending = turns.ending(backward)
            if not missing.isdisjoint(ending.tensors):
                missing -= ending.tensors
                count += 1
                yield ending


def _told(turns: _Turns, found: Iterable[Ending], needed: Collection[int]) -> set[int]:
    """Return the needed tensors of which these calls show what there is: that they are taught, or else only read."""
    backwards, tensors = turns.flow.trace.backwards, turns.flow.tensors
    told: set[int] = set()
    for ending in found:
        told.update(ending.tensors.difference(t for t in ending.tensors if tensors[t].received))
        told.update(backwards[ending.backward].received)
    return told.intersection(needed)


def _stands_back(turns: _Turns, ending: Ending, more: Iterable[Ending], told: bool) -> bool:
    """Return whether another call of the same kind shows all that there is to say of this one."""
    return told and any(turns.kinds[other.backward] == turns.kinds[ending.backward] for other in more)


def _back(trace: Trace, wanted: bytearray, first: int, end: int) -> array[int]:
    """Mark all that the wanted values depend on, of what was made between two ops; return the ops that made it."""
    ops, owner = trace.ops, trace.values.tensor
    found = array("i")
    for op in range(end - 1, first - 1, -1):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if not any(wanted[value] for value in made):
            continue
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        written = {owner[value] for value in made} - {NONE}
        if written and ops.mode[op] != GRAD and any(owner[value] in written for value in read):
            continue  # an update of a parameter or a buffer in place: what was there before is another step's
        for value in read:
            wanted[value] = 1
        found.append(op)
    return found[::-1]
