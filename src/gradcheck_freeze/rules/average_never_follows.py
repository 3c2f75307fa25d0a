"""GF216."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import assigned_before, header, only_call
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD

_COPYING = {
    "__deepcopy__",
    "deepcopy",
    "nn.Parameter",
}  # what is made so is of another network, which may well be trained
_SUMMING = {"add", "add_", "lerp", "lerp_", "__add__", "__iadd__"}


@rule("GF216", kind="blockage", severity=Severity.ERROR)
def average_never_follows(case: Case) -> Iterator[Finding]:
    """A copy that is updated from a trained network, as an EMA teacher is, does not follow it, or only in part.

    Why it matters: a teacher that stays at its first values teaches noise; one whose BatchNorm statistics are never copied
    normalises its new weights by the old statistics.

    Found:

        for p, q in zip(teacher.parameters(), student.parameters()):
            p.data.lerp_(q.data, 1 - decay)      # the buffers are forgotten, and teacher is used in eval mode

        for p, q in zip(student.parameters(), teacher.parameters()):
            p.data.mul_(decay).add_(q.data, alpha=1 - decay)      # the wrong one of the two is written

    Left alone: a teacher in train mode (it keeps its own statistics), an average that is only kept for later, and a target
    that is copied from time to time.

    Instead: go over the buffers too, or over `state_dict()`; check the decay.
    """
    trace = case.flow.trace
    yield from _of_themselves(case)
    sources = followed(case)
    yield from _written_back(case, sources)
    if not sources:
        return
    still: dict[int, list[int]] = {}
    for tensor, (source, op) in sources.items():
        if not _moved(case, tensor) and len(case.flow.tensors[source].changed) > 1 and _times(case, tensor) > 1:
            still.setdefault(trace.ops.site[op], []).append(tensor)
    for site, tensors in still.items():
        yield average_never_follows.finding(
            case.flow,
            tensors,
            "{where} is updated here from what is trained, but never changes: the update leaves it as it is.",
            _weight(case, site) or place(trace, site, "update"),
            trail=tuple(p for p in (place(trace, site, "update"), _weight(case, site)) if p),
            fix="Check the weight of the new value in this average (a decay of 1 keeps the old one), and which of the two is written.",
        )
    yield from _forgotten(case, sources)


def _of_themselves(case: Case) -> Iterator[Finding]:
    """Yield the averages that are updated from their own numbers."""
    trace = case.flow.trace
    groups: dict[int, list[int]] = {}
    for tensor, record in enumerate(trace.tensors):
        if record.kind == "parameter" and not case.flow.tensors[tensor].optimizers and tensor in case.intent.fixed:
            op = added_to_itself(case, tensor)
            if op != NONE and _times(case, tensor) > 1:
                groups.setdefault(trace.ops.site[op], []).append(tensor)
    for site, tensors in groups.items():
        update = place(trace, site, "update")
        calling = only_call(trace, site)
        yield average_never_follows.finding(
            case.flow,
            tensors,
            "{where} is updated from itself, so it never follows what is trained.",
            calling or update,
            trail=tuple(p for p in (update, calling) if p),
            fix="Hand over the network that is trained, not the average.",
        )


def _written_back(case: Case, sources: dict[int, tuple[int, int]]) -> Iterator[Finding]:
    """Yield the copies that are never written but written, step after step, into what is trained beside them."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    called = {call.module for call in trace.calls} - {NONE}
    still = {
        t
        for t, seen in enumerate(case.flow.tensors)
        if called.intersection(case.around(trace.tensors[t].module))
        and trace.tensors[t].kind == "parameter"
        and seen.data
        and not seen.optimizers
        and not _moved(case, t)
    }
    followed_already = {source for t, (source, _) in sources.items() if _moved(case, t)}
    written: dict[int, dict[int, list[int]]] = {}  # the copy → the learner → the ops that write one into the other
    origin: dict[int, int] = {}
    for op in range(trace.steps[0].after if still and trace.steps else len(ops), len(ops)):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        copies = {values.tensor[v] if values.tensor[v] in still else origin.get(v, NONE) for v in read} - {NONE}
        if ops.call[op] != NONE or len(copies) != 1:
            continue
        copy = copies.pop()
        for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
            learner = values.tensor[value]
            if learner == NONE:
                origin[value] = copy
            elif case.flow.tensors[learner].optimizers and trace.tensors[learner].shape == trace.tensors[copy].shape:
                written.setdefault(copy, {}).setdefault(learner, []).append(op)
    groups: dict[int, list[int]] = {}
    for copy, learners in written.items():
        ((learner, made), *others) = learners.items()
        if not others and len(made) > 1 and learner not in followed_already and case.flow.tensors[learner].changed:
            groups.setdefault(ops.site[made[0]], []).append(copy)
    for site, tensors in groups.items():
        update = place(trace, site, "update")
        yield average_never_follows.finding(
            case.flow,
            tensors,
            "{where} never changes: this update is written into what is trained, which is pulled back to it in every step.",
            update,
            trail=(update,) if update else (),
            fix="Write into the average and read from what is trained, not the other way round.",
            severity=Severity.WARNING,
        )


