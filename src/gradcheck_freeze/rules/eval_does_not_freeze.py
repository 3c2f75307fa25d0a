"""GF105."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.attribution import entry, passes_through
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.freeze_matches_nothing import unmatched
from gradcheck_freeze.rules.freeze_stops_short import left_by_a_freeze
from gradcheck_freeze.rules.freezes import freeze_never_reached
from gradcheck_freeze.rules.frozen_made_anew import all_replaced, made_anew
from gradcheck_freeze.rules.idle_freezes import idle_freezes
from gradcheck_freeze.rules.modes import modes_on_the_way
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import INFERENCE, NO_GRAD, NONE

_WITH_MODE = ("Norm", "Dropout", "DropPath", "StochasticDepth", "RNN", "LSTM", "GRU", "Attention", "Transformer")


@rule("GF105", kind="leak", severity=Severity.WARNING)
def eval_does_not_freeze(case: Case) -> Iterator[Finding]:
    """A network that was put into eval mode by itself is trained along with the rest.

    Why it matters: `eval()` changes how dropout and normalisation behave; it freezes nothing. On a network without such
    layers it does nothing at all, so the author most likely meant to keep the network fixed.

    Found:

        perceptual.eval()                                  # no dropout, no normalisation inside
        optimizer = Adam(model.parameters())               # holds perceptual too

    Left alone: a model that is in eval mode as a whole, normalisation layers kept in eval mode while their affine
    parameters learn, and networks whose behaviour `eval()` really changes.

    Instead: `perceptual.requires_grad_(False)`, and pass only what learns to the optimizer.
    """
    trace = case.flow.trace
    trained = {t for t, seen in enumerate(case.flow.tensors) if seen.changed and trace.tensors[t].kind == "parameter"}
    modes = modes_on_the_way(case)
    if True not in modes.values():
        return
    told = made_anew(case).keys() | left_by_a_freeze(case).keys()
    told = told.union(
        *all_replaced(case).values(),
        *(tensors for tensors, *_ in unmatched(case)),
        *(idle.tensors for idle in idle_freezes(trace)),
    )
    for module, training in sorted(modes.items()):
        name = trace.modules[module].name
        inside = [m for m in trace.modules if m.name == name or m.name.startswith(name + ".")]
        if training or (
            any(word in m.type_name for m in inside for word in _WITH_MODE) and not _called_a_freeze(case, module)
        ):
            continue
        below = {t for t, record in enumerate(trace.tensors) if record.names[0].startswith(name + ".")} & trained
        below -= told  # by a rule that knows the freeze which failed
        if not below or below & (case.intent.stated | case.intent.fixed) or len(below) == len(trained):
            continue
        if any(not modes.get(above, True) for above in _above(case, module)):
            continue
        seen = case.flow.tensors[min(below)]
        step = trace.steps[seen.changed[0]]
        optimizer = trace.optimizers[step.optimizer]
        yield eval_does_not_freeze.finding(
            case.flow,
            below,
            f"{{where}} was put into eval mode, which does not freeze it: {optimizer.name}.step() moves it.",
            _failed_freeze(case, name, below)
            or _past_the_no_grad(case, below)
            or place(trace, optimizer.built, "optimizer"),
            trail=tuple(
                p
                for p in (
                    *(place(trace, trace.backwards[b].site, "backward") for b in step.losses.get(min(below), ())),
                    place(trace, step.site, "step"),
                    place(trace, optimizer.built, "optimizer"),
                )
                if p
            ),
            fix=f"Call {name}.requires_grad_(False) before the optimizer is built; the gradient still passes through it.",
        )


def _failed_freeze(case: Case, name: str, trained: set[int]) -> Location | None:
    """Return the line that freezes a part of the network but not these, or the one that keeps it from freezing any."""
    trace = case.flow.trace
    below = {t for t, record in enumerate(trace.tensors) if record.names[0].startswith(name + ".")} - trained
    partly = [d for d in trace.declarations if d.kind == "requires_grad" and not d.value and below & set(d.tensors)]
    return place(trace, partly[-1].site, "requires_grad = False") if partly else freeze_never_reached(trace)


def _past_the_no_grad(case: Case, tensors: set[int]) -> Location | None:
    """Return the call by which gradient comes to what is computed with under `no_grad` elsewhere, if it need not pass it on."""
    trace = case.flow.trace
    learners = {t for t, seen in enumerate(case.flow.tensors) if seen.changed} - tensors
    if passes_through(case.flow, learners, tensors):
        return None
    ops, owner = trace.ops, trace.values.tensor
    for op in range(len(ops)):
        if ops.mode[op] in (NO_GRAD, INFERENCE) and ops.call[op] != NONE:
            made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
            read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
            if any(owner[v] in tensors for v in read) and any(case.flow.data[v] for v in made):
                received = case.flow.tensors[min(tensors)].received
                return entry(case, tensors, (received & -received).bit_length() - 1) if received else None
    return None


def _called_a_freeze(case: Case, module: int) -> bool:
    """Return whether the module was put into eval mode by a function that the author calls a freeze."""
    trace = case.flow.trace
    return any(
        d.kind == "mode" and not d.value and module in d.modules and "freeze" in trace.sites[d.site].function.lower()
        for d in trace.declarations
        if d.site != NONE
    )


def _above(case: Case, module: int) -> Iterator[int]:
    module = case.flow.trace.modules[module].parent
    while module != NONE:
        yield module
        module = case.flow.trace.modules[module].parent
