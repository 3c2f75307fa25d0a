"""Looks things up in the user's source files: where a name or an attribute is assigned."""

from __future__ import annotations

import ast
import functools
import linecache
import re
from collections.abc import Iterator

from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.trace.record import NONE, Trace


@functools.lru_cache(maxsize=64)
def _parsed(path: str) -> tuple[tuple[str, str, int], ...]:
    """Return target, value and line of every assignment in a file, as source text."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return ()
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            found += [(ast.unparse(target), ast.unparse(node.value), node.lineno) for target in node.targets]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            found.append((ast.unparse(node.target), ast.unparse(node.value), node.lineno))
    return tuple(sorted(found, key=lambda row: row[2]))


def assignments(trace: Trace) -> Iterator[tuple[str, str, str, int]]:
    """Yield path, target, value and line of every assignment in the files that the run went through."""
    for path in sorted({site.path for site in trace.sites}):
        yield from ((path, *row) for row in _parsed(path))


def assignment_of(trace: Trace, name: str, values: set[str]) -> Location | None:
    """Return the line that gives `name` one of these values or something made of one, compared by their last component."""
    for path, target, value, line in assignments(trace):
        if _last(target) == _last(name) and {_last(v) for v in values} & set(re.findall(r"\w+", value)):
            return line_at(trace, path, line, f"{_last(name)} =")
    return None


def attribute_set(trace: Trace, attributes: set[str], owner: str = "") -> Location | None:
    """Return the line that sets one of these attributes, on `owner` if some line does."""
    found: list[Location] = []
    for path, target, _, line in assignments(trace):
        of, dot, attribute = target.rpartition(".")
        if dot and attribute in attributes:
            place = line_at(trace, path, line, f"{attribute} =")
            if owner and _last(of) == _last(owner):
                return place
            found.append(place)
    return found[0] if found else None


@functools.lru_cache(maxsize=64)
def _functions(path: str) -> tuple[tuple[str, int, int], ...]:
    """Return, for every function in a file, its qualified name, its first line and the line of its last return."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return ()
    found: list[tuple[str, int, int]] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner = f"{prefix}{child.name}."
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                returns = [n.lineno for n in ast.walk(child) if isinstance(n, ast.Return)]
                found.append((inner.removesuffix("."), first, max(returns, default=child.lineno)))
            visit(child, inner)

    visit(tree, "")
    return tuple(found)


def last_return(trace: Trace, site: int, op: str = "") -> Location | None:
    """Return the last `return` of the function that begins at a site; the site itself where there is no such function."""
    if site == NONE:
        return None
    where = trace.sites[site]
    for _, first, line in _functions(where.path):
        if first == where.line:
            return line_at(trace, where.path, line, op)
    return place(trace, site, op)


def method_return(trace: Trace, name: str) -> Location | None:
    """Return the last `return` of a method, `Class.method`, in the files that the run went through."""
    for path in sorted({site.path for site in trace.sites}):
        for qualified, _, line in _functions(path):
            if qualified == name or qualified.endswith("." + name):
                return line_at(trace, path, line, name)
    return None


@functools.lru_cache(maxsize=64)
def _put(path: str) -> tuple[tuple[str, int], ...]:
    """Return target and line of every `target.append(...)` and its like, and of every `target[...] = ...`, in a file."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return ()
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _PUTTING:
            found.append((ast.unparse(node.func.value), node.lineno))
        elif isinstance(node, ast.Assign):
            found += [(ast.unparse(t.value), node.lineno) for t in node.targets if isinstance(t, ast.Subscript)]
        elif isinstance(node, ast.AugAssign):
            found.append((ast.unparse(node.target), node.lineno))
    return tuple(sorted(found, key=lambda row: row[1]))


_PUTTING = frozenset({"append", "appendleft", "extend", "insert", "add", "setdefault", "update"})


def put_into(trace: Trace, holder: str) -> Location | None:
    """Return the one line that puts something into `holder`, or into what holds it; None where there are several."""
    for part in reversed(holder.split(".")[-2:]):
        lines = {
            (path, line)
            for path in {site.path for site in trace.sites}
            for target, line in _put(path)
            if _last(target.partition("[")[0]) == part
        }
        if lines:
            return line_at(trace, *lines.pop(), "append") if len(lines) == 1 else None
    return None


def _last(name: str) -> str:
    return name.rpartition(".")[2]