def added_to_itself(case: Case, tensor: int) -> int:
    """Return the op by which the program writes, outside every step and module, a sum of a tensor and itself into it."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    made_of: dict[int, bool] = {}  # value computed from the tensor alone → whether it has been added to itself
    for op in range(len(ops)):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        if ops.call[op] != NONE or not read or any(values.tensor[v] != tensor and v not in made_of for v in read):
            continue
        if trace.op_names[ops.name[op]] in _COPYING:
            continue
        summed = (len(read) > 1 and trace.op_names[ops.name[op]] in _SUMMING) or any(made_of.get(v) for v in read)
        for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
            if values.tensor[value] == tensor and summed:
                return op
            made_of[value] = summed
    return NONE


def _weight(case: Case, site: int) -> Location | None:
    """Return the line that sets the weight of the new value, if it is one of the function that updates."""
    if site == NONE:
        return None
    where = case.flow.trace.sites[site]
    line = assigned_before(where.path, where.line)
    return line_at(case.flow.trace, where.path, line, "weight") if line else None


def _forgotten(case: Case, sources: dict[int, tuple[int, int]]) -> Iterator[Finding]:
    """Yield the statistics that an average leaves behind."""
    trace = case.flow.trace
    by_name = {name: t for t, record in enumerate(trace.tensors) for name in record.names}
    pairs: dict[tuple[str, str], Location | None] = {}
    for tensor, (source, op) in sources.items():
        if _moved(case, tensor):
            mine, theirs = _prefixes(trace.tensors[tensor].names[0], trace.tensors[source].names[0])
            if mine and theirs:
                site = trace.ops.site[op]
                pairs.setdefault((mine, theirs), header(trace, site, ast.For) or place(trace, site, "update"))
    for (mine, theirs), cause in pairs.items():
        left = [
            t
            for t, record in enumerate(trace.tensors)
            if record.kind == "buffer"
            and "running_" in record.names[0]
            and record.names[0].startswith(mine + ".")
            and not _moved(case, t)
            and (other := by_name.get(theirs + record.names[0][len(mine) :])) is not None
            and _moved(case, other)
        ]
        if left and _used_in_eval(case, mine):
            yield average_never_follows.finding(
                case.flow,
                left,
                f"{{where}} stays as it was: {mine} follows the parameters of {theirs}, but not its running statistics.",
                cause,
                fix=f"Copy the buffers too: for a, b in zip({mine}.buffers(), {theirs}.buffers()): a.copy_(b).",
            )


def _moved(case: Case, tensor: int) -> bool:
    return bool(case.flow.tensors[tensor].changed or case.flow.tensors[tensor].written)


def _times(case: Case, tensor: int) -> int:
    """Return after how many of the steps a tensor was written."""
    trace = case.flow.trace
    ends = [step.after for step in trace.steps]
    values = trace.values
    made = (values.op[v] for v in range(len(values)) if values.tensor[v] == tensor)
    return len({bisect_right(ends, op) for op in made if op != NONE})


def followed(case: Case, trained_too: bool = False) -> dict[int, tuple[int, int]]:
    """Return, for tensors that no optimizer holds, the trained tensor that is written into them, and the op that last did it.

    trained_too: for those that an optimizer holds instead.
    """
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    found: dict[int, tuple[int, int]] = {}
    first = trace.steps[0].after if trace.steps else len(ops)
    origin: dict[int, set[int]] = {}  # value → the tensors, two at most, that it is an average of
    for op in range(first, len(ops)):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        sources: set[int] = set()
        for value in read:
            sources |= {values.tensor[value]} if values.tensor[value] != NONE else origin.get(value, set())
        trained = {s for s in sources if case.flow.tensors[s].optimizers}
        for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
            tensor = values.tensor[value]
            if tensor == NONE:
                outside = ops.call[op] == NONE or not values.flags[value] & REQUIRES_GRAD
                if trained and outside and len(sources) <= 2:
                    origin[value] = sources
            elif (
                len(trained - {tensor}) == 1
                and bool(case.flow.tensors[tensor].optimizers) == trained_too
                and trace.tensors[tensor].kind == "parameter"
            ):
                source = next(iter(trained - {tensor}))
                if trace.tensors[source].shape == trace.tensors[tensor].shape:
                    found[tensor] = (source, op)
    return found


def _prefixes(mine: str, theirs: str) -> tuple[str, str]:
    """Return what comes before the common end of two names."""
    a, b = mine.split("."), theirs.split(".")
    while len(a) > 1 and len(b) > 1 and a[-1] == b[-1]:
        del a[-1], b[-1]
    return ".".join(a), ".".join(b)


def _used_in_eval(case: Case, name: str) -> bool:
    """Return whether a module was called in eval mode only, and what it gave went into a loss."""
    trace = case.flow.trace
    calls = [c for c in trace.calls if c.module != NONE and trace.modules[c.module].name == name]
    return bool(calls) and not any(call.training for call in calls)
