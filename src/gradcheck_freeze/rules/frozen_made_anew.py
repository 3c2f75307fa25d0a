"""GF112."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import around
from gradcheck_freeze.trace.record import NONE

# What is said of each, and the fix. `{step}` is the step that moves it.
_ANEW = (
    "{{where}} took the place and the numbers of what was frozen, but requires grad: {step} moves it.",
    "Freeze it again after this line: requires_grad_(False).",
)
_REPLACED = (
    "All that was frozen here was replaced before the first step: {{where}} is new and not frozen, so {step} moves it.",
    "Freeze after this line: requires_grad_(False) on what was put there.",
)
_TIED = (
    "What stood here was frozen, but {{where}}, which takes its place, is trained: {step} moves it.",
    "Tie first and freeze then, with requires_grad_(False) on what is shared.",
)


@rule("GF112", kind="leak", severity=Severity.ERROR)
def frozen_made_anew(case: Case) -> Iterator[Finding]:
    """A frozen parameter was made anew, replaced, or tied to a trained one, and what stands there now is trained.

    Why it matters: `requires_grad=False` belongs to the tensor, not to its name. A new `nn.Parameter`, a new layer that takes
    over the weights, `weight_norm`, or tying to another layer puts a tensor there that requires grad.

    Found:

        backbone.requires_grad_(False)
        swapped = QuantLinear(...)                    # as are all new modules, trainable
        swapped.load_state_dict(backbone.fc.state_dict())
        backbone.fc = swapped

        model.encoder.requires_grad_(False)
        model.encoder = Encoder(width=32)             # nothing is left of what was frozen

        lm.lm_head.requires_grad_(False)
        lm.lm_head.weight = lm.embedding.weight       # which learns

    Left alone: a new head in a model that was frozen as a whole, a student that starts from a frozen teacher, a part whose
    numbers are new or whose gradient is masked, and tying to what was unfrozen on purpose.

    Instead: freeze it after the last change, or `requires_grad_(False)` on what was put there.
    """
    trace = case.flow.trace
    told: set[int] = set()
    for groups, message, fix in (
        (_by_site(made_anew(case)), *_ANEW),
        (tied_to_learners(case), *_TIED),
        (all_replaced(case), *_REPLACED),
    ):
        for site, put in groups.items():
            tensors = [t for t in put if t not in told]
            told.update(tensors)
            if not tensors:
                continue
            cause, step = place(trace, site, "replaced"), trace.steps[case.flow.tensors[tensors[0]].changed[0]]
            found = frozen_made_anew.finding(
                case.flow,
                tensors,
                message.format(step=f"{trace.optimizers[step.optimizer].name}.step()"),
                cause,
                trail=tuple(p for p in (place(trace, step.site, "step"), cause) if p),
                fix=fix,
            )
            if message is _TIED[0]:  # under the name that was frozen, not under the older one
                names = tuple(_name_given(case, t, site) for t in tensors)
                found = found.called(names, names[0] if len(names) == 1 else found.where)
            yield found


def _by_site(sites: dict[int, int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for tensor, site in sorted(sites.items()):
        groups.setdefault(site, []).append(tensor)
    return groups


def all_replaced(case: Case) -> dict[int, list[int]]:
    """Return, for sites at which everything that a freeze reached made way for something new, what is trained of that.

    A freeze of which a part is left had more in mind than this one: there a new head is no fault.
    """
    trace = case.flow.trace
    begun = trace.steps[0].after if trace.steps else 0
    flags = [d for d in trace.declarations if d.kind == "requires_grad" and d.after <= begun]
    freezes: dict[int, set[int]] = {}
    for flag in flags:
        if not flag.value and flag.site != NONE:
            freezes.setdefault(flag.site, set()).update(flag.tensors)
    freed = {t for d in flags if d.value for t in d.tensors}
    groups: dict[int, list[int]] = {}
    for site in {d.site for d in trace.declarations if d.kind == "displaced" and d.after <= begun}:
        here = [d for d in trace.declarations if d.site == site]
        gone = {t for d in here if d.kind == "displaced" for t in d.tensors}
        put = {t for d in here if d.kind == "replaced" for t in d.tensors} - gone - freed - case.intent.stated
        trained = [t for t in put if case.flow.tensors[t].changed and not any(t in f for f in freezes.values())]
        lost = [f for f in freezes.values() if f and f <= gone]
        kept = {t for t in gone if trace.tensors[t].names[0]}  # in an adapter that was put around it, say
        if lost and trained and not kept and set().union(*lost) >= gone:
            groups[site] = sorted(trained)
    return groups


def tied_to_learners(case: Case) -> dict[int, list[int]]:
    """Return, for sites at which something frozen made way for what is trained under another name too, what that is."""
    trace = case.flow.trace
    flags = [d for d in trace.declarations if d.kind == "requires_grad"]
    freed = {t for d in flags if d.value for t in d.tensors}
    groups: dict[int, list[int]] = {}
    for gone in (d for d in trace.declarations if d.kind == "displaced"):
        freezes = [d for d in flags if not d.value and d.after <= gone.after and set(d.tensors) & set(gone.tensors)]
        dropped = {t for t in gone.tensors if not trace.tensors[t].names[0]}  # others go on elsewhere, in an adapter
        if not freezes or not dropped or not freed.isdisjoint(gone.tensors):
            continue
        together = {t for d in flags if d.site == freezes[-1].site for t in d.tensors}
        older = {
            t for d in trace.declarations if d.kind == "registered" and d.after <= freezes[-1].after for t in d.tensors
        }
        for put in trace.declarations:
            if put.kind == "replaced" and (put.site, put.after) == (gone.site, gone.after):
                tied = [t for t in put.tensors if len(trace.tensors[t].names) > 1]
                tied = [
                    t
                    for t in tied
                    if case.flow.tensors[t].changed and t in older - freed - together - case.intent.stated
                ]
                if tied:
                    groups[gone.site] = tied
    return groups


def _name_given(case: Case, tensor: int, site: int) -> str:
    """Return the name of a tied tensor under which an assignment at a site put it, its primary name where none fits."""
    trace = case.flow.trace
    names, where = trace.tensors[tensor].names, trace.sites[site]
    for node in around(where.path, where.line)[-1:]:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            end = ast.unparse(target).removeprefix("self.")
            fitting = [name for name in names if f".{name}.".find(f".{end}.") >= 0]
            if len(fitting) == 1:
                return fitting[0]
    return names[0]


def made_anew(case: Case) -> dict[int, int]:
    """Return the trained tensors that took over from frozen ones, each with the site at which it did."""
    trace = case.flow.trace
    frozen = {t: d for d in trace.declarations if d.kind == "requires_grad" and not d.value for t in d.tensors}
    trained = {t for t, seen in enumerate(case.flow.tensors) if seen.changed and t not in frozen}
    first = min((d.after for d in frozen.values()), default=0)
    born = _first_seen(case, trained)
    if not frozen or not trained:
        return {}
    sources, reads = sources_of(case, set(frozen))
    found: dict[int, int] = {}
    for tensor in trained & sources.keys():
        puts = [d for d in trace.declarations if tensor in d.tensors and d.kind in ("replaced", "registered")]
        for old, made in sources[tensor].items():
            later = [d for d in puts if d.after >= frozen[old].after]
            replaced = any(d.kind == "replaced" for d in later) or born[tensor] >= frozen[old].after
            # The making of one may read the old one for another: weight_norm takes its norm, then its direction.
            here = trace.ops.site[made]
            used = (
                any(op > max(made, later[-1].after) and trace.ops.site[op] != here for op in reads[old])
                if later
                else True
            )
            if replaced and not used:
                found[tensor] = later[-1].site
    # Where all that is trained with it was made after the freeze, or has taken over too, the whole was frozen for its sake.
    old_learners = {o for t in trained - found.keys() if born[t] < first for o, _ in case.flow.tensors[t].optimizers}
    # Not so where the freeze was of nothing but what was taken over.
    taken = {old for t in found for old in sources[t]}
    masked = {masking.tensor for masking in trace.maskings}
    alone = {
        t
        for t in found.keys() - masked
        if all(taken.issuperset(_frozen_at(case, frozen[old].site)) for old in sources[t]) and trained - found.keys()
    }
    return {
        t: site
        for t, site in found.items()
        if t in alone or old_learners & {o for o, _ in case.flow.tensors[t].optimizers}
    }


def _frozen_at(case: Case, site: int) -> set[int]:
    """Return all that was frozen by one line."""
    flags = case.flow.trace.declarations
    return {t for d in flags if d.kind == "requires_grad" and not d.value and d.site == site for t in d.tensors}


def _first_seen(case: Case, tensors: set[int]) -> dict[int, int]:
    """Return how many ops had run when each tensor was first seen."""
    values = case.flow.trace.values
    born: dict[int, int] = {}
    for value, tensor in enumerate(values.tensor):
        if tensor in tensors and tensor not in born:
            born[tensor] = values.op[value] if values.op[value] != NONE else values.after.get(value, 0)
    return born


def sources_of(case: Case, frozen: set[int]) -> tuple[dict[int, dict[int, int]], dict[int, list[int]]]:
    """Return the frozen tensors whose numbers went into each other tensor outside every module, with the op; and who reads them."""
    trace = case.flow.trace
    ops, owner = trace.ops, trace.values.tensor
    origin: dict[int, frozenset[int]] = {}
    sources: dict[int, dict[int, int]] = {}
    reads: dict[int, list[int]] = {tensor: [] for tensor in frozen}
    for op in range(len(ops)):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        held: frozenset[int] = frozenset()
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            tensor = owner[value]
            if tensor in frozen:
                if not any(owner[v] == tensor for v in made):
                    reads[tensor].append(op)
                held |= {tensor}
            held |= origin.get(value, frozenset())
        if held and ops.call[op] == NONE:
            for value in made:
                origin[value] = held
                if owner[value] != NONE:
                    for old in held - {owner[value]}:
                        sources.setdefault(owner[value], {})[old] = op
    return sources, reads
