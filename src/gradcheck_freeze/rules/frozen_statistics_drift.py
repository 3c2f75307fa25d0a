"""GF103."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE

_FORWARD = "belongs to a frozen module, but every forward in train mode rewrites it."
_REWRITTEN = "belongs to a frozen module, but the program rewrites it, in eval mode too."
_SHARED = (
    "belongs to what must stay fixed, but moves with every optimizer step: it shares its memory with what is trained."
)
_FIXES = {
    _FORWARD: "Call eval() on the frozen module, after any train() of the model that holds it.",
    _REWRITTEN: "Switch off what writes here (an observer, an average) for a module that must stay as it is.",
    _SHARED: "Keep a copy: register_buffer(name, parameter.detach().clone()).",
}


@rule("GF103", kind="leak", severity=Severity.ERROR)
def frozen_statistics_drift(case: Case) -> Iterator[Finding]:
    """The running statistics of a frozen module move.

    Why it matters: `requires_grad=False` does not touch buffers. In train mode every forward of a BatchNorm rewrites
    `running_mean` and `running_var`, so the frozen network gives other results from batch to batch.

    Found:

        backbone.requires_grad_(False)
        features = backbone(images)        # still in train mode

    Left alone: modules of which some parameter learns, and teachers that the program itself updates (EMA).

    Instead: `backbone.eval()` after every `train()` of a module that holds it.
    """
    trace = case.flow.trace
    groups: dict[tuple[Location | None, str], list[int]] = {}
    for tensor, record in enumerate(trace.tensors):
        flow = case.flow.tensors[tensor]
        if record.kind != "buffer" or record.module == NONE or not _frozen_family(case, record.module, tensor):
            continue
        if flow.written or (flow.changed and tensor in case.intent.fixed):
            if flow.changed and not flow.written:
                how, cause = _SHARED, place(trace, record.declared, "buffer")
            else:
                cause = _cause(case, tensor)
                how = _REWRITTEN if cause is not None and cause.op == "write" else _FORWARD
            groups.setdefault((cause, how), []).append(tensor)
    for (cause, how), tensors in groups.items():
        yield frozen_statistics_drift.finding(case.flow, tensors, f"{{where}} {how}", cause, fix=_FIXES[how])


def _eval_undone(case: Case, tensor: int) -> Location | None:
    """Return the `train()` that put a module which had been put into eval mode back into train mode."""
    trace = case.flow.trace
    around = case.around(trace.tensors[tensor].module)
    written = [trace.writes[w].after for w in case.flow.tensors[tensor].written]
    quiet = False
    for declaration in trace.declarations:
        if declaration.kind == "mode" and declaration.modules[0] in around:
            if declaration.value and quiet and any(declaration.after <= after for after in written):
                return place(trace, declaration.site, "train")
            quiet = not declaration.value
    return None


def _family(case: Case, start: int) -> list[int]:
    """Return the parameters of the nearest module, that of the buffer or one above, that has more than one layer's own."""
    trace = case.flow.trace
    module = start
    while module != NONE:
        prefix = trace.modules[module].name + "."
        below = [t for t, r in enumerate(trace.tensors) if r.kind == "parameter" and r.names[0].startswith(prefix)]
        holders = {trace.tensors[t].module for t in below}
        if len(holders) > 1 or (module == start and holders - {start}):
            return below
        module = trace.modules[module].parent
    return []


def _frozen_family(case: Case, module: int, buffer: int) -> bool:
    if buffer in case.intent.fixed:
        return True
    own = [t for t, r in enumerate(case.flow.trace.tensors) if r.module == module and r.kind == "parameter"]
    family = own + _family(case, module)
    frozen = bool(family) and all(t in case.intent.fixed for t in family)
    return frozen and not any(case.flow.tensors[t].written for t in family)


def _cause(case: Case, tensor: int) -> Location | None:
    """Return the outermost call of a module, in train mode, in which the statistics are read and rewritten."""
    trace = case.flow.trace
    ops, owner = trace.ops, trace.values.tensor
    undone = _eval_undone(case, tensor)
    if undone is not None:
        return undone
    for op in range(len(ops)):
        call = ops.call[op]
        if (
            call != NONE
            and trace.calls[call].training
            and any(owner[v] == tensor for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]])
        ):
            while trace.calls[call].parent != NONE:
                call = trace.calls[call].parent
            return place(trace, trace.calls[call].site, "forward in train mode")
    writes = case.flow.tensors[tensor].written
    return place(trace, trace.writes[writes[0]].site, "write") if writes else None
