"""The tree of module calls of one step, in which a block that is repeated stands once, with the number of its turns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.flow.statements import Piece
from gradcheck_freeze.trace.record import NONE

_LEAST_TURNS = 3
_LONGEST_PERIOD = 40
_NUMBER = re.compile(r"[0-9]+")


@dataclass(slots=True, eq=False)
class Branch:
    """A call with what it calls, or a piece."""

    call: int  # NONE for a statement
    piece: int  # NONE for a call that calls others
    parent: Branch | None
    children: list[Branch] = field(default_factory=list)
    count: int = 1  # how often it is repeated
    members: list[str] = field(default_factory=list)  # the modules that it stands for, where it is repeated
    stands: Branch | None = None  # the branch that is drawn in its place
    tensors: set[int] = field(default_factory=set)
    order: int = 0

    def drawn(self) -> Branch:
        """Return the branch that stands for this one."""
        branch = self
        while branch.stands is not None:
            branch = branch.stands
        return branch


def grow(flow: FlowGraph, pieces: Sequence[Piece], marks: Mapping[int, object]) -> tuple[list[Branch], list[Branch]]:
    """Return the branches at the top, and for each piece its branch.

    Blocks are one and the same if their modules have the same types and names but for numbers, and their tensors the
    same marks.
    """
    calls: dict[int, Branch] = {}
    top: list[Branch] = []
    leaves: list[Branch] = []
    every: list[Branch] = []

    def put(branch: Branch) -> Branch:
        (branch.parent.children if branch.parent else top).append(branch)
        branch.order = len(every)
        every.append(branch)
        return branch

    def opened(call: int) -> Branch | None:
        missing = []
        while call != NONE and call not in calls:
            missing.append(call)
            call = flow.trace.calls[call].parent
        branch = calls.get(call)
        for inner in reversed(missing):
            branch = calls[inner] = put(Branch(inner, NONE, branch))
        return branch

    for index, piece in enumerate(pieces):
        above = flow.trace.calls[piece.call].parent if piece.whole else piece.call
        leaf = put(Branch(piece.call if piece.whole else NONE, index, opened(above)))
        leaf.tensors = set(piece.tensors)
        leaves.append(leaf)
    signatures = _Signatures(flow, pieces, marks)
    for branch in reversed(every):
        branch.children = _roll(branch.children, signatures, flow)
        signatures.sign(branch)
    return _roll(top, signatures, flow), leaves


class _Signatures:
    """A number for each branch; equal numbers for blocks that are one and the same."""

    def __init__(self, flow: FlowGraph, pieces: Sequence[Piece], marks: Mapping[int, object]) -> None:
        self.flow = flow
        self.pieces = pieces
        self.marks = marks
        self.known: dict[object, int] = {}
        self.of: dict[Branch, int] = {}

    def is_loss(self, branch: Branch) -> bool:
        """Return whether a branch is the statement that computes a loss."""
        return branch.piece != NONE and self.pieces[branch.piece].loss != NONE

    def sign(self, branch: Branch) -> None:
        """Give a branch its number; those of its children are known."""
        key: tuple[object, ...]
        trace = self.flow.trace
        if branch.call != NONE:
            module = trace.calls[branch.call].module
            name = module_name(self.flow, branch.call)
            above = module_name(self.flow, branch.parent.call) + "." if branch.parent else ""
            key = (
                _NUMBER.sub("*", name.removeprefix(above)),
                trace.modules[module].type_name if module != NONE else "",
            )
        else:
            piece = self.pieces[branch.piece]
            key = (tuple(trace.ops.name[op] for op in piece.ops), trace.ops.site[piece.ops[0]], piece.loss)
        if branch.piece != NONE:
            piece = self.pieces[branch.piece]
            sites = {trace.ops.site[op] for link in piece.links.values() for op in link.cuts}
            seen = tuple(sorted({str(self.marks.get(t)) for t in piece.tensors}))
            key += (tuple(sorted(sites)), seen)
        key += tuple((self.of[child], child.count) for child in branch.children)
        self.of[branch] = self.known.setdefault(key, len(self.known))


def module_name(flow: FlowGraph, call: int) -> str:
    """Return the name of the module that was called, `?` for one without a name."""
    module = flow.trace.calls[call].module
    return flow.trace.modules[module].name if module != NONE else "?"


def _roll(branches: list[Branch], signatures: _Signatures, flow: FlowGraph) -> list[Branch]:
    """Return the branches with every run of equal turns as its first turn."""
    numbers = [signatures.of[branch] for branch in branches]
    losses = {signatures.of[branch] for branch in branches if signatures.is_loss(branch)}
    rolled: list[Branch] = []
    start = 0
    while start < len(branches):
        period, turns = _repeated(numbers, start, losses)
        for place in range(period):
            first = branches[start + place]
            for turn in range(1, turns):
                _stand_for(branches[start + turn * period + place], first)
            if turns > 1:
                first.count *= turns
                first.members = _names(flow, branches[start + place : start + period * turns : period])
            rolled.append(first)
        start += period * turns
    return rolled


def _repeated(numbers: Sequence[int], start: int, losses: Collection[int]) -> tuple[int, int]:
    """Return the length of the block that begins here and how often it comes in a row.

    A block that computes a loss ends with it: one that began with the loss of what stands before would tear them apart.
    """
    for period in range(1, min(_LONGEST_PERIOD, (len(numbers) - start) // _LEAST_TURNS) + 1):
        block = numbers[start : start + period]
        if block[0] in losses and block[-1] not in losses:
            continue
        turns = 1
        while numbers[start + turns * period : start + (turns + 1) * period] == block:
            turns += 1
        if turns >= _LEAST_TURNS:
            return period, turns
    return 1, 1


def _stand_for(branch: Branch, first: Branch) -> None:
    pending = [(branch, first)]
    while pending:
        this, other = pending.pop()
        this.stands = other
        other.tensors |= this.tensors
        pending.extend(zip(this.children, other.children, strict=True))


def _names(flow: FlowGraph, branches: Iterable[Branch]) -> list[str]:
    return list(dict.fromkeys(module_name(flow, branch.call) for branch in branches if branch.call != NONE))
