"""GF210."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.flow.frontier import Cut, carriers, cuts, entries, exits
from gradcheck_freeze.flow.graph import SeveredEdge
from gradcheck_freeze.rules.blame import DETACHING, LEAVING, ONE_NUMBER, blamed
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.cut_paths import cause_of, op_name
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import DIFFERENTIABLE, INFERENCE, NO_GRAD, NONE, REQUIRES_GRAD, Site

_SUMMING = frozenset(
    {
        "add",
        "sub",
        "rsub",
        "__radd__",
        "__rsub__",
        "__add__",
        "__sub__",
        "__iadd__",
        "add_",
        "sub_",
        "sum",
        "stack",
        "cat",
    }
)
_SCALING = frozenset(
    {
        "mul",
        "div",
        "neg",
        "__rmul__",
        "__mul__",
        "__truediv__",
        "__rtruediv__",
        "mean",
        "sum",
        "squeeze",
        "view",
        "reshape",
        "to",
        "float",
        "scale",
        "true_divide",
        "__imul__",
        "mul_",
        "div_",
        "negative",
        "clone",
    }
)


@rule("GF210", kind="blockage", severity=Severity.ERROR)
def dead_loss_term(case: Case) -> Iterator[Finding]:
    """A term of the loss is computed from what should learn, but carries no gradient to anything.

    Why it matters: the term is added to the loss and shows in the log, while to autograd it is a constant. The other terms
    hide it: everything still gets a gradient.

    Found:

        balance = torch.tensor([layer.balance for layer in layers]).mean()
        loss = task_loss + 0.1 * balance

    Left alone: targets and weights that are detached inside a term, constants, and a term that trains something else.

    Instead: keep the term's path to the parameters free of `detach()`, `no_grad`, NumPy and rebuilt tensors.
    """
    trace = case.flow.trace
    seen: set[tuple[int, int]] = set()
    for number, term, beside in _dead_terms(case):
        op = trace.values.op[term]
        site = trace.ops.site[op] if op != NONE else NONE
        if (number, site) not in seen:
            seen.add((number, site))
            cut = None if _cancels(case, term) else _cut_behind(case, term)
            if cut is not None and not _is_reference(case, cut, beside):
                yield _told(case, number, cut, site)
    for number, cut in _numbers_added(case):
        site = trace.ops.site[cut.op]
        if (number, site) not in seen:
            seen.add((number, site))
            yield _told(case, number, cut, site)


def _told(case: Case, number: int, cut: Cut, site: int) -> Finding:
    trace = case.flow.trace
    by_mode = trace.ops.mode[cut.op] in (NO_GRAD, INFERENCE)
    cause = cause_of(case, cut, by_mode=by_mode)
    here = place(trace, site, "term")
    loss = case.flow.losses[number]
    what = "torch.no_grad()" if by_mode else f"{op_name(case, cut.op)}()"
    at = f" at line {here.line}" if here else ""
    return dead_loss_term.finding(
        case.flow,
        cut.tensors,
        f"{{where}} gets no gradient from a term of {loss.name}{at}: {what} makes the term a constant.",
        cause,
        trail=tuple(p for p in (place(trace, loss.site, "backward"), here, cause) if p),
        fix="Let the gradient pass here, or leave the term out of the loss if it is only for the log.",
    )


def _numbers_added(case: Case) -> Iterator[tuple[int, Cut]]:
    """Yield, for each loss, the numbers taken out of torch in the very expression that adds them to it: `a + 0.1 * b.item()`."""
    trace = case.flow.trace
    ops = trace.ops
    learners = {t for t in case.intent.learn if case.flow.tensors[t].received}
    starved = case.off_path | case.cut.keys()
    seen: set[tuple[int, int]] = set()
    for number, added, _ in _sums(case):
        site = ops.site[added]
        if (number, site) in seen or site == NONE or ops.first_input[added + 1] - ops.first_input[added] != 1:
            continue  # two tensors are added
        seen.add((number, site))
        outer, inner = trace.sites[ops.site[added]], NONE
        for op in range(added - 1, max(added - 16, -1), -1):
            if ops.site[op] == NONE or not _lies_in(trace.sites[ops.site[op]], outer):
                break
            if trace.op_names[ops.name[op]] in ONE_NUMBER:
                inner = op
            break
        if inner != NONE:
            read = ops.inputs[ops.first_input[inner] : ops.first_input[inner + 1]]
            source = next((v for v in read if trace.values.flags[v] & REQUIRES_GRAD), NONE)
            carried = carriers(case.flow, [source]) if source != NONE else set()
            tensors = learners & carried
            if tensors and not starved & carried:  # else told of those who get nothing else
                yield number, Cut((SeveredEdge(inner, source, source),), tuple(sorted(tensors)))


def _lies_in(inner: Site, outer: Site) -> bool:
    begin, end = (inner.line, inner.column), (inner.end_line, inner.end_column)
    return (
        inner.path == outer.path and (outer.line, outer.column) <= begin and end <= (outer.end_line, outer.end_column)
    )


def _cancels(case: Case, term: int) -> bool:
    """Return whether a constant goes into the loss by two ways: subtracted before an exp and added after its log, say."""
    ops, flow = case.flow.trace.ops, case.flow
    readers = 0
    for op in range(flow.trace.values.op[term] + 1, len(ops)):
        if term in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            readers += any(flow.gradient[v] for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]])
    return readers > 1


def _is_reference(case: Case, cut: Cut, beside: int) -> bool:
    """Return whether a constant is what a result of the same network is compared with, element by element: `(old - new).mean()`.

    It was stopped on purpose, and the other side teaches all that it would.
    """
    trace = case.flow.trace
    name = trace.op_names[trace.ops.name[cut.op]]
    on_purpose = name in DETACHING or name in LEAVING
    return beside != NONE and on_purpose and carriers(case.flow, [beside]) >= set(cut.tensors)


def _sums(case: Case) -> Iterator[tuple[int, int, bool]]:
    """Yield, for each loss, the ops that add something up into it, and whether the result is reduced to one number later."""
    trace = case.flow.trace
    for number, visited in _adding_up(case):
        for value, reduced in visited.items():
            op = trace.values.op[value]
            if op != NONE and trace.op_names[trace.ops.name[op]] in _SUMMING:
                yield number, op, reduced


def _dead_terms(case: Case) -> Iterator[tuple[int, int, int]]:
    """Yield, for each loss, the values added into it that carry no gradient though the sum does.

    With each goes the value that it is held against, where the two are subtracted before the result is reduced.
    """
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    for number, op, reduced in _sums(case):
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        carrying = [v for v in read if values.flags[v] & REQUIRES_GRAD]
        compares = reduced and len(carrying) == 1 and "sub" in trace.op_names[ops.name[op]]
        for value in read if carrying else ():
            if not values.flags[value] & REQUIRES_GRAD and values.flags[value] & DIFFERENTIABLE:
                yield number, value, carrying[0] if compares else NONE


def _adding_up(case: Case) -> Iterator[tuple[int, dict[int, bool]]]:
    """Yield, for each loss, the values that it is the sum of, scaled or not, and which of them are reduced on the way."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    for number, loss in enumerate(case.flow.losses):
        pending = [(root, False) for backward in loss.backwards for root in trace.backwards[backward].roots]
        visited: dict[int, bool] = {}
        while pending:
            value, reduced = pending.pop()
            op = values.op[value]
            if value in visited or op == NONE:
                continue
            visited[value] = reduced
            name = trace.op_names[ops.name[op]]
            read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
            if name not in _SUMMING and name not in _SCALING:
                continue
            carrying = [v for v in read if values.flags[v] & REQUIRES_GRAD]
            if name in _SCALING and len(carrying) > 1:
                continue  # what is added inside a factor weighs the other one: a baseline, not a term
            pending.extend((v, reduced or name in ("mean", "sum")) for v in carrying)
        yield number, visited


