"""GF101."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.freezes import freeze_never_reached
from gradcheck_freeze.rules.frozen_moved_later import broken_later
from gradcheck_freeze.rules.origins import made_a_parameter, made_for_two
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import Function, called, calls_in, files, tree_of
from gradcheck_freeze.trace.training import WatchedOptimizer

_KEEP = "Freeze it with requires_grad_(False) and leave it out of the optimizer."
_SHARING = ("data", "set_", "alias", "nn.Parameter")  # ops after which two tensors have one memory


@rule("GF101", kind="leak", severity=Severity.ERROR)
def frozen_updated(case: Case) -> Iterator[Finding]:
    """An optimizer step changes a parameter that must stay frozen.

    Why it matters: a pretrained network drifts away from what it knew; a reference no longer is one.

    Found, with the contract `frozen = ["encoder"]`:

        optimizer = Adam([*encoder.parameters(), *generator.parameters()])

    and without one, when a parameter with `requires_grad=False` is still moved by momentum or weight decay, or when the freeze
    of a part is undone by `requires_grad_(True)` on the whole before any step was made.

    Left alone: copies that the program itself writes (EMA teachers, target networks), and parameters frozen for one loss
    and trained by another (alternating optimisation).

    Instead: `encoder.requires_grad_(False)`, and pass only what learns to the optimizer.
    """
    trace = case.flow.trace
    groups: dict[tuple[Location | None, str, str], list[int]] = {}
    moves = _moves(case)
    for tensor in sorted(moves):
        groups.setdefault(_reason(case, tensor), []).append(tensor)
    for (cause, why, fix), tensors in groups.items():
        step = trace.steps[moves[tensors[0]]]
        optimizer = trace.optimizers[step.optimizer]
        line = place(trace, step.site, "step")
        feeding = sorted({trace.backwards[b].name for t in tensors for b in step.losses.get(t, ())})
        by = f" by gradient from {', '.join(feeding)}" if feeding else ""
        moved = (
            f"{{where}} must stay frozen, but {optimizer.name}.step()"
            + (f" at line {line.line}" if line else "")
            + f" moves it{by}"
        )
        trail = tuple(
            p
            for p in (
                *(place(trace, trace.backwards[b].site, "backward") for b in step.losses.get(tensors[0], ())),
                line,
                cause,
            )
            if p
        )
        yield frozen_updated.finding(case.flow, tensors, f"{moved}: {why}.", cause, trail=trail, fix=fix)


def _moves(case: Case) -> dict[int, int]:
    """Return the parameters that a step moves while they should stay, each with the first such step."""
    trace = case.flow.trace
    moves: dict[int, int] = {}
    told = broken_later(case)
    for tensor, record in enumerate(trace.tensors):
        changed = case.flow.tensors[tensor].changed
        if not changed or record.kind == "buffer" or tensor in case.intent.tried or tensor in told:
            continue
        if tensor in case.intent.fixed:
            moves[tensor] = changed[0]
        elif (since := case.intent.frozen_since.get(tensor)) is not None and tensor not in case.intent.stated:
            later = [s for s in changed if trace.steps[s].after > since and not _fed_after(case, tensor, since, s)]
            if later:
                moves[tensor] = later[0]
    return moves


def _fed_after(case: Case, tensor: int, since: int, step: int) -> bool:
    """Return whether a step applies gradient from a backward made after the freeze, or before it in the same round."""
    trace = case.flow.trace
    applied = trace.steps[step].losses.get(tensor, ())
    earlier = max((s.after for s in trace.steps[:step]), default=0)
    return any(earlier <= trace.backwards[b].after for b in applied)


def _reason(case: Case, tensor: int) -> tuple[Location | None, str, str]:
    trace = case.flow.trace
    optimizer = (
        trace.optimizers[case.flow.tensors[tensor].optimizers[0][0]] if case.flow.tensors[tensor].optimizers else None
    )
    if optimizer is None and (shared := _shares_memory(case, tensor)) is not None:
        return (
            shared,
            "it was given the memory of a parameter that is trained",
            "Copy the numbers instead: copy_(), clone() or copy.deepcopy().",
        )
    if optimizer is not None and (by_hand := _writes_without_gradient(case, tensor, optimizer)) is not None:
        return (
            by_hand,
            f"{optimizer.type_name}.step() writes here before it asks whether there is a gradient",
            "Pass over parameters whose .grad is None before anything is written.",
        )
    if (handed := _handed_in(case, tensor)) is not None:
        return (
            handed,
            "its .grad is set here, though it is frozen",
            "Pass over parameters whose requires_grad is False, or whose .grad is None.",
        )
    return _not_frozen(case, tensor, optimizer)


def _not_frozen(case: Case, tensor: int, optimizer: WatchedOptimizer | None) -> tuple[Location | None, str, str]:
    """Return what is wrong with the freeze of a tensor, or that there is none."""
    trace = case.flow.trace
    flags = [d for d in trace.declarations if d.kind == "requires_grad"]
    own = [d for d in flags if tensor in d.tensors]
    root = case.root(tensor)
    built = place(trace, optimizer.built, "optimizer") if optimizer else None
    if own and not own[-1].value and (tensor not in case.intent.carried or tensor in case.intent.frozen_since):
        return (
            place(trace, own[-1].site, "requires_grad = False"),
            "it was frozen here, but momentum, weight decay or a gradient left in .grad still moves it",
            "Set .grad to None when freezing (zero_grad(set_to_none=True)) and leave the parameter out of the optimizer.",
        )
    if any(not d.value for d in own) and own[-1].value:
        return (
            place(trace, own[-1].site, "requires_grad = True"),
            "it is made trainable again here",
            f"Drop this line. {_KEEP}",
        )
    if optimizer is not None and not own and (shared_by := made_for_two(case, tensor)) is not None:
        return (
            shared_by[0],
            f"it is a part of {shared_by[1]} too, one and the same, and that is trained",
            "Give each network its own, made where the network is, or freeze it for both.",
        )
    freezes = [d for d in flags if not d.value and any(case.root(t) == root for t in d.tensors)]
    replaced = [d for d in trace.declarations if d.kind == "replaced" and tensor in d.tensors]
    if replaced and (not freezes or replaced[-1].after >= freezes[0].after):
        return (
            place(trace, replaced[-1].site, "replaced"),
            "it was put here in place of another, and a new parameter requires grad",
            "Freeze it again after this line with requires_grad_(False).",
        )
    if freezes:
        return place(trace, freezes[-1].site, "requires_grad = False"), "the freeze here does not reach it", _KEEP
    never_reached = freeze_never_reached(trace)
    if never_reached is not None:
        return never_reached, "what is written below this line to freeze it is never come to", _KEEP
    if tensor in case.intent.stated and (made := made_a_parameter(case, tensor)) is not None:
        return (
            made,
            "it is made a Parameter here, which requires grad, and the optimizer holds it",
            "Register it as a buffer, or pass requires_grad=False to Parameter.",
        )
    return built, "it was never frozen and the optimizer holds it", _KEEP


def _shares_memory(case: Case, tensor: int) -> Location | None:
    """Return where a tensor in no optimizer was given the memory of another, for the last time."""
    trace = case.flow.trace
    ops, owner = trace.ops, trace.values.tensor
    for op in reversed(range(len(ops))):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if trace.op_names[ops.name[op]] in _SHARING and any(owner[v] == tensor for v in made):
            return place(trace, ops.site[op], "shared memory")
    return None


def _handed_in(case: Case, tensor: int) -> Location | None:
    """Return where the program itself puts a gradient into a tensor that gets none from any backward, before a step moves it."""
    trace, seen = case.flow.trace, case.flow.tensors[tensor]
    if not trace.handed.get(tensor) or any(trace.steps[s].losses.get(tensor) for s in seen.changed):
        return None
    before = [site for when, site in trace.handed[tensor] if when <= trace.steps[seen.changed[0]].after]
    return place(trace, before[-1], "grad =") if before else None


def _writes_without_gradient(case: Case, tensor: int, optimizer: WatchedOptimizer) -> Location | None:
    """Return the line of an optimizer of the user's own that writes into parameters whether they have a gradient or not."""
    trace = case.flow.trace
    steps = [trace.steps[s] for s in case.flow.tensors[tensor].changed]
    if any(step.gradients[tensor].state != "none" for step in steps if tensor in step.gradients):
        return None
    for path in files(trace):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef) and node.name == optimizer.type_name:
                lines = [
                    call.lineno
                    for step in node.body
                    if isinstance(step, Function) and step.name == "step"
                    for call in calls_in(step)
                    if called(call).endswith("_") and not called(call).startswith("_")
                ]
                return line_at(trace, path, min(lines), "step") if lines else None
    return None
