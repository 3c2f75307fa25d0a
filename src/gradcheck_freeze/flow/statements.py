"""Cuts one step into the pieces that a picture draws, and says what flows between them.

A *piece* is a call of a module that calls no other, or one execution of a statement outside such calls. A statement that
only hands a tensor on is no piece: what it did to the gradient is told by the edge that passes through it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, field

from gradcheck_freeze.flow.endings import Ending
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.trace.record import (
    DIFFERENTIABLE,
    FUNCTION,
    GRAD,
    LEAF,
    NONE,
    REQUIRES_GRAD,
)

_LOSSES = frozenset({"cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"})
_MOST_CUTS = 8  # kept of one link
_NOTHING: frozenset[int] = frozenset()


@dataclass(slots=True)
class Link:
    """What flows from one piece into another."""

    gradient: int = 0  # mask of the losses whose gradient it carries back
    cuts: tuple[int, ...] = ()  # ops on it or in the pieces at which the gradient is lost

    def cut_at(self, op: int) -> None:
        """Write down that the gradient is lost at an op, of a loop's turns the first few."""
        if op not in self.cuts and len(self.cuts) < _MOST_CUTS:
            self.cuts += (op,)


@dataclass(slots=True)
class Piece:
    """Something drawn as one box. `call` is the call itself, or that in which the statement stands, or NONE."""

    call: int
    ops: list[int]
    whole: bool  # the call itself
    loss: int = NONE  # the number of the loss that this statement computes
    ending: int = NONE  # and that of the backward call that is drawn
    tensors: Set[int] = _NOTHING  # watched tensors read in it
    links: dict[int, Link] = field(default_factory=dict)  # from which pieces
    inputs: Set[int] = _NOTHING  # values that come from outside the program's own computation


def _added(held: Set[int], one: int) -> Set[int]:
    """Return the numbers with one more; a set is made only where there is something to hold: pieces are many."""
    if isinstance(held, set):
        held.add(one)
        return held
    return {one}


def pieces(flow: FlowGraph, drawn: Sequence[Ending], ops: Collection[int]) -> tuple[list[Piece], list[dict[int, Link]]]:
    """Return the pieces of these ops in the order of time, and for each ending the links that lead to it."""
    roots = {
        root: number for number, ending in enumerate(drawn) for root in flow.trace.backwards[ending.backward].roots
    }
    flows = _Flows(flow, _severed(flow), roots, drawn)
    for piece in _group(flow, ops, sorted(flow.trace.backwards[ending.backward].after for ending in drawn)):
        flows.add(piece)
    reached: list[dict[int, Link]] = [{} for _ in drawn]
    for root, number in roots.items():
        source = flows.at[root]
        if source != NONE and flows.drawn[source].ending != number:
            flows.link(reached[number], source, root, flow.gradient[root] & 1 << drawn[number].loss)
    return flows.drawn, reached


def _group(flow: FlowGraph, ops: Collection[int], turns: Sequence[int]) -> Iterator[Piece]:
    """Yield the ops as pieces, statements that only hand on included, in the order of time; `turns` begin new ones."""
    trace = flow.trace
    parents: set[int] = set()
    for inner in {trace.ops.call[op] for op in ops}:
        call = inner
        while call != NONE and (parent := trace.calls[call].parent) not in parents:
            parents.add(parent)
            call = parent
    lines = [(site.path, site.line) for site in trace.sites]
    piece: Piece | None = None
    last: object = None
    seen: set[tuple[int, int]] = set()
    for op in ops:
        call, site = trace.ops.call[op], trace.ops.site[op]
        whole = call != NONE and call not in parents
        place = call if whole else (call, lines[site] if site != NONE else None, bisect_right(turns, op))
        step = (site, trace.ops.name[op])
        if piece is None or place != last or (not whole and step in seen):  # another statement, or a loop's next turn
            if piece is not None:
                yield from _apart(flow, piece)
            piece = Piece(call, [], whole)
            seen.clear()
        last = place
        seen.add(step)
        piece.ops.append(op)
    if piece is not None:
        yield from _apart(flow, piece)


def _apart(flow: FlowGraph, piece: Piece) -> Iterator[Piece]:
    """Yield what a statement computes independently as pieces of its own: between two calls on one line it ends one and begins another."""
    ops = flow.trace.ops
    if piece.whole or len(piece.ops) == 1 or any(ops.mode[op] == FUNCTION for op in piece.ops):
        yield piece
        return
    maker: dict[int, int] = {}
    group = list(range(len(piece.ops)))  # by op, the first op of what it belongs to

    def first(number: int) -> int:
        while group[number] != number:
            number = group[number]
        return number

    for number, op in enumerate(piece.ops):
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            if value in maker:
                one, other = sorted((first(maker[value]), first(number)))
                group[other] = one
        maker.update(dict.fromkeys(ops.outputs[ops.first_output[op] : ops.first_output[op + 1]], number))
    parts: dict[int, list[int]] = {}
    for number, op in enumerate(piece.ops):
        parts.setdefault(first(number), []).append(op)
    yield from (Piece(piece.call, part, False) for part in parts.values())


def _severed(flow: FlowGraph) -> dict[int, set[int]]:
    """Return by op the values that it severs."""
    found: dict[int, set[int]] = {}
    for edge in flow.severed:
        found.setdefault(edge.op, set()).add(edge.source)
    return found