def _cut_behind(case: Case, term: int) -> Cut | None:
    """Return the cut that makes a term constant, with the tensors it keeps from learning; None if nothing should."""
    flow = case.flow
    trace = flow.trace
    ops, values = trace.ops, trace.values
    behind: set[int] = set()
    pending = [term]
    edges: list[SeveredEdge] = []
    by_result: dict[int, list[int]] = {}
    for index, edge in enumerate(flow.severed):
        by_result.setdefault(edge.result, []).append(index)
    while pending:
        value = pending.pop()
        if value in behind:
            continue
        behind.add(value)
        edges.extend(flow.severed[i] for i in by_result.get(value, ()))
        op = values.op[value]
        if op == NONE or _is_parameter(case, value):  # whatever wrote its numbers, they stand for themselves now
            continue
        pending.extend(
            v for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]] if not values.flags[v] & REQUIRES_GRAD
        )
    if any(edge in edges for known in case.cut.values() for edge in known.edges):
        return None  # the cut is told already, for those whom it starves altogether
    learners = {t for t in case.intent.learn if flow.tensors[t].received}
    starved = case.cut.keys() | case.off_path | case.unread
    wanted = {e for e in edges if trace.values.tensor[e.source] == NONE}
    found = [
        Cut(tuple(e for e in cut.edges if e in wanted), tuple(t for t in cut.tensors if t not in starved))
        for cut in cuts(flow, learners)
        if any(e in wanted for e in cut.edges)
    ]
    found = [cut for cut in found if cut.tensors] or _exits_behind(case, behind, learners - starved)
    return next(iter(blamed(flow, found).values()), None)


def _is_parameter(case: Case, value: int) -> bool:
    tensor = case.flow.trace.values.tensor[value]
    return tensor != NONE and case.flow.trace.tensors[tensor].kind == "parameter"


def _exits_behind(case: Case, behind: set[int], learners: set[int]) -> list[Cut]:
    """Return the calls that took numbers out of torch in the same step in which such numbers came into the term."""
    flow = case.flow
    came = [after for value, after in entries(flow) if value in behind]
    if not came or not learners:
        return []
    begun = max((step.after for step in flow.trace.steps if step.after <= max(came)), default=0)
    return [
        cut
        for cut in exits(flow, learners)
        if cut.tensors and any(begun <= edge.op < max(came) for edge in cut.edges) and _bulk(case, cut)
    ]


def _bulk(case: Case, cut: Cut) -> bool:
    """Return whether the call takes out a whole array: a single number is most often for a log."""
    trace = case.flow.trace
    return trace.op_names[trace.ops.name[cut.op]] in ("numpy", "__array__", "tolist", "__dlpack__")
