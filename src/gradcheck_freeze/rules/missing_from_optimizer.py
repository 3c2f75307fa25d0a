"""GF207."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import filled_through
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.frozen_fed_gradient import treated_as_frozen
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.planned import priced
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import helper_made, walks_again
from gradcheck_freeze.rules.update_never_lands import never_landing
from gradcheck_freeze.trace.record import NONE

Reason = tuple[Location | None, str, str, Severity]  # cause, why, fix and severity


@rule("GF207", kind="blockage", severity=Severity.ERROR)
def missing_from_optimizer(case: Case) -> Iterator[Finding]:
    """A parameter gets gradient, its network is trained, but no optimizer holds it.

    Why it matters: its gradient is computed and never applied; it stays at its initial value.

    Found:

        optimizer = Adam(model.parameters())
        model.head = nn.Linear(64, 3)              # made after the optimizer

        self.branches = [nn.Conv1d(16, 6, k) for k in (3, 4, 5)]    # not registered: parameters() misses them

    Left alone: a network of which the optimizer deliberately holds a small part (a linear probe, adapters), a network that
    was put into eval mode or frozen and only passes gradient on, and a program without an optimizer. A whole network in train
    mode that no optimizer holds is a question: a warning.

    Instead: build the optimizer after the last change of the model; use `nn.ModuleList`, `nn.ParameterDict`.
    """
    trace = case.flow.trace
    if not trace.steps:
        return
    missing = [
        t
        for t in sorted(case.intent.learn - never_landing(case).keys())
        if case.flow.tensors[t].received
        and not case.flow.tensors[t].optimizers
        and trace.tensors[t].kind == "parameter"
        and not case.flow.tensors[t].changed
        and not case.flow.tensors[t].written
    ]
    groups: dict[Reason, list[int]] = {}
    treated = treated_as_frozen(case) if missing else set()  # told by frozen-fed-gradient
    if missing:  # and those whose numbers are computed by what is told to get no gradient
        treated = treated.union(
            *(filled_through(case, cut) for cut in {cut.op: cut for cut in case.cut.values()}.values())
        )
    for tensor in (t for t in missing if t not in treated):
        reason = _reason(case, tensor, missing)
        if reason is not None:
            groups.setdefault(reason, []).append(tensor)
    for tensor in sorted(case.intent.learn):
        reason = _dropped(case, tensor)
        if reason is not None:
            groups.setdefault(reason, []).append(tensor)
    for (cause, why, fix, severity), tensors in groups.items():
        yield missing_from_optimizer.finding(
            case.flow,
            tensors,
            f"{{where}} gets gradient{_priced(case, tensors)}, but no optimizer moves it: {why}.",
            cause,
            fix=fix,
            severity=severity,
        )


def _priced(case: Case, tensors: list[int]) -> str:
    price = priced(case.flow.trace, tensors)
    return f" ({price} in every step)" if price else ""


def _reason(case: Case, tensor: int, missing: list[int]) -> Reason | None:
    """Return why no optimizer holds a tensor, or None where leaving it out may well be meant."""
    record = case.flow.trace.tensors[tensor]
    if not record.registered:
        return (
            _in_a_helper(case, record.module) or _put(case, record.module) or _made(case, tensor),
            "it sits in a plain Python container or variable, so parameters() does not list it",
            "Register it: nn.ModuleList, nn.ModuleDict, nn.ParameterList or nn.ParameterDict, made in __init__.",
            Severity.ERROR,
        )
    empty = _used_up(case)
    if empty is not None:
        return (
            empty,
            "this iterator had been gone through before the optimizer got it",
            "Make a list of the parameters, list(filter(...)), before anything else goes through them.",
            Severity.ERROR,
        )
    return _changed_since(case, tensor) or _left_out(case, tensor, missing)


def _changed_since(case: Case, tensor: int) -> Reason | None:
    """Return what was done to a tensor too late for every optimizer."""
    trace = case.flow.trace
    last = max((o.after for o in trace.optimizers), default=0)
    changes = [
        d for d in trace.declarations if tensor in d.tensors and d.kind in ("registered", "replaced") and d.after > last
    ]
    if changes:
        root, built = case.root(tensor), trace.tensors[tensor].built
        alive = {t for t, other in enumerate(trace.tensors) if other.alive and case.root(t) == root}
        whole = not any(case.flow.tensors[t].optimizers for t in alive)
        return (
            place(trace, built if whole and built != NONE else changes[-1].site, "replaced"),
            "it was put into the model after the optimizer was built",
            "Build the optimizer after this line, or add the new parameters with add_param_group().",
            Severity.ERROR,
        )
    unfrozen = _unfrozen(case, tensor)
    if unfrozen is not None:
        return (
            unfrozen,
            "it was unfrozen after the optimizer had been built without it",
            "Hand it over here too, optimizer.add_param_group(...), or build the optimizer anew.",
            Severity.ERROR,
        )
    return None


def _left_out(case: Case, tensor: int, missing: list[int]) -> Reason | None:
    """Return how what the optimizers were given stands to the network of a tensor that none holds."""
    trace = case.flow.trace
    built = place(trace, trace.optimizers[-1].built, "optimizer") if trace.optimizers else None
    root = case.root(tensor)
    network = _network(case, tensor)  # one name may have been given to several, one after the other
    family = [t for t, other in enumerate(trace.tensors) if other.kind == "parameter" and _network(case, t) == network]
    held = [t for t in family if case.flow.tensors[t].optimizers]
    absent = [t for t in missing if _network(case, t) == network]
    if held and _is_the_lesser(case, absent, held):
        return (
            _replaced(case, tensor) or _walked_before(case) or built,
            f"the optimizer was given other parameters of {root}, but not this one",
            "Add it to a parameter group, or freeze it with requires_grad_(False) if it must stay.",
            Severity.WARNING,
        )
    if held:
        return None
    stale = [o for o in trace.optimizers if any(not trace.tensors[t].alive for g in o.groups for t in g.tensors)]
    if stale:
        return (
            _replaced(case, tensor) or place(trace, trace.tensors[tensor].declared, "replaced"),
            f"{stale[-1].name} still holds the tensors that it replaced",
            "Build the optimizer after the model has got its final parameters.",
            Severity.ERROR,
        )
    if _meant_to_learn(case, root):
        return (
            built,
            f"none of {root} was given to an optimizer",
            f"Pass the parameters of {root} too, or say that it stays fixed: {root}.requires_grad_(False).",
            Severity.WARNING,
        )
    return None


def _unfrozen(case: Case, tensor: int) -> Location | None:
    """Return where a tensor was unfrozen once all optimizers were there, at least two steps before the end."""
    trace = case.flow.trace
    flags = [d for d in trace.declarations if tensor in d.tensors and d.kind == "requires_grad"]
    last = max((o.after for o in trace.optimizers), default=0)
    if len(flags) < 2 or flags[-2].value or not flags[-1].value or flags[-1].after <= last:
        return None
    waited = sum(step.after > flags[-1].after for step in trace.steps)
    return place(trace, flags[-1].site, "requires_grad = True") if waited > 1 else None


def _replaced(case: Case, tensor: int) -> Location | None:
    """Return where a tensor took the place of another for the last time."""
    trace = case.flow.trace
    found = [d for d in trace.declarations if tensor in d.tensors and d.kind == "replaced"]
    return place(trace, found[-1].site, "replaced") if found else None


def _network(case: Case, tensor: int) -> int | str:
    """Return the outermost module that holds a tensor, or its name where none does."""
    around = case.around(case.flow.trace.tensors[tensor].module)
    return around[-1] if around else case.root(tensor)


def _is_the_lesser(case: Case, absent: list[int], held: list[int]) -> bool:
    """Return whether what an optimizer leaves out is the lesser part: of a probe or an adapter it holds the lesser itself."""
    size = [sum(case.flow.trace.tensors[t].numel for t in part) for part in (absent, held)]
    return len(absent) < len(held) or (len(absent) == len(held) and size[0] < size[1] / 2)


def _meant_to_learn(case: Case, root: str) -> bool:
    """Return whether a network is in train mode throughout, and nothing in the code says that it should stay as it is."""
    trace = case.flow.trace
    number = next((i for i, module in enumerate(trace.modules) if module.name == root), NONE)
    calls = [call for call in trace.calls if call.module == number]
    switched = any(d.kind == "mode" and not d.value and number in d.modules for d in trace.declarations)
    return number != NONE and bool(calls) and all(call.training for call in calls) and not switched


def _dropped(case: Case, tensor: int) -> Reason | None:
    """Return why an optimizer that was built anew no longer holds what the one before it held."""
    trace = case.flow.trace
    holders = {o for o, _ in case.flow.tensors[tensor].optimizers}
    own = [s for s, step in enumerate(trace.steps) if step.optimizer in holders]
    if not holders or trace.tensors[tensor].kind != "parameter":
        return None
    last = own[-1] if own else -1
    when = trace.steps[last].after if own else 0
    later = [step for step in trace.steps[last + 1 :] if step.optimizer not in holders]
    if len(later) < 2 or not any(tensor in b.received for b in trace.backwards if b.after > when):
        return None
    newer = trace.optimizers[later[-1].optimizer]
    empty = next((group.iterator for group in newer.groups if group.iterator != NONE), NONE)
    again = any(trace.optimizers[o].built == newer.built for o in holders)
    if not again:
        return None
    return (
        place(trace, empty if empty != NONE else newer.built, "iterator"),
        f"{newer.name} was built again without it"
        + (", for this iterator can be gone through only once" if empty != NONE else ""),
        "Make a list of the parameters, list(filter(...)), so that they can be handed over again.",
        Severity.ERROR,
    )


def _used_up(case: Case) -> Location | None:
    """Return the one-shot iterator that had nothing left when a parameter group was made of it."""
    for optimizer in case.flow.trace.optimizers:
        for group in optimizer.groups:
            if group.iterator != NONE:
                return place(case.flow.trace, group.iterator, "iterator")
    return None


def _walked_before(case: Case) -> Location | None:
    """Return the line that goes through an iterator a second time, where a parameter group was left empty by it."""
    trace = case.flow.trace
    for optimizer in trace.optimizers:
        path = trace.sites[optimizer.built].path if optimizer.built != NONE else ""
        if any(not group.tensors for group in optimizer.groups) and (lines := walks_again(path)):
            return line_at(trace, path, lines[0].line, "iterator")
    return None


def _in_a_helper(case: Case, module: int) -> Location | None:
    """Return where a module keeps an object of a class that is no module, with the unregistered ones in it."""
    trace = case.flow.trace
    inside = [m for m in case.around(module) if not trace.modules[m].registered]
    parent = trace.modules[inside[-1]].parent if inside else NONE
    if parent == NONE:
        return None
    attribute = trace.modules[inside[-1]].name.removeprefix(trace.modules[parent].name + ".").split(".")[0]
    found = helper_made(trace, trace.modules[parent].type_name, attribute)
    return line_at(trace, *found, "not registered") if found else None


def _put(case: Case, module: int) -> Location | None:
    """Return where the outermost of the unregistered modules around a tensor was constructed."""
    trace = case.flow.trace
    outermost = NONE
    while module != NONE and not trace.modules[module].registered:
        outermost, module = module, trace.modules[module].parent
    site = trace.modules[outermost].constructed if outermost != NONE else NONE
    return place(trace, site, "not registered") if site != NONE else None


def _made(case: Case, tensor: int) -> Location | None:
    """Return where an unregistered tensor was made."""
    trace = case.flow.trace
    if trace.tensors[tensor].declared != NONE:
        return place(trace, trace.tensors[tensor].declared, "not registered")
    values = trace.values
    first = next((v for v in range(len(values)) if values.tensor[v] == tensor), NONE)
    op = values.op[first] if first != NONE else NONE
    return place(trace, trace.ops.site[op], "not registered") if op != NONE else None
