"""Finds results that would pass gradient on and that nothing reads, where something else is used in their stead."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from gradcheck_freeze.flow.frontier import carriers
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.dropped import assigned_name, loads, used_instead
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.syntax import around, function_around
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD, Trace


def unused_results(flow: FlowGraph, learn: Collection[int]) -> dict[int, tuple[str, Location]]:
    """Return, for tensors that such a result would teach, the name of the variable and the line that uses another one.

    Of those that what is used in its stead teaches as well nothing is said.
    """
    found: dict[int, tuple[str, Location]] = {}
    for op, statement, path, name in _dead_stores(flow):
        line = used_instead(flow.trace, path, statement, name)
        if line is None:
            continue
        others = list(_made_of(flow, op, statement, path, line))
        if others and any(flow.data[v] for v in others):
            made = flow.trace.ops.outputs[flow.trace.ops.first_output[op] : flow.trace.ops.first_output[op + 1]]
            taught = carriers(flow, made) - carriers(flow, others)
            for tensor in taught & set(learn):
                found.setdefault(tensor, (name, line))
    return found


def _dead_stores(flow: FlowGraph) -> Iterator[tuple[int, ast.stmt, str, str]]:
    """Yield the ops before the first backward whose result is given to a variable that nothing reads, one of each line."""
    trace = flow.trace
    ops, flags = trace.ops, trace.values.flags
    last: dict[int, int] = {}
    for op in range(min((backward.after for backward in trace.backwards), default=0)):
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if ops.site[op] != NONE and any(flags[v] & REQUIRES_GRAD for v in made):
            if not any(flow.data[v] for v in made):
                last[ops.site[op]] = op
            else:
                last.pop(ops.site[op], None)
    lines: dict[tuple[str, int], int] = {}
    for site, op in last.items():
        where = trace.sites[site]
        lines[where.path, where.line] = max(op, lines.get((where.path, where.line), NONE))
    for (path, line), op in sorted(lines.items()):
        held = around(path, line)
        name = assigned_name(held[-1]) if held else None
        local = name is not None and not isinstance(function_around(path, line), ast.Module)
        if name is not None and local and not name.startswith("_") and not loads(path, held[-1], name):
            yield op, held[-1], path, name


def _made_of(flow: FlowGraph, op: int, statement: ast.stmt, path: str, line: Location) -> Iterator[int]:
    """Yield the values, in the same call, of the variables that both the unused result is made of and another line uses."""
    trace = flow.trace
    ops = trace.ops
    instead = [s for s in ast.walk(function_around(path, statement.lineno)) if getattr(s, "lineno", 0) == line.line]
    names = _read(statement) & {name for s in instead if isinstance(s, ast.stmt) for name in _read(s)}
    lines = {
        s.lineno
        for s in ast.walk(function_around(path, statement.lineno))
        if isinstance(s, ast.Assign) and s.lineno < statement.lineno and _given(s) & names
    }
    latest: dict[int, int] = {}
    for before in range(op):
        site = ops.site[before]
        if site != NONE and trace.sites[site].path == path and _is_within(trace, ops.call[before], ops.call[op]):
            for number in lines & set(range(trace.sites[site].line, trace.sites[site].end_line + 1)):
                latest[number] = before
    for before in latest.values():
        yield from ops.outputs[ops.first_output[before] : ops.first_output[before + 1]]


def _is_within(trace: Trace, call: int, outer: int) -> bool:
    """Return whether a module call is another one, or was made below it."""
    while call not in (outer, NONE):
        call = trace.calls[call].parent
    return call == outer


def _read(statement: ast.stmt) -> set[str]:
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _given(statement: ast.Assign) -> set[str]:
    return {n.id for t in statement.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
