"""GF217, and where a gradient first stops being finite."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import cover, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import GRAD, NONE, REQUIRES_GRAD
from gradcheck_freeze.trace.training import Step

# Ops whose derivative is infinite or NaN at a value they accept.
_SINGULAR = (
    "sqrt", "rsqrt", "log", "log2", "log10", "log1p", "div", "true_divide", "__truediv__", "__rtruediv__", "reciprocal", "pow",
    "__pow__", "norm", "vector_norm", "linalg_norm", "linalg_vector_norm", "std", "var", "cdist", "pairwise_distance", "acos",
    "asin", "atan2", "exp", "softmax", "log_softmax", "logsumexp", "normalize", "cosine_similarity", "where", "svd", "linalg_svd", "eigh", "linalg_eigh",
)  # fmt: skip
_OVER_ROWS = frozenset({"softmax", "log_softmax", "logsumexp"})
_MASKING = frozenset({"masked_fill", "masked_fill_", "where"})
_CHOOSING = frozenset(
    {"where", "masked_fill", "masked_fill_", "__getitem__", "masked_select", "nan_to_num", "index_select"}
)
_PASSING_ON = frozenset(
    {
        "mul", "__mul__", "__rmul__", "neg", "__neg__", "div", "sub", "__sub__", "__rsub__", "rsub", "add", "__add__", "__radd__",
        "pow", "__pow__", "square", "abs", "sum", "unsqueeze", "squeeze", "view", "reshape", "mse_loss", "l1_loss", "smooth_l1_loss",
        "huber_loss", "binary_cross_entropy_with_logits",
    }
)  # fmt: skip
_DIVIDING = frozenset(
    {"div", "divide", "true_divide", "__truediv__", "__rdiv__", "__rtruediv__", "__idiv__", "__itruediv__", "div_"}
)
_RECTIFYING = frozenset({"relu", "relu_", "clamp", "clamp_", "clamp_min", "clip"})


@rule("GF217", kind="blockage", severity=Severity.ERROR)
def gradient_not_finite(case: Case) -> Iterator[Finding]:
    """A step applies a gradient that is NaN or infinite.

    Why it matters: one such step makes the parameter NaN, and everything computed from it. It never recovers.

    Found:

        distance = (a - b).pow(2).sum(1).sqrt()       # where a == b the derivative of the root is infinite
        distance.mean().backward()

        torch.where(rate > 0, torch.log(rate), 0)     # the value is kept out, 0 times an infinite derivative is NaN
        torch.where(label.isnan(), 0, (prediction - label) ** 2)       # likewise, with labels that are missing

    Left alone: a step that the program leaves out because the gradient is not finite, and a GradScaler's skipped step.

    Instead: keep the input of the op away from the point (`sqrt(x + eps)`, `log(x.clamp_min(eps))`); a `torch.where` after it
    does not help, for the derivative of the branch not taken is computed too. Choose before the op:
    `torch.log(torch.where(rate > 0, rate, 1))`.
    """
    trace = case.flow.trace
    for step in trace.steps:
        hurt = {
            t
            for t, state in step.gradients.items()
            if state.state == "nonfinite" and t in step.changed and t in case.intent.learn
        }
        if hurt:
            cause, by, fix = _reason(case, step, hurt)
            stepped = place(trace, step.site, "step")
            yield gradient_not_finite.finding(
                case.flow,
                hurt,
                f"{{where}} gets a gradient that is NaN or infinite, and {trace.optimizers[step.optimizer].name}.step() applies it{by}.",
                cause or stepped,
                trail=tuple(p for p in (stepped, cause) if p),
                fix=fix,
            )
            return  # everything after it is NaN too


def _reason(case: Case, step: Step, hurt: set[int]) -> tuple[Location | None, str, str]:
    """Return the line to blame, how it did it, and what to do."""
    trace = case.flow.trace
    away = "Keep the input of this op away from where its derivative is infinite: add an epsilon or clamp before it."
    op, cause = _at_a_singular_value(case, step, hurt)
    if cause:
        name = "division" if cause.op in _DIVIDING else f"{cause.op}()"
        by = f": {name} at line {cause.line} got a value at which it has no finite derivative"
        kept_out = _kept_out(case, op)
        if kept_out == NONE:
            return cause, by, away
        by += f", and {_name(case, kept_out)}() after it keeps only the value out (0 times infinity is NaN)"
        return (
            cause,
            by,
            "Choose before the op instead of after it, log(where(ok, x, 1)), so that its input is harmless too.",
        )
    broken = {t for v in trace.not_numbers if (t := trace.values.tensor[v]) != NONE and case.flow.data[v]}
    if broken:
        by = f": {cover(trace, broken)} held NaN before it"
        fix = "Look at how it was initialised, loaded or written; torch.empty() holds whatever was in memory."
        return place(trace, trace.tensors[min(broken)].declared, "declared"), by, fix
    if (given := _given(case, step)) != NONE:
        cause, kept_out = place(trace, trace.ops.site[given], _name(case, given)), _kept_out(case, given)
        if cause and kept_out != NONE and (choice := place(trace, trace.ops.site[kept_out], _name(case, kept_out))):
            by = f": of what is computed with NaN from line {cause.line}, {choice.op}() keeps only the value out (0 times NaN is NaN)"
            return (
                choice,
                by,
                "Choose before computing with it instead of afterwards, or index by what is there: (a - b)[there].",
            )
    if cause:
        by = f": a tensor at line {cause.line}, to which no gradient goes, holds NaN already"
        return (
            cause,
            by,
            "Clean what is read or computed here, or leave the entries without a number out before computing with them.",
        )
    cause = _likeliest(case, hurt)
    return cause, f", most likely by {cause.op} at line {cause.line}" if cause else "", away


def maker(case: Case, op: int) -> Location | None:
    """Return the line that makes an op give gradients that are not finite, where it is the program's and not an overflow.

    A row of which a mask leaves nothing is made by the mask, not by the softmax over it.
    """
    return _made_by(case, op) if _name(case, op) in _SINGULAR else None


def _made_by(case: Case, op: int) -> Location | None:
    ops = case.flow.trace.ops
    if _name(case, op) in _OVER_ROWS:
        before = case.flow.trace.values.op[ops.inputs[ops.first_input[op]]]
        if _name(case, before) in _MASKING:
            op = before
    return place(case.flow.trace, ops.site[op], _name(case, op))


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


def _at_a_singular_value(case: Case, step: Step, hurt: set[int]) -> tuple[int, Location | None]:
    """Return the first op that got a value at which it has no finite derivative, of those most of the hurt lie behind.

    A rectifier before such an op stops an infinite derivative: it is the last to be suspected.
    """
    trace = case.flow.trace
    ops, flags, owner = trace.ops, trace.values.flags, trace.values.tensor
    told = any(trace.singular.values())
    taught = _taught_by(case, step, hurt) if told else bytearray()
    behind: dict[int, int] = {}  # value → the hurt tensors it is computed from, as bits
    number = {t: 1 << i for i, t in enumerate(sorted(hurt))}
    best, rank = NONE, (0, False)
    for op in range(min(step.after, len(ops)) if told else 0):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if not any(taught[v] for v in made):
            continue
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        mask = 0
        for value in read:
            if flags[value] & REQUIRES_GRAD:
                mask |= behind.get(value, 0) | number.get(owner[value], 0)
        for value in made:
            behind[value] = behind.get(value, 0) | mask
        if trace.singular.get(op) and mask:
            rectified = any(_name(case, trace.values.op[v]) in _RECTIFYING for v in read)
            if (mask.bit_count(), not rectified) > rank:
                best, rank = op, (mask.bit_count(), not rectified)
    return best, _made_by(case, best) if best != NONE else None


def _given(case: Case, step: Step) -> int:
    """Return the op that made or first read what holds NaN and is no result of what should learn: data, or a target."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    for value in sorted(v for v in trace.not_numbers if case.flow.data[v] and values.tensor[v] == NONE):
        if values.flags[value] & REQUIRES_GRAD:
            continue
        op = values.op[value]
        readers = (o for o in range(len(ops)) if value in ops.inputs[ops.first_input[o] : ops.first_input[o + 1]])
        op = op if op != NONE else next(readers, NONE)
        if NONE != op < step.after:
            return op
    return NONE


