"""GF217, and where a gradient first stops being finite."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import GRAD, NONE, REQUIRES_GRAD

# Ops whose derivative is infinite or NaN at a value they accept.
_SINGULAR = (
    "sqrt", "rsqrt", "log", "log2", "log10", "log1p", "div", "true_divide", "__truediv__", "__rtruediv__", "reciprocal", "pow",
    "__pow__", "norm", "vector_norm", "linalg_norm", "linalg_vector_norm", "std", "var", "cdist", "pairwise_distance", "acos",
    "asin", "atan2", "exp", "softmax", "log_softmax", "logsumexp", "normalize", "cosine_similarity", "where",
)  # fmt: skip
_OVER_ROWS = frozenset({"softmax", "log_softmax", "logsumexp"})
_MASKING = frozenset({"masked_fill", "masked_fill_", "where"})


@rule("GF217", kind="blockage", severity=Severity.ERROR)
def gradient_not_finite(case: Case) -> Iterator[Finding]:
    """A step applies a gradient that is NaN or infinite.

    Why it matters: one such step makes the parameter NaN, and everything computed from it. It never recovers.

    Found:

        distance = (a - b).pow(2).sum(1).sqrt()       # where a == b the derivative of the root is infinite
        distance.mean().backward()

    Left alone: a step that the program leaves out because the gradient is not finite, and a GradScaler's skipped step.

    Instead: keep the input of the op away from the point (`sqrt(x + eps)`, `log(x.clamp_min(eps))`); a `torch.where` after it
    does not help, for the derivative of the branch not taken is computed too.
    """
    trace = case.flow.trace
    for step in trace.steps:
        hurt = {
            t
            for t, state in step.gradients.items()
            if state.state == "nonfinite" and t in step.changed and t in case.intent.learn
        }
        if hurt:
            cause = _likeliest(case, hurt)
            stepped = place(trace, step.site, "step")
            by = f", most likely by {cause.op} at line {cause.line}" if cause else ""
            yield gradient_not_finite.finding(
                case.flow,
                hurt,
                f"{{where}} gets a gradient that is NaN or infinite{by}, and {trace.optimizers[step.optimizer].name}.step() applies it.",
                cause or stepped,
                trail=tuple(p for p in (stepped, cause) if p),
                fix="Keep the input of this op away from where its derivative is infinite: add an epsilon or clamp before it.",
            )
            return  # everything after it is NaN too


def maker(case: Case, op: int) -> Location | None:
    """Return the line that makes an op give gradients that are not finite, where it is the program's and not an overflow.

    A row of which a mask leaves nothing is made by the mask, not by the softmax over it.
    """
    trace = case.flow.trace
    ops = trace.ops
    if op == NONE or trace.op_names[ops.name[op]] not in _SINGULAR:
        return None
    if trace.op_names[ops.name[op]] in _OVER_ROWS:
        before = trace.values.op[ops.inputs[ops.first_input[op]]]
        if before != NONE and trace.op_names[ops.name[before]] in _MASKING:
            op = before
    return place(trace, ops.site[op], trace.op_names[ops.name[op]])


def origin(case: Case) -> int:
    """Return the op at which a gradient stops being finite, in a step in which the gradient of every value was watched."""
    trace = case.flow.trace
    ops, seen = trace.ops, trace.at_values
    for op in range(len(ops) - 1, -1, -1):
        made = [seen.get(v) for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]]
        read = [seen.get(v) for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]]
        if "finite" in made and "nonfinite" in read and "nonfinite" not in made:
            return op
    return NONE


def _likeliest(case: Case, hurt: set[int]) -> Location | None:
    """Return the last op with a singular derivative through which every hurt tensor reaches the loss."""
    trace = case.flow.trace
    ops, owner, flags = trace.ops, trace.values.tensor, trace.values.flags
    limit = next((s.after for s in trace.steps), len(ops))
    reached: dict[int, int] = {}  # value → how many of the hurt lie behind it, as bits
    number = {t: 1 << i for i, t in enumerate(sorted(hurt))}
    everything = (1 << len(number)) - 1
    best = NONE
    for op in range(min(limit, len(ops))):
        mask = 0
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            mask |= reached.get(value, 0) | number.get(owner[value], 0)
        if not mask or ops.mode[op] != GRAD:
            continue
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        for value in made:
            if flags[value] & REQUIRES_GRAD:
                reached[value] = reached.get(value, 0) | mask
        if (
            mask == everything
            and trace.op_names[ops.name[op]] in _SINGULAR
            and any(case.flow.gradient[v] for v in made)
        ):
            best = op
            break
    return place(trace, ops.site[best], trace.op_names[ops.name[best]]) if best != NONE else None
