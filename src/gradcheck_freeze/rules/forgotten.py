"""Finds the loss terms that were computed and are in no loss, of what is otherwise cut off on purpose.

An advantage is detached where it weighs the policy's gradient, a target where a prediction is held against it: the critic
learns by a loss of its own. Where that is computed and forgotten, it is what is missing, not the gradient at the cut.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gradcheck_freeze.flow.frontier import Cut, carried_by, carry_back
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD

REDUCING = frozenset(
    {
        "mean",
        "sum",
        "norm",
        "vector_norm",
        "cosine_embedding_loss",
        "cross_entropy",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "kl_div",
        "nll_loss",
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
        "gaussian_nll_loss",
        "poisson_nll_loss",
        "margin_ranking_loss",
        "triplet_margin_loss",
        "soft_margin_loss",
        "hinge_embedding_loss",
        "ctc_loss",
        "multi_margin_loss",
    }
)


_EDGES = 8  # of one cut, which are alike: each is followed to the next backward


def forgotten_terms(flow: FlowGraph, cut: Mapping[int, Cut]) -> dict[int, int]:
    """Return, for the tensors behind cuts made on purpose, the op of the last term computed from them before a backward."""
    behind: dict[tuple[int, ...], tuple[Cut, set[int]]] = {}
    for tensor, found in cut.items():
        behind.setdefault(tuple(edge.result for edge in found.edges), (found, set()))[1].add(tensor)
    forgotten: dict[int, int] = {}
    for found, tensors in behind.values():
        if all(_meets_a_learner(flow, edge.result) for edge in found.edges[:_EDGES]):
            forgotten.update(_terms(flow, tensors))
    return forgotten


def _meets_a_learner(flow: FlowGraph, value: int) -> bool:
    """Return whether a constant goes to a loss only beside what carries gradient by itself: as its weight or its target.

    Where a layer reads it, with parameters of its own, it was to pass the gradient on.
    """
    ops, flags, owner = flow.trace.ops, flow.trace.values.flags, flow.trace.values.tensor
    constant = {value}
    met = False
    first = flow.trace.values.op[value] + 1
    last = min((backward.after for backward in flow.trace.backwards if backward.after >= first), default=len(ops))
    for op in range(first, min(last, len(ops))):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        made = [v for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]] if flow.data[v]]
        if not made or constant.isdisjoint(read):
            continue
        learning = [v for v in read if flags[v] & REQUIRES_GRAD]
        if any(owner[v] != NONE for v in learning):
            return False
        met = met or bool(learning)
        if not learning:
            constant.update(made)
    return met


def _terms(flow: FlowGraph, tensors: Collection[int]) -> dict[int, int]:
    """Return, for these tensors, the last op before the first backward that makes one number of them which nothing reads."""
    trace = flow.trace
    ops = trace.ops
    first = min((backward.after for backward in trace.backwards), default=0)
    carried = carried_by(flow, tensors)
    read_on: set[int] = set()
    terms: list[int] = []
    for op in range(min(first, len(ops)) - 1, -1, -1):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if not any(carried[v] for v in made):
            continue
        if (
            trace.op_names[ops.name[op]] in REDUCING
            and read_on.isdisjoint(made)
            and not any(flow.data[v] for v in made)
        ):
            terms.append(op)
        read_on.update(ops.inputs[ops.first_input[op] : ops.first_input[op + 1]])
    found: dict[int, int] = {}
    for term in terms:
        bits = [0] * len(trace.values)
        for value in ops.outputs[ops.first_output[term] : ops.first_output[term + 1]]:
            bits[value] = 1
        carry_back(flow, bits, carried)
        for value, owner in enumerate(trace.values.tensor):
            if bits[value] and owner in tensors:
                found.setdefault(owner, term)
    return found
