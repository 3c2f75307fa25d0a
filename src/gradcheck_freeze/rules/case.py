"""The evidence that several rules share, found once: who is starved of gradient, and the cut that starves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradcheck_freeze.flow.frontier import Cut, cuts, exits
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.blame import LEAVING, ONE_NUMBER, blamed
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.forgotten import forgotten_terms
from gradcheck_freeze.rules.intent import Intent
from gradcheck_freeze.rules.unused import unused_results
from gradcheck_freeze.trace.record import NONE, UNSEEN


@dataclass(frozen=True, slots=True)
class Case:
    """One run before the rules."""

    flow: FlowGraph
    intent: Intent
    unread: frozenset[int]  # meant to learn, and no op read them
    off_path: frozenset[int]  # read, but no loss depends on them
    cut: Mapping[int, Cut]  # starved, though a loss depends on them → the cut to blame
    uncut: frozenset[int]  # starved, and no cut explains it
    forward_unseen: bool  # a loss was handed over ready-made: only the engine's word is known
    forgotten: Mapping[int, int]  # cut on purpose → the op that computes the term by which it was to learn, in no loss
    unused: Mapping[int, tuple[str, Location]]  # taught by a result that nothing reads → its name, what is used instead
    leaving: Mapping[int, Cut]  # off_path, but their numbers left torch here and may have come back
    # Those of the cut that only choose what another network learns from → its name, and the line where their own loss belongs.
    choosing: Mapping[int, tuple[str, Location | None]] = field(default_factory=dict)

    def root(self, tensor: int) -> str:
        """Return the name of the outermost module that holds a tensor, or the first part of its own name."""
        around = self.around(self.flow.trace.tensors[tensor].module)
        return (
            self.flow.trace.modules[around[-1]].name
            if around
            else self.flow.trace.tensors[tensor].names[0].partition(".")[0]
        )

    def below(self, module: int) -> list[int]:
        """Return the parameters of a module and of everything below it."""
        prefix = self.flow.trace.modules[module].name + "."
        return [
            t for t, r in enumerate(self.flow.trace.tensors) if r.kind == "parameter" and r.names[0].startswith(prefix)
        ]

    def around(self, module: int) -> list[int]:
        """Return a module and those above it."""
        found = []
        while module != NONE:
            found.append(module)
            module = self.flow.trace.modules[module].parent
        return found

    def first_op_of_call(self, call: int) -> int:
        """Return the first op that ran in a module call or below it; the number of ops if none did."""
        trace = self.flow.trace
        for op in range(len(trace.ops)):
            inner = trace.ops.call[op]
            while inner != NONE and inner != call:
                inner = trace.calls[inner].parent
            if inner == call:
                return op
        return len(trace.ops)


def build_case(flow: FlowGraph, intent: Intent) -> Case:
    """Return the evidence of a run."""
    trace = flow.trace
    kept = _kept_losses(flow)
    starved = (
        {t for t in intent.learn if not _is_fed(flow, t, kept) and trace.tensors[t].kind != "buffer"}
        if flow.losses
        else set()
    )
    starved = {
        t for t in starved if (t in intent.carried or trace.tensors[t].requires_grad) and _is_trained(flow, intent, t)
    }
    read = _read_by_ops(flow) if starved else set()
    unread = {t for t in starved if not flow.tensors[t].data and t not in read}
    off_path = {t for t in starved - unread if not flow.tensors[t].data}
    # What had its gradient in a step that was not watched, and plays no part in these, may well have its turn again.
    had = (unread | off_path) & trace.fed_earlier
    starved, unread, off_path = starved - had, unread - had, off_path - had
    cut: dict[int, Cut] = {}
    on_path = starved - unread - off_path
    # Where the trace has a whole path and the engine sent nothing, a custom function dropped it: no cut is to blame.
    # A loss differentiated for other inputs by autograd.grad is no way to it.
    behind_cuts = {
        t for t in on_path if not flow.tensors[t].gradient & (kept if flow.tensors[t].received else kept or -1)
    }
    if behind_cuts:
        found = cuts(flow, behind_cuts)
        cut.update(blamed(flow, found))
        # A cut on the way to the loss that an optimizer's step waits for, before one on the way to another's.
        own = _own_losses(flow)
        for mask in {own[t] for t in behind_cuts if t in own}:
            near = blamed(flow, [c for c in found if any(flow.data[edge.result] & mask for edge in c.edges)])
            cut.update({t: c for t, c in near.items() if own.get(t) == mask})
    forgotten = forgotten_terms(flow, cut)
    held = {t for t in intent.learn if flow.tensors[t].optimizers or t in intent.stated}
    unused = unused_results(flow, held - unread - off_path - forgotten.keys())
    for tensor in forgotten.keys() | unused.keys() & cut.keys():
        del cut[tensor]
    roots = [root for backward in trace.backwards for root in backward.roots]
    return Case(
        flow,
        intent,
        frozenset(unread),
        frozenset(off_path),
        cut,
        frozenset(on_path - cut.keys() - forgotten.keys() - unused.keys()),
        any(trace.values.flags[root] & UNSEEN for root in roots),
        forgotten,
        unused,
        _leaving(flow, off_path),
    )


def _kept_losses(flow: FlowGraph) -> int:
    """Return the mask of the losses whose backward leaves gradient in `.grad`; those of `autograd.grad` hand it over."""
    backwards = flow.trace.backwards
    return sum(
        1 << number for number, loss in enumerate(flow.losses) if not all(backwards[b].returns for b in loss.backwards)
    )


def _is_fed(flow: FlowGraph, tensor: int, kept: int) -> bool:
    """Return whether a tensor gets gradient: from a loss whose gradient is kept, if an optimizer waits for it in vain."""
    seen, given = flow.tensors[tensor], flow.trace.gradients.get(tensor)
    waits = kept and len(seen.steps) > 1 and (given is None or given.state == "none")
    return bool(seen.received & kept if waits else seen.received)


def _own_losses(flow: FlowGraph) -> dict[int, int]:
    """Return, for the tensors of every optimizer, the losses whose backward came last before one of its steps."""
    trace = flow.trace
    number_of = {backward: number for number, loss in enumerate(flow.losses) for backward in loss.backwards}
    own: dict[int, int] = {}
    for step in trace.steps:
        before = [
            b for b, backward in enumerate(trace.backwards) if backward.after <= step.after and not backward.returns
        ]
        if before:
            for group in trace.optimizers[step.optimizer].groups:
                for tensor in group.tensors:
                    own[tensor] = own.get(tensor, 0) | 1 << number_of[before[-1]]
    return own


def _is_trained(flow: FlowGraph, intent: Intent, tensor: int) -> bool:
    """Return whether somebody is to move a tensor: an optimizer, the contract, or nobody yet because none was seen.

    Copies that the program itself writes, and networks that only give features, are in no optimizer. A gradient that the
    program puts into `.grad` by itself is as good as one from a loss.
    """
    given = flow.trace.gradients.get(tensor)
    if given is not None and given.state != "none":
        return False
    return bool(flow.tensors[tensor].optimizers) or tensor in intent.stated or not flow.trace.optimizers


def _read_by_ops(flow: FlowGraph) -> set[int]:
    """Return the tensors that some op read, other than to initialise, copy or write them."""
    trace = flow.trace
    ops, owner = trace.ops, trace.values.tensor
    read: set[int] = set()
    for op in range(len(ops)):
        if ops.call[op] < 0 and trace.op_names[ops.name[op]].endswith("_"):
            continue
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        targets = {owner[v] for v in made}
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            tensor = owner[value]
            name = trace.op_names[ops.name[op]]
            if (
                tensor >= 0
                and tensor not in targets
                and (made or name in LEAVING)
                and name not in ("detach", "clone", "data")
            ):
                read.add(tensor)
    return read


def _leaving(flow: FlowGraph, tensors: set[int]) -> dict[int, Cut]:
    """Return, for tensors on no data path, the first call through which their numbers left torch with gradient on them."""
    trace = flow.trace
    found: dict[int, Cut] = {}
    first = min((backward.after for backward in trace.backwards), default=len(trace.ops))

    def rank(cut: Cut) -> tuple[bool, bool]:
        # What the first loss was made of left torch before it. A single number is most often for the log; an array or a
        # list may come back.
        return cut.op >= first, trace.op_names[trace.ops.name[cut.op]] in ONE_NUMBER

    if tensors:
        for cut in sorted(exits(flow, tensors), key=rank):
            for tensor in cut.tensors:
                found.setdefault(tensor, cut)
    return found
