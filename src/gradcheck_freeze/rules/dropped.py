"""Finds where a result is dropped: the line at which its author would have to use it.

A result that a function computes and returns is dropped by the caller that never uses the variable it unpacks it into;
one that is given to a variable which nothing reads is dropped where something it is made of is used in its stead.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.places import line_at
from gradcheck_freeze.rules.syntax import Function, around, called, calls_in, files, function_around, tree_of
from gradcheck_freeze.trace.record import NONE, Site, Trace

_MOST = 6  # calls up which a result is followed


def where_dropped(trace: Trace, op: int, is_term: bool) -> Location | None:
    """Return the line where the result of an op is dropped; None where the line that computes it says as much.

    is_term: the result is a loss by itself, which takes the place of nothing.
    """
    site = trace.ops.site[op]
    where = trace.sites[site] if site != NONE else None
    call = trace.ops.call[op]
    while (
        call != NONE and trace.calls[call].site == site
    ):  # the op of a module of torch's own, called on this very line
        call = trace.calls[call].parent
    held = around(where.path, where.line) if where else []
    if where is None or not held:
        return None
    statement, name, others = held[-1], assigned_name(held[-1]), frozenset[str]()
    for calls_up in range(_MOST):
        path = where.path
        if name is not None:
            dropped = line_at(trace, path, statement.lineno, "unused result") if calls_up else None
            if name.startswith("_"):
                return dropped
            if not loads(path, statement, name):
                instead = None if is_term and not calls_up else used_instead(trace, path, statement, name, others)
                return instead or dropped
        place, call = _handed_to(trace, where, call, statement, name)
        taken = _unpacked(*place) if place else None
        if place is None or taken is None:
            return None
        where, (statement, name, others) = place[0], taken
    return None


def _handed_to(
    trace: Trace, where: Site, call: int, statement: ast.stmt, name: str | None
) -> tuple[tuple[Site, tuple[int, int]] | None, int]:
    """Return the call that a result is returned to, with which of how many things it is, and the module call around that."""
    returned = statement if isinstance(statement, ast.Return) else None
    if name is not None:
        returned = _only_returned(where.path, statement, name)
    value = returned.value if returned else None
    elements = value.elts if isinstance(value, ast.Tuple) else [value] if value else []
    fitting = [
        number
        for number, element in enumerate(elements)
        if (isinstance(element, ast.Name) and element.id == name if name is not None else _holds(element, where))
    ]
    caller, call = _caller(trace, where, call) if len(fitting) == 1 else (None, call)
    return ((caller, (fitting[0], len(elements))) if caller else None), call


def assigned_name(statement: ast.stmt) -> str | None:
    """Return the one plain name that a statement gives a value to."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def loads(path: str, statement: ast.stmt, name: str) -> list[ast.Name]:
    """Return where a variable of the function around a statement is read after it, or in the next round of its loop.

    What reads every variable, `locals()`, and a variable that another function may read count as reading it.
    """
    within = function_around(path, statement.lineno)
    after = _first_round(path, statement)
    found = [n for n in ast.walk(within) if isinstance(n, ast.Name) and n.id == name and not _is_in(n, statement)]
    nodes = [n for n in found if isinstance(n.ctx, ast.Load) and n.lineno >= after]
    shared = [n for n in ast.walk(within) if isinstance(n, (ast.Global, ast.Nonlocal)) and name in n.names]
    if shared or any(called(c) in ("locals", "vars") and not c.args for c in calls_in(within)):
        return [ast.Name(name, ast.Load())]
    return nodes


