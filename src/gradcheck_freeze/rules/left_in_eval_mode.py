"""GF215."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE


@rule("GF215", kind="blockage", severity=Severity.ERROR)
def left_in_eval_mode(case: Case) -> Iterator[Finding]:
    """A model is trained on in eval mode, after a validation that nobody ended with `train()`.

    Why it matters: dropout is off and the running statistics of normalisation layers stand still, though the parameters go
    on learning.

    Found:

        for batch in loader:
            train_step(batch)
            if step % 100 == 0:
                validate(model)            # calls model.eval(), and nothing calls model.train() again

    Left alone: a model that is trained in eval mode from the start, normalisation layers put into eval mode by themselves,
    and calls in eval mode between calls in train mode, as for an attack.

    Instead: `model.train()` at the end of the validation, or at the start of every training step.
    """
    trace = case.flow.trace
    for module, calls in _training_calls(case).items():
        flags = [trace.calls[c].training for c in calls]
        if flags[-1] or flags.count(False) < 2:
            continue
        switched = len(flags) - flags[::-1].index(True) if True in flags else 0  # nothing after it is in train mode
        if switched >= len(flags) - 1 or not (flags[0] or _was_in_train_mode(case, module, calls[0])):
            continue
        first_op = case.first_op_of_call(calls[switched])
        last_op = case.first_op_of_call(calls[switched - 1]) if switched else 0
        prefix = trace.modules[module].name + "."
        stuck = [
            t
            for t, record in enumerate(trace.tensors)
            if record.kind == "buffer" and "running_" in record.names[0] and record.names[0].startswith(prefix)
        ] or [t for t in case.below(module) if case.flow.tensors[t].changed]
        if not stuck or not _has_mode(case, prefix):
            continue
        switches = [
            d
            for d in trace.declarations
            if d.kind == "mode"
            and not d.value
            and last_op <= d.after <= first_op
            and d.modules[0] in case.around(module)
        ]
        cause = place(trace, switches[-1].site if switches else trace.calls[calls[switched]].site, "eval")
        yield left_in_eval_mode.finding(
            case.flow,
            stuck,
            f"{{where}} stands still: {trace.modules[module].name} was put into eval mode here and is trained on without "
            "train() being called again.",
            cause,
            trail=tuple(
                p for p in (place(trace, trace.calls[calls[switched]].site, "forward in eval mode"), cause) if p
            ),
            fix=f"Call {trace.modules[module].name}.train() when the validation is over.",
        )


def _was_in_train_mode(case: Case, module: int, call: int) -> bool:
    """Return whether the author called `train()` before the first call, though an `eval()` came in between."""
    first, since = case.first_op_of_call(call), _watched_since(case)
    return any(
        d.kind == "mode" and d.value and since <= d.after <= first and d.modules[0] in case.around(module)
        for d in case.flow.trace.declarations
    )


def _training_calls(case: Case) -> dict[int, list[int]]:
    """Return the outermost calls of every module through which gradient went, in the order of time."""
    trace = case.flow.trace
    ops = trace.ops
    outer: dict[int, None] = {}
    for op in range(_watched_since(case), len(ops)):
        call = ops.call[op]
        if call != NONE and any(
            case.flow.gradient[v] for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        ):
            while trace.calls[call].parent != NONE:
                call = trace.calls[call].parent
            outer[call] = None
    found: dict[int, list[int]] = {}
    for call in outer:
        if trace.calls[call].module != NONE:
            found.setdefault(trace.calls[call].module, []).append(call)
    return found


def _watched_since(case: Case) -> int:
    """Return the op at which the last stretch that was watched without a pause begins: what came before it is not known."""
    trace = case.flow.trace
    return max((pause for pause in trace.pauses if pause < len(trace.ops)), default=0)


def _has_mode(case: Case, prefix: str) -> bool:
    """Return whether something below behaves otherwise in eval mode."""
    words = ("BatchNorm", "InstanceNorm", "Dropout", "DropPath")
    return any(
        m.name.startswith(prefix) and any(w in m.type_name for w in words) for m in case.flow.trace.modules
    ) or any(
        r.kind == "buffer" and "running_" in r.names[0] and r.names[0].startswith(prefix)
        for r in case.flow.trace.tensors
    )
