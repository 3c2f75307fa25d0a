"""GF115."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.constants import strings_of
from gradcheck_freeze.rules.contract import nearest
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.freezes import freezing_lines
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import called, files, tree_of
from gradcheck_freeze.trace.record import NONE, Trace


@rule("GF115", kind="leak", severity=Severity.WARNING)
def freeze_matches_nothing(case: Case) -> Iterator[Finding]:
    """A loop over the names of the parameters freezes those that fit a pattern, and none does.

    Why it matters: nothing is frozen and nothing complains. Names change with the model, and with what is wrapped around it.

    Found:

        for name, parameter in model.named_parameters():
            if name.startswith("module.encoder."):       # there is no DataParallel around it
                parameter.requires_grad = False

    Left alone: patterns that the command line gives, or an option's default that names nothing in the model; loops that freeze
    something; and loops that the run never came to.

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
    off = {
        (trace.sites[d.site].path, trace.sites[d.site].line) for d in flags if d.kind == "requires_grad" and not d.value
    }
    walked = {(trace.sites[d.site].path, trace.sites[d.site].line) for d in flags if d.kind == "walked"}
    for path in files(trace) if trained and walked else ():
        lines = {*freezing_lines(path), *_deciding_lines(path)}
        for loop in (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.For)):
            inside = {line for line in lines if loop.lineno < line <= (loop.end_lineno or loop.lineno)}
            if not inside or (path, loop.iter.lineno) not in walked or any((path, line) in off for line in inside):
                continue
            name = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else None
            line, test = _condition(loop)
            if test is None or not isinstance(name, ast.Name):
                continue
            patterns, given = _patterns(trace, path, test, name.id)
            meant = _named(case, patterns, trained) or (
                set() if given else _nearest(case, patterns, trained) or trained
            )
            if patterns and meant:
                yield meant, path, line, patterns


def _deciding_lines(path: str) -> Iterator[int]:
    """Yield the lines of a file that set `requires_grad` to what is not so: `not name.startswith(...)`."""
    for node in ast.walk(tree_of(path)):
        if _decided(node) is not None and isinstance(node, ast.stmt):
            yield node.lineno


def _decided(node: ast.AST) -> ast.expr | None:
    """Return the condition under which a statement switches `requires_grad` off and else on; None if it does no such thing."""
    value = None
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        value = node.value if node.targets[0].attr == "requires_grad" else None
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and called(node.value) == "requires_grad_":
        value = node.value.args[0] if node.value.args else None
    return value.operand if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not) else None


def _condition(loop: ast.For) -> tuple[int, ast.expr | None]:
    """Return the only condition under which a loop freezes, and its line."""
    first, rest = loop.body[0], loop.body[1:]
    if not rest and (decided := _decided(first)) is not None:
        return first.lineno, decided
    if isinstance(first, ast.If) and not rest and (not first.orelse or _only_unfreezes(first.orelse)):
        return first.lineno, first.test
    passed = isinstance(first, ast.If) and not first.orelse and isinstance(first.body[-1], ast.Continue)
    if (
        passed
        and isinstance(first, ast.If)
        and isinstance(first.test, ast.UnaryOp)
        and isinstance(first.test.op, ast.Not)
    ):
        return first.lineno, first.test.operand
    return loop.lineno, None


def _only_unfreezes(body: list[ast.stmt]) -> bool:
    return len(body) == 1 and ast.unparse(body[0]).removesuffix(")").endswith(
        ("requires_grad = True", "requires_grad_(True")
    )


def _patterns(trace: Trace, path: str, test: ast.expr, name: str) -> tuple[list[str], bool]:
    """Return the strings that a condition compares a name with, if it knows no others; and whether an option gives any."""
    patterns: list[str] = []
    given = False
    known = {n.id for n in ast.walk(test) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known |= {name, "any", "str", "tuple", "re", "fnmatch"}
    pending: list[ast.AST] = [test]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Not, ast.NotIn, ast.NotEq)):
            return [], False  # what is to learn is picked out, not what is to stay
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            patterns.append(node.value)
        elif isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            base: ast.AST = node
            while isinstance(base, (ast.Attribute, ast.Subscript, ast.Call)):
                base = base.func if isinstance(base, ast.Call) else base.value
            if not (isinstance(base, ast.Name) and base.id in known):
                found = strings_of(trace, path, node)
                if not found:
                    return [], False
                given |= not isinstance(node, ast.Name)
                patterns += found
                continue
        pending.extend(ast.iter_child_nodes(node))
    return sorted(set(patterns)), given


def _named(case: Case, patterns: list[str], trained: set[int]) -> set[int]:
    """Return the trained parameters that have a part of a pattern in their names."""
    parts = {part for pattern in patterns for part in re.findall(r"\w+", pattern)}
    return {t for t in trained if parts & set(case.flow.trace.tensors[t].names[0].split(".")[:-1])}


def _nearest(case: Case, patterns: list[str], trained: set[int]) -> set[int]:
    """Return the trained parameters whose names are the nearest to a pattern."""
    names = {t: case.flow.trace.tensors[t].names[0] for t in trained}
    near = [n for pattern in patterns for n in nearest(pattern.strip("."), names.values())]
    return {t for t, name in names.items() if any(name == n or name.startswith(n + ".") for n in near)}
