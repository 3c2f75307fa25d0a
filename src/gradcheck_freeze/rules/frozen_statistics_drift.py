"""GF103."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.running_state import rebound, running
from gradcheck_freeze.trace.record import NONE, Declaration

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
    `running_mean` and `running_var`, spectral norm goes on with its power iteration, and an observer with its ranges, so the
    frozen network gives other results from batch to batch.

    Found:

        backbone.requires_grad_(False)
        features = backbone(images)        # still in train mode

    Left alone: modules of which some parameter learns, teachers that the program itself updates (EMA), and what a frozen
    network writes down anew: counts, caches, queues of features, the state of a recurrent network.

    Instead: `backbone.eval()` after every `train()` of a module that holds it.
    """
    trace = case.flow.trace
    groups: dict[tuple[Location | None, str], list[int]] = {}
    bearers = rebound(case)
    for tensor in _moved(case, bearers):
        flow = case.flow.tensors[tensor]
        if flow.changed and not flow.written:
            how, cause = _SHARED, place(trace, trace.tensors[tensor].declared, "buffer")
        else:
            cause = _cause(case, tensor, set(bearers.get(tensor, (tensor,))))
            how = _REWRITTEN if cause is not None and cause.op == "write" else _FORWARD
        groups.setdefault((cause, how), []).append(tensor)
    for (cause, how), tensors in groups.items():
        yield frozen_statistics_drift.finding(case.flow, tensors, f"{{where}} {how}", cause, fix=_FIXES[how])


def _moved(case: Case, anew: Collection[int]) -> list[int]:
    """Return the buffers of what is frozen that move: those that a contract names, and running numbers of a frozen module."""
    fixed, tensors = case.intent.fixed, case.flow.trace.tensors
    named, written = set(), set()
    for tensor, record in enumerate(tensors):
        flow = case.flow.tensors[tensor]
        if record.kind != "buffer" or record.module == NONE or not (flow.written or flow.changed or tensor in anew):
            continue
        if tensor in fixed and (flow.written or flow.changed):
            named.add(tensor)
        elif (flow.written or tensor in anew) and _frozen_family(case, record.module):
            written.add(tensor)
    return sorted(named | running(case, written))


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


def _frozen_family(case: Case, module: int) -> bool:
    own = [t for t, r in enumerate(case.flow.trace.tensors) if r.module == module and r.kind == "parameter"]
    family = own + _family(case, module)
    frozen = bool(family) and all(t in case.intent.fixed for t in family)
    return frozen and not any(case.flow.tensors[t].written for t in family)


def _cause(case: Case, tensor: int, bearing: Collection[int]) -> Location | None:
    """Return the outermost call of a module, in train mode, in which the statistics are read and rewritten.

    Where a method of the frozen network itself makes that call, the line that froze it and left it in train mode.
    """
    trace = case.flow.trace
    ops, owner = trace.ops, trace.values.tensor
    undone = _eval_undone(case, tensor)
    if undone is not None:
        return undone
    frozen = _freeze(case, trace.tensors[tensor].module)
    since = frozen.after if frozen else 0
    for op in range(since, len(ops)):
        call = ops.call[op]
        if (
            call != NONE
            and trace.calls[call].training
            and any(owner[v] in bearing for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]])
        ):
            while trace.calls[call].parent != NONE:
                call = trace.calls[call].parent
            site = trace.calls[call].site
            if frozen is not None and frozen.site != NONE and _is_own_method(case, site, tensor):
                return place(trace, frozen.site, "requires_grad = False")
            return place(trace, site, "forward in train mode")
    writes = case.flow.tensors[tensor].written
    if writes:
        return place(trace, trace.writes[writes[0]].site, "write")
    made = [op for t, op in zip(owner, trace.values.op, strict=True) if t in bearing and op >= since]
    return place(trace, ops.site[made[0]], "write") if made else None


def _freeze(case: Case, module: int) -> Declaration | None:
    """Return the first declaration that froze the parameters which a module belongs to."""
    trace = case.flow.trace
    own = {t for t, r in enumerate(trace.tensors) if r.module == module and r.kind == "parameter"}
    own = (own | set(_family(case, module))) & case.intent.frozen_since.keys()
    since = min((case.intent.frozen_since[t] for t in own), default=NONE)
    for declaration in trace.declarations:
        frees = declaration.kind != "requires_grad" or declaration.value
        if not frees and declaration.after >= since and not own.isdisjoint(declaration.tensors):
            return declaration
    return None


def _is_own_method(case: Case, site: int, tensor: int) -> bool:
    """Return whether a line stands in a method of a module that holds a buffer, which was called as such: `vgg.features(x)`."""
    trace = case.flow.trace
    types = {trace.modules[m].type_name for m in case.around(trace.tensors[tensor].module)}
    return site != NONE and trace.sites[site].function.rpartition(".")[0].rpartition(".")[2] in types