class _Flows:
    """Follows every value to the piece that it comes from, piece by piece."""

    def __init__(
        self, flow: FlowGraph, severed: dict[int, set[int]], roots: dict[int, int], endings: Sequence[Ending]
    ) -> None:
        self.flow = flow
        self.severed = severed
        self.roots = roots
        self.endings = endings
        self.drawn: list[Piece] = []
        self.losses_named = frozenset(
            number for number, name in enumerate(flow.trace.op_names) if name.endswith("_loss") or name in _LOSSES
        )
        count = len(flow.trace.values)
        self.at = array("i", [NONE]) * count  # by value: the piece that it comes from
        self.lost = array("i", [NONE]) * count  # by value: the op, after that piece or in it, that cut it off
        self.outside: dict[int, int] = {}  # value → the value from outside that it was made of
        # Of the values of the piece at hand: has gradient of the piece's own, and of which sources.
        self.inside: dict[int, tuple[bool, frozenset[int]]] = {}

    def link(self, links: dict[int, Link], source: int, value: int, gradient: int) -> None:
        """Write down that a value of a piece is read."""
        link = links.get(source)
        if link is None:
            link = links[source] = Link()
        if self.lost[value] == NONE:
            link.gradient |= gradient
        else:
            link.cut_at(self.lost[value])

    def add(self, piece: Piece) -> None:
        """Take in the next piece: draw it, or pass through it."""
        self.inside.clear()
        for op in piece.ops:
            self._run(piece, op)
        made = list(self.inside)
        if self.roots:
            piece.ending = next((self.roots[value] for value in made if value in self.roots), NONE)
            piece.loss = self.endings[piece.ending].loss if piece.ending != NONE else NONE
        tensors = self.flow.trace.tensors
        own = piece.whole or any(tensors[t].kind != "buffer" for t in piece.tensors)
        if own:
            piece.loss = piece.ending = NONE
        if own or piece.loss != NONE or len(piece.links) > 1 or (piece.links and self._is_loss(piece)):
            for value in made:
                self.at[value] = len(self.drawn)
            self.drawn.append(piece)
        else:
            self._pass(piece, made)

    def _run(self, piece: Piece, op: int) -> None:
        """Follow what flows through one op of a piece."""
        trace = self.flow.trace
        ops, flags, gradient = trace.ops, trace.values.flags, self.flow.gradient
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        severed = self.severed.get(op, ())
        arriving, carries = 0, False
        for value in made:
            carries |= bool(flags[value] & REQUIRES_GRAD)
            if ops.mode[op] in (GRAD, FUNCTION):
                arriving |= gradient[value]
        own, cut = False, NONE
        sources = _NOTHING
        gathered: set[int] | None = None  # of an op that reads many values the sources are as many
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            known = self.inside.get(value)
            if known is None:
                mine, of = self._read(piece, value, arriving)
            else:
                mine, of = known
                if self.lost[value] != NONE:
                    cut = self.lost[value]
            own |= mine
            if not of <= (sources if gathered is None else gathered):
                if not sources and gathered is None:
                    sources = of
                else:
                    gathered = set(sources) if gathered is None else gathered
                    gathered |= of
            if value in severed:
                if mine or not of:
                    cut = op
                else:
                    for source in of:
                        piece.links[source].cut_at(op)
        if gathered is not None:
            sources = frozenset(gathered)
        for value in made:
            self.inside[value] = (own and carries, sources)
            if cut != NONE and self._carries_no_more(value):
                self.lost[value] = cut

    def _read(self, piece: Piece, value: int, arriving: int) -> tuple[bool, frozenset[int]]:
        """Write down that a value from outside the piece is read; return whether it is a learner's, and its source."""
        values = self.flow.trace.values
        carries = bool(values.flags[value] & REQUIRES_GRAD)
        source = self.at[value]
        if source != NONE:
            self.link(piece.links, source, value, arriving & self.flow.gradient[value] if carries else 0)
            return False, frozenset((source,))
        if values.tensor[value] != NONE:
            piece.tensors = _added(piece.tensors, values.tensor[value])
            return carries, _NOTHING
        origin = self.outside.get(value, value if values.op[value] == NONE else NONE)
        if origin != NONE and (piece.whole or values.flags[value] & DIFFERENTIABLE or self._is_loss(piece)):
            piece.inputs = _added(piece.inputs, origin)
        return False, _NOTHING

    def _is_loss(self, piece: Piece) -> bool:
        name = self.flow.trace.ops.name
        return any(name[op] in self.losses_named for op in piece.ops) if self.losses_named else False

    def _carries_no_more(self, value: int) -> bool:
        """Return whether what was made carries no gradient to what it was made of: a new leaf keeps it for itself."""
        flags = self.flow.trace.values.flags[value]
        return not flags & REQUIRES_GRAD or bool(flags & LEAF)

    def _pass(self, piece: Piece, made: list[int]) -> None:
        """Lead what a statement made to where it got it from."""
        for source, link in piece.links.items():
            for value in made:
                self.at[value] = source
                # Of a cut that nothing passes, what comes after it has its gradient from a leaf made there.
                if self.lost[value] == NONE and link.cuts and (not link.gradient or self._carries_no_more(value)):
                    self.lost[value] = link.cuts[0]
        if not piece.links:
            origin = min(piece.inputs, default=made[0] if piece.call == NONE and made else NONE)
            if origin != NONE:
                self.outside.update(dict.fromkeys(made, origin))
