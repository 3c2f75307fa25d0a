"""Finds where an attempt to freeze something came to nothing: the line that lets too little through, or none of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.dropped import assigned_name, loads
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.places import line_at
from gradcheck_freeze.rules.syntax import Function, around, called, calls_in, files, tree_of
from gradcheck_freeze.trace.record import NONE, Trace


def freeze_never_reached(trace: Trace) -> Location | None:
    """Return the `for` or `if` that let nothing through to a line which freezes, if there is such a line in the run's files.

    Or the line itself, where it only makes a `map` or a generator that nobody goes through. A line in a function that nobody
    calls is none.
    """
    ran = {(trace.sites[d.site].path, trace.sites[d.site].line) for d in trace.declarations if d.site != NONE}
    names = {called(call) for path in files(trace) for call in calls_in(tree_of(path))}
    for path in files(trace):
        for line in freezing_lines(path):
            inside = around(path, line)
            functions = [node for node in inside if isinstance(node, Function)]
            gates = [n for n in inside if isinstance(n, (ast.For, ast.If)) and n.lineno < line]
            gates = [g for g in gates if not functions or g.lineno > functions[-1].lineno]
            if (
                (path, line) not in ran
                and (not functions or functions[-1].name in names)
                and _is_lazy(path, inside, line)
            ):
                return line_at(trace, path, line, "freeze")
            if (path, line) not in ran and gates and (not functions or functions[-1].name in names):
                return line_at(trace, path, gates[-1].lineno, "freeze")
    return None


def _is_lazy(path: str, inside: list[ast.stmt], line: int) -> bool:
    """Return whether what freezes stands in a `map`, a `filter` or a generator that is dropped as soon as it is made."""
    statement = inside[-1] if inside else None
    made = statement.value if isinstance(statement, (ast.Expr, ast.Assign)) else None
    if not (isinstance(made, ast.GeneratorExp) or (isinstance(made, ast.Call) and called(made) in ("map", "filter"))):
        return False
    if statement is None or isinstance(statement, ast.Expr):
        return True
    name = assigned_name(statement)
    return name is not None and not loads(path, statement, name)


def freezing_lines(path: str) -> Iterator[int]:
    """Yield the lines of a file that set `requires_grad` to False."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Assign) and is_false(node.value):
            if any(isinstance(t, ast.Attribute) and t.attr == "requires_grad" for t in node.targets):
                yield node.lineno
        elif isinstance(node, ast.Call) and called(node) == "requires_grad_" and node.args and is_false(node.args[0]):
            yield node.lineno


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
