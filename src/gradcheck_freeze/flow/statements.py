"""Cuts one step into the pieces that a picture draws, and says what flows between them.

A *piece* is a call of a module that calls no other, or one execution of a statement outside such calls. A statement that
only hands a tensor on is no piece: what it did to the gradient is told by the edge that passes through it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.trace.record import (
    DIFFERENTIABLE,
    FUNCTION,
    GRAD,
    NONE,
    REQUIRES_GRAD,
)

_LOSSES = frozenset({"cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"})
_MOST_CUTS = 8  # kept of one link


@dataclass(slots=True)
class Link:
    """What flows from one piece into another."""

    gradient: int = 0  # mask of the losses whose gradient it carries back
    cuts: list[int] = field(default_factory=list)  # ops on it or in the pieces at which the gradient is lost

    def cut_at(self, op: int) -> None:
        """Write down that the gradient is lost at an op, of a loop's turns the first few."""
        if op not in self.cuts and len(self.cuts) < _MOST_CUTS:
            self.cuts.append(op)


@dataclass(slots=True)
class Piece:
    """Something drawn as one box. `call` is the call itself, or that in which the statement stands, or NONE."""

    call: int
    ops: list[int]
    whole: bool  # the call itself
    loss: int = NONE  # the number of the loss that this statement computes
    tensors: set[int] = field(default_factory=set)  # watched tensors read in it
    links: dict[int, Link] = field(default_factory=dict)  # from which pieces
    inputs: set[int] = field(default_factory=set)  # values that come from outside the program's own computation


def pieces(flow: FlowGraph, needed: Collection[int]) -> tuple[list[Piece], list[dict[int, Link]]]:
    """Return the pieces of the last step in the order of time, and for each loss the links that lead to it.

    A tensor in `needed` that no loss depends on is drawn nevertheless, where it was read.
    """
    ops = _relevant(flow, needed)
    roots = {
        root: number
        for number, loss in enumerate(flow.losses)
        for root in flow.trace.backwards[loss.backwards[-1]].roots
    }
    flows = _Flows(flow, _severed(flow, ops), roots)
    for piece in _group(flow, ops):
        flows.add(piece)
    reached: list[dict[int, Link]] = [{} for _ in flow.losses]
    for root, number in roots.items():
        source = flows.at.get(root, NONE)
        if source != NONE and flows.drawn[source].loss != number:
            flows.link(reached[number], source, root, flow.gradient[root] & 1 << number)
    return flows.drawn, reached


def _relevant(flow: FlowGraph, needed: Collection[int]) -> list[int]:
    """Return the ops of the last complete step, of those on which the last backward of every loss depends."""
    trace = flow.trace
    backwards = [trace.backwards[loss.backwards[-1]] for loss in flow.losses]
    begin = min((backward.after for backward in backwards), default=0)
    first = max((step.after for step in trace.steps if step.after < begin), default=0)
    wanted = bytearray(len(trace.values))
    for backward in backwards:
        for root in backward.roots:
            wanted[root] = 1
    found = _back(flow, wanted, first)
    owner = trace.values.tensor
    missed = set(needed) - {owner[v] for v, is_wanted in enumerate(wanted) if is_wanted}
    if missed:
        ops = trace.ops
        for op in range(first, len(ops)):
            if any(owner[value] in missed for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]):
                for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
                    wanted[value] = 1
        found = _back(flow, wanted, first)
    return found


def _back(flow: FlowGraph, wanted: bytearray, first: int) -> list[int]:
    """Mark all that the wanted values depend on, as far back as an op; return the ops that made it."""
    ops, owner = flow.trace.ops, flow.trace.values.tensor
    found = []
    for op in range(len(ops) - 1, first - 1, -1):
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


def _group(flow: FlowGraph, ops: Iterable[int]) -> Iterable[Piece]:
    """Yield the ops as pieces, statements that only hand on included, in the order in which they begin."""
    trace = flow.trace
    ops = list(ops)
    parents: set[int] = set()
    for inner in {trace.ops.call[op] for op in ops}:
        call = inner
        while call != NONE and (parent := trace.calls[call].parent) not in parents:
            parents.add(parent)
            call = parent
    whole: dict[int, Piece] = {}
    found: list[Piece] = []
    last: tuple[int, str, int] | None = None
    seen: set[tuple[int, int]] = set()
    for op in ops:
        call = trace.ops.call[op]
        if call != NONE and call not in parents:
            last = None
            if call in whole:
                whole[call].ops.append(op)
            else:
                whole[call] = Piece(call, [op], True)
                found.append(whole[call])
            continue
        number = trace.ops.site[op]
        site = trace.sites[number] if number != NONE else None
        place = (call, site.path if site else "", site.line if site else 0)
        step = (number, trace.ops.name[op])
        if place != last or step in seen:  # another statement, or the next turn of a loop
            found.append(Piece(call, [], False))
            seen = set()
        last = place
        seen.add(step)
        found[-1].ops.append(op)
    return found