def used_instead(
    trace: Trace, path: str, statement: ast.stmt, name: str, others: frozenset[str] = frozenset()
) -> Location | None:
    """Return the line after a statement that uses what its unused result is made of, or what came along with it.

    Of several, the one that speaks of the result by its own name (`loss_fine` of `fine`), else the first on which an op of
    the way to a loss runs, or the result is returned.
    """
    value = getattr(statement, "value", None)
    made_of = others or frozenset(
        n.id for n in (ast.walk(value) if value else ()) if isinstance(n, ast.Name) and n.id != "self"
    )
    called_names = {c.func.id for c in calls_in(value) if isinstance(c.func, ast.Name)} if value else set()
    candidates = [s for s in _later(path, statement) if _names(s) & (made_of - called_names)]
    own = words(name)
    for candidate in candidates:
        target = assigned_name(candidate)
        if target is not None and own & words(target) and not own & words(" ".join(made_of)):
            return line_at(trace, path, candidate.lineno, "used instead")
    return line_at(trace, path, candidates[0].lineno, "used instead") if candidates else None


def _later(path: str, statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the simple statements after one in the same function that compute or return something."""
    within = function_around(path, statement.lineno)
    end = statement.end_lineno or statement.lineno
    found = [
        node
        for node in ast.walk(within)
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)) and node.lineno > end
    ]
    yield from sorted(found, key=lambda node: node.lineno)


def _names(statement: ast.stmt) -> set[str]:
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def words(name: str) -> set[str]:
    """Return the words that a name is made of."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)}


def _is_in(node: ast.AST, statement: ast.stmt) -> bool:
    end = statement.end_lineno or statement.lineno
    return statement.lineno <= getattr(node, "lineno", -1) <= end


def _first_round(path: str, statement: ast.stmt) -> int:
    """Return the first line whose reading of a variable may come after the statement: that of its outermost loop."""
    loops: list[int] = []
    for node in around(path, statement.lineno):
        if isinstance(node, Function):
            loops = []
        elif isinstance(node, (ast.For, ast.While)):
            loops.append(node.lineno)
    return loops[0] if loops else statement.lineno


def _only_returned(path: str, statement: ast.stmt, name: str) -> ast.Return | None:
    """Return the one `return` that hands a variable on, if nothing else reads it."""
    within = function_around(path, statement.lineno)
    read = loads(path, statement, name)
    returns = [r for r in ast.walk(within) if isinstance(r, ast.Return) and any(_is_in(n, r) for n in read)]
    return returns[0] if len(returns) == 1 and all(_is_in(n, returns[0]) for n in read) else None


def _holds(node: ast.expr, site: Site) -> bool:
    """Return whether an expression holds a position."""
    begin = (node.lineno, node.col_offset)
    end = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    return begin <= (site.line, site.column) and (site.end_line, site.end_column) <= end


def _caller(trace: Trace, where: Site, call: int) -> tuple[Site | None, int]:
    """Return the place that called the function around a place: of a module's forward, as seen; else the only one."""
    name = where.function.rpartition(".")[2]
    if name == "forward" and call != NONE and trace.calls[call].site != NONE:
        return trace.sites[trace.calls[call].site], trace.calls[call].parent
    for paths in ([where.path], files(trace)):
        found = {
            (path, c.lineno, c.end_lineno or c.lineno)
            for path in paths
            for c in calls_in(tree_of(path))
            if called(c) == name
        }
        if found:
            path, line, end = found.pop()
            held = around(path, line) if not found else []
            functions = [node.name for node in held if isinstance(node, Function)]
            return (Site(path, line, end, functions[-1] if functions else ""), call) if held else (None, call)
    return None, call


def _unpacked(where: Site, position: tuple[int, int]) -> tuple[ast.stmt, str | None, frozenset[str]] | None:
    """Return the statement at a call, the variable that takes the result, None where it is used at once, and the others."""
    held = around(where.path, where.line)
    statement = held[-1] if held else None
    if (
        not isinstance(statement, ast.Assign)
        or len(statement.targets) != 1
        or not isinstance(statement.value, ast.Call)
    ):
        return None
    number, count = position
    target = statement.targets[0]
    if isinstance(target, ast.Name) and count == 1:
        return statement, target.id, frozenset()
    if isinstance(target, ast.Tuple) and len(target.elts) == count and isinstance(target.elts[number], ast.Name):
        names = frozenset(e.id for e in target.elts if isinstance(e, ast.Name))
        taker = target.elts[number]
        assert isinstance(taker, ast.Name)
        return statement, taker.id, names - {taker.id}
    return None
