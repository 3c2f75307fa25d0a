"""GF114."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import Function, around, called, calls_in
from gradcheck_freeze.trace.record import NONE, Declaration

_LAYERS = ("Linear", "Conv")  # what holds most of the weights
_SMALL = ("Norm", "Embedding")  # what a freeze by the type of the layer forgets
_KINDS = re.compile(r"linear|conv|layer|weight|bias|norm|bn|embed|attention", re.IGNORECASE)


@rule("GF114", kind="leak", severity=Severity.WARNING)
def freeze_stops_short(case: Case) -> Iterator[Finding]:
    """A freeze reaches the weights of a network, but not their biases, its norms or its embeddings, and these are trained.

    Why it matters: a network of which a part still moves is no longer the one that was pretrained: its features drift with
    every bias and every norm.

    Found:

        self.base.weight.requires_grad = False       # the bias learns

        def freeze_base(model):
            for module in model.modules():
                if isinstance(module, nn.Linear):    # the norms learn
                    module.requires_grad_(False)

    Left alone: a freeze by name, one whose function says that it is for a kind of layer or speaks of biases, and what is made
    after the freeze, such as adapters.

    Instead: `self.base.requires_grad_(False)` on the module, whatever it holds.
    """
    trace = case.flow.trace
    groups: dict[Location | None, list[int]] = {}
    for tensor, cause in sorted(left_by_a_freeze(case).items()):
        groups.setdefault(cause, []).append(tensor)
    for cause, tensors in groups.items():
        step = trace.steps[case.flow.tensors[tensors[0]].changed[0]]
        stepped = place(trace, step.site, "step")
        yield freeze_stops_short.finding(
            case.flow,
            tensors,
            f"The freeze here leaves out {{where}}: {trace.optimizers[step.optimizer].name}.step() moves it.",
            cause,
            trail=tuple(p for p in (stepped, cause) if p),
            fix="Freeze the whole module with requires_grad_(False), or say that this part is to learn: requires_grad_(True).",
        )


def left_by_a_freeze(case: Case) -> dict[int, Location | None]:
    """Return what is trained though a freeze reached the weights around it, each with the line of that freeze."""
    trace = case.flow.trace
    flags = [d for d in trace.declarations if d.kind == "requires_grad"]
    declared = {t for d in flags for t in d.tensors}
    free = {
        t
        for t, seen in enumerate(case.flow.tensors)
        if seen.changed and t not in declared and t not in case.intent.stated and trace.tensors[t].kind == "parameter"
    }
    left: dict[int, Location | None] = {}
    by_gate: dict[tuple[str, int], list[Declaration]] = {}
    for freeze in flags if free else ():
        if not freeze.value and freeze.site != NONE:
            if _names_the_weight(case, freeze.site):
                cause = place(trace, freeze.site, "requires_grad = False")
                left.update(dict.fromkeys(_biases(case, freeze, free), cause))
            line = _type_asked(case, freeze.site)
            if line:
                by_gate.setdefault((trace.sites[freeze.site].path, line), []).append(freeze)
    for (path, line), freezes in by_gate.items():
        left.update(dict.fromkeys(_others(case, freezes, free), line_at(trace, path, line, "requires_grad = False")))
    return left


def _biases(case: Case, freeze: Declaration, free: set[int]) -> set[int]:
    """Return the biases of the layers whose weights a freeze reached."""
    trace = case.flow.trace
    layers = {trace.tensors[t].module for t in freeze.tensors if trace.tensors[t].names[0].endswith("weight")}
    layers = {m for m in layers if m != NONE and any(word in trace.modules[m].type_name for word in _LAYERS)}
    return {t for t in free if trace.tensors[t].module in layers and trace.tensors[t].names[0].endswith("bias")}


def _others(case: Case, freezes: list[Declaration], free: set[int]) -> set[int]:
    """Return the norms and embeddings, there before the freeze, below the smallest module that holds all that it reached."""
    trace = case.flow.trace
    holders = [set(case.around(trace.tensors[t].module)) for freeze in freezes for t in freeze.tensors]
    common = set.intersection(*holders) if holders else set()
    if not common:
        return set()
    smallest = max(common, key=lambda m: trace.modules[m].name.count("."))
    born = {trace.values.tensor[v]: v for v in range(len(trace.values) - 1, -1, -1)}
    return {
        t
        for t in free & set(case.below(smallest))
        if any(word in trace.modules[trace.tensors[t].module].type_name for word in _SMALL)
        and trace.values.op[born[t]] < freezes[0].after
    }


def _names_the_weight(case: Case, site: int) -> bool:
    """Return whether a line freezes the `.weight` of something, and nothing around it speaks of biases."""
    where = case.flow.trace.sites[site]
    held = around(where.path, where.line)
    nodes = list(ast.walk(held[-1])) if held else []
    flags = [n.value for n in nodes if isinstance(n, ast.Attribute) and n.attr in ("requires_grad", "requires_grad_")]
    named = any(isinstance(of, ast.Attribute) and of.attr == "weight" for of in flags)
    context = [node for node in held if isinstance(node, (*Function.__args__, ast.ClassDef))]
    return named and not any("bias" in ast.unparse(node) for node in context[:1] or held[-1:])


def _type_asked(case: Case, site: int) -> int:
    """Return the line that asks for a type of layer before a freeze, in a function that is called a freeze of a whole; else 0."""
    where = case.flow.trace.sites[site]
    held = around(where.path, where.line)
    functions = [node for node in held if isinstance(node, Function)]
    if not functions or "freeze" not in functions[-1].name.lower() or _KINDS.search(functions[-1].name):
        return 0
    gates = [node for node in held[held.index(functions[-1]) :] if isinstance(node, ast.If)]
    asked = [g for g in gates if any(called(c) == "isinstance" and _layers(c) for c in calls_in(g.test))]
    return asked[-1].lineno if asked else 0


def _layers(call: ast.Call) -> bool:
    return any(word in ast.unparse(call.args[-1]) for word in _LAYERS)