def _severed(flow: FlowGraph, ops: Iterable[int]) -> dict[int, set[int]]:
    """Return by op the values that it severs."""
    wanted = set(ops)
    found: dict[int, set[int]] = {}
    for edge in flow.severed:
        if edge.op in wanted:
            found.setdefault(edge.op, set()).add(edge.source)
    return found


class _Flows:
    """Follows every value to the piece that it comes from, piece by piece."""

    def __init__(self, flow: FlowGraph, severed: dict[int, set[int]], roots: dict[int, int]) -> None:
        self.flow = flow
        self.severed = severed
        self.roots = roots
        self.drawn: list[Piece] = []
        self.at: dict[int, int] = {}  # value → the piece that it comes from
        self.lost: dict[int, int] = {}  # value → the op, after that piece or in it, that cut it off
        self.outside: dict[int, int] = {}  # value → the value from outside that it was made of

    def link(self, links: dict[int, Link], source: int, value: int, gradient: int) -> None:
        """Write down that a value of a piece is read."""
        link = links.setdefault(source, Link())
        link.gradient |= gradient
        if value in self.lost:
            link.cut_at(self.lost[value])

    def add(self, piece: Piece) -> None:
        """Take in the next piece: draw it, or pass through it."""
        trace = self.flow.trace
        ops, flags, owner = trace.ops, trace.values.flags, trace.values.tensor
        inside: dict[int, tuple[bool, frozenset[int]]] = {}  # value → has gradient of the piece's own, of which sources
        lost: dict[int, int] = {}
        made_here: list[int] = []
        for op in piece.ops:
            read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
            made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
            arriving = 0
            for value in made if ops.mode[op] in (GRAD, FUNCTION) else ():
                arriving |= self.flow.gradient[value]
            own, sources, cut = False, frozenset[int](), NONE
            for value in read:
                if value in inside:
                    mine, of = inside[value]
                    cut = lost.get(value, cut)
                else:
                    mine, of = self._read(piece, value, arriving)
                own |= mine
                sources |= of
                if value in self.severed.get(op, ()):
                    if mine or not of:
                        cut = op
                    for source in () if mine else of:
                        piece.links[source].cut_at(op)
            carries = any(flags[value] & REQUIRES_GRAD for value in made)
            for value in made:
                inside[value] = (own and carries, sources)
                if cut != NONE and not flags[value] & REQUIRES_GRAD:
                    lost[value] = cut
            made_here.extend(made)
        piece.loss = next((self.roots[value] for value in made_here if value in self.roots), NONE)
        if piece.whole or any(trace.tensors[t].kind != "buffer" for t in piece.tensors):
            piece.loss = NONE
        if self._is_drawn(piece):
            self.drawn.append(piece)
            self.at.update(dict.fromkeys(made_here, len(self.drawn) - 1))
            self.lost.update(lost)
            return
        self._pass(piece, made_here, lost, owner)

    def _read(self, piece: Piece, value: int, arriving: int) -> tuple[bool, frozenset[int]]:
        """Write down that a value from outside the piece is read; return whether it is a learner's, and its source."""
        values = self.flow.trace.values
        tensor = values.tensor[value]
        if tensor != NONE and value not in self.at:
            piece.tensors.add(tensor)
            return bool(values.flags[value] & REQUIRES_GRAD), frozenset()
        if value in self.at:
            source = self.at[value]
            carries = bool(values.flags[value] & REQUIRES_GRAD)
            self.link(piece.links, source, value, arriving & self.flow.gradient[value] if carries else 0)
            return False, frozenset({source})
        origin = self.outside.get(value, value if values.op[value] == NONE else NONE)
        if origin != NONE and (piece.whole or values.flags[value] & DIFFERENTIABLE or self._is_loss(piece)):
            piece.inputs.add(origin)
        return False, frozenset()

    def _is_loss(self, piece: Piece) -> bool:
        trace = self.flow.trace
        names = [trace.op_names[trace.ops.name[op]] for op in piece.ops]
        return any(name.endswith("_loss") or name in _LOSSES for name in names)

    def _is_drawn(self, piece: Piece) -> bool:
        tensors = self.flow.trace.tensors
        return (
            piece.whole
            or piece.loss != NONE
            or len(piece.links) > 1
            or any(tensors[t].kind != "buffer" for t in piece.tensors)
            or (bool(piece.links) and self._is_loss(piece))
        )

    def _pass(self, piece: Piece, made: list[int], lost: dict[int, int], owner: Iterable[int]) -> None:
        """Lead what a statement made to where it got it from."""
        for source, link in piece.links.items():
            for value in made:
                self.at[value] = source
                if value not in lost and link.cuts and not self.flow.trace.values.flags[value] & REQUIRES_GRAD:
                    self.lost[value] = link.cuts[0]
        self.lost.update(lost)
        if not piece.links:
            origin = min(piece.inputs, default=made[0] if piece.call == NONE and made else NONE)
            if origin != NONE:
                self.outside.update(dict.fromkeys(made, origin))