def _taught_by(case: Case, step: Step, hurt: set[int]) -> bytearray:
    """Mark the values through which gradient came to the hurt from the losses whose gradient the step applies."""
    trace = case.flow.trace
    ops, flags = trace.ops, trace.values.flags
    marks = bytearray(len(flags))
    for backward in {b for t in hurt for b in step.losses.get(t, ())}:
        for root in trace.backwards[backward].roots:
            marks[root] = 1
    for op in range(min(step.after, len(ops)) - 1, -1, -1):
        if any(marks[v] for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]):
            for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
                marks[value] |= flags[value] & REQUIRES_GRAD
    return marks


def _kept_out(case: Case, op: int) -> int:
    """Return the op that takes the result of another and leaves some of its values out, if one does."""
    ops = case.flow.trace.ops
    made = set(ops.outputs[ops.first_output[op] : ops.first_output[op + 1]])
    for later in range(op + 1, len(ops)):
        if not made.isdisjoint(ops.inputs[ops.first_input[later] : ops.first_input[later + 1]]):
            name = _name(case, later)
            if name in _CHOOSING and any(
                case.flow.gradient[v] for v in ops.outputs[ops.first_output[later] : ops.first_output[later + 1]]
            ):
                return later
            if name in _PASSING_ON:
                made.update(ops.outputs[ops.first_output[later] : ops.first_output[later + 1]])
    return NONE


def _name(case: Case, op: int) -> str:
    return case.flow.trace.op_names[case.flow.trace.ops.name[op]] if op != NONE else ""


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
            and trace.singular.get(op) is not False
            and any(case.flow.gradient[v] for v in made)
        ):
            best = op
            break
    return place(trace, ops.site[best], trace.op_names[ops.name[best]]) if best != NONE else None
