"""GF115."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.contract import nearest
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.freezes import freezing_lines
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import files, tree_of
from gradcheck_freeze.trace.record import NONE


@rule("GF115", kind="leak", severity=Severity.WARNING)
def freeze_matches_nothing(case: Case) -> Iterator[Finding]:
    """A loop over the names of the parameters freezes those that fit a pattern, and none does.

    Why it matters: nothing is frozen and nothing complains. Names change with the model, and with what is wrapped around it.

    Found:

        for name, parameter in model.named_parameters():
            if name.startswith("module.encoder."):       # there is no DataParallel around it
                parameter.requires_grad = False

    Left alone: patterns that come from options, loops that freeze something, and loops that the run never came to.

    Instead: take the module, `model.encoder.requires_grad_(False)`, or stop where nothing was frozen.
    """
    trace = case.flow.trace
    for tensors, path, line, patterns in unmatched(case):
        step = trace.steps[case.flow.tensors[min(tensors)].changed[0]]
        cause, stepped = line_at(trace, path, line, "freeze"), place(trace, step.site, "step")
        yield freeze_matches_nothing.finding(
            case.flow,
            tensors,
            f"No parameter is called {' or '.join(map(repr, patterns))}, so nothing is frozen here: "
            f"{trace.optimizers[step.optimizer].name}.step() moves {{where}}.",
            cause,
            trail=tuple(p for p in (stepped, cause) if p),
            fix="Print the names that named_parameters() gives, or freeze the module: requires_grad_(False).",
        )


def unmatched(case: Case) -> Iterator[tuple[set[int], str, int, list[str]]]:
    """Yield what freezes that fitted no name most likely meant, with file and line of the condition, and its patterns."""
    trace = case.flow.trace
    trained = {
        t
        for t, seen in enumerate(case.flow.tensors)
        if seen.changed and trace.tensors[t].kind == "parameter" and t not in case.intent.stated | case.intent.fixed
    }
    if any(case.flow.tensors[t].changed for t in case.intent.stated & case.intent.fixed):
        return  # the contract says who was meant: told by frozen-updated
    flags = [d for d in trace.declarations if d.site != NONE]
    ran = {(trace.sites[d.site].path, trace.sites[d.site].line) for d in flags if d.kind == "requires_grad"}
    walked = {(trace.sites[d.site].path, trace.sites[d.site].line) for d in flags if d.kind == "walked"}
    for path in files(trace) if trained and walked else ():
        lines = set(freezing_lines(path))
        for loop in (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.For)):
            inside = {line for line in lines if loop.lineno < line <= (loop.end_lineno or loop.lineno)}
            if not inside or (path, loop.iter.lineno) not in walked or any((path, line) in ran for line in inside):
                continue
            gate, patterns = _gate(loop, tree_of(path))
            if gate is not None and patterns:
                yield _meant(case, patterns, trained), path, gate.lineno, patterns


def _gate(loop: ast.For, tree: ast.Module) -> tuple[ast.If | None, list[str]]:
    """Return the only condition of a loop over names, and the strings that it compares the name with, if it knows no others."""
    name = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else None
    gate = loop.body[0] if len(loop.body) == 1 else None
    if not isinstance(name, ast.Name) or not isinstance(gate, ast.If) or gate.orelse:
        return None, []
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    patterns: list[str] = []
    bound = {n.id for n in ast.walk(gate.test) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    pending: list[ast.AST] = [gate.test]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Not, ast.NotIn, ast.NotEq)):
            return None, []  # what is to learn is picked out, not what is to stay
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            patterns.append(node.value)
        if isinstance(node, ast.Name) and node.id not in {name.id, "any", "str", "tuple"} | bound:
            if node.id not in constants:
                return None, []
            pending.append(constants[node.id])
        pending.extend(ast.iter_child_nodes(node))
    return gate, sorted(patterns)


def _meant(case: Case, patterns: list[str], trained: set[int]) -> set[int]:
    """Return the trained parameters that have a part of a pattern in their names, or the nearest to it, or else all."""
    names = {t: case.flow.trace.tensors[t].names[0] for t in trained}
    parts = {part for pattern in patterns for part in pattern.split(".") if part}
    found = {t for t, name in names.items() if parts & set(name.split(".")[:-1])}
    if not found:
        near = [n for pattern in patterns for n in nearest(pattern.strip("."), names.values())]
        found = {t for t, name in names.items() if any(name == n or name.startswith(n + ".") for n in near)}
    return found or trained
