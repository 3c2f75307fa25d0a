"""Reads the user's source for what a line alone does not say: what stands around it, who calls it, what runs empty."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.places import line_at
from gradcheck_freeze.trace.record import NONE, Trace

Function = ast.FunctionDef | ast.AsyncFunctionDef
_ONCE = {"parameters", "named_parameters", "buffers", "named_buffers", "modules", "named_modules", "children"}
_MADE_ONCE = {"filter", "map", "zip", "chain", "from_iterable", "islice", "iter", "reversed", "enumerate"}
_LAZY = _MADE_ONCE | {"next", "print", "type", "id", "repr", "str", "isinstance"}


@functools.lru_cache(maxsize=64)
def tree_of(path: str) -> ast.Module:
    """Return the syntax tree of a file, an empty one where it cannot be read."""
    try:
        return ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def files(trace: Trace) -> list[str]:
    """Return the files that the run went through."""
    return sorted({site.path for site in trace.sites})


def around(path: str, line: int) -> list[ast.stmt]:
    """Return the statements that hold a line, the outermost first, the one on the line itself last."""
    found: list[ast.stmt] = []
    body: list[ast.AST] = [tree_of(path)]
    while body:
        inner = [n for node in body for n in ast.iter_child_nodes(node)]
        body = [n for n in inner if getattr(n, "lineno", line) <= line <= (getattr(n, "end_lineno", None) or line)]
        found += [n for n in body if isinstance(n, ast.stmt)]
    return found


def function_around(path: str, line: int) -> ast.AST:
    """Return the innermost function that holds a line, or the whole file."""
    held = [node for node in around(path, line) if isinstance(node, Function)]
    return held[-1] if held else tree_of(path)


def computed_with(path: str, line: int) -> bool:
    """Return whether a line assigns to a variable that an arithmetic expression of the same function reads."""
    held = around(path, line)
    if not held or not isinstance(held[-1], ast.Assign):
        return False
    names = {target.id for target in held[-1].targets if isinstance(target, ast.Name)}
    return any(
        isinstance(operand, ast.Name) and operand.id in names
        for node in ast.walk(function_around(path, line))
        if isinstance(node, ast.BinOp)
        for operand in (node.left, node.right)
    )


def header(trace: Trace, site: int, kind: type[ast.stmt]) -> Location | None:
    """Return the line of the innermost `for`, `if` or the like around a site, in the same function."""
    if site == NONE:
        return None
    where = trace.sites[site]
    inside = around(where.path, where.line)
    for node in reversed(inside):
        if isinstance(node, Function):
            return None
        if isinstance(node, kind) and node.lineno < where.line:
            return line_at(trace, where.path, node.lineno)
    return None


def only_call(trace: Trace, site: int) -> Location | None:
    """Return the line that calls the function around a site, if just one does: in its own file, or else in the run's."""
    if site == NONE:
        return None
    where = trace.sites[site]
    name = where.function.rpartition(".")[2]
    for paths in ([where.path], files(trace)):
        lines = {(path, call.lineno) for path in paths for call in calls_in(tree_of(path)) if called(call) == name}
        if lines:
            return line_at(trace, *lines.pop()) if len(lines) == 1 else None
    return None


def calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield every call in a tree."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def assigned_before(path: str, line: int) -> int | None:
    """Return the line that gives a value to a plain name used on this line, in the same function, the nearest above.

    Names of loops and of parameters are no such thing: nobody wrote their value there.
    """
    within = function_around(path, line)
    used = {
        node.id
        for node in ast.walk(within)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.lineno == line
    }
    found = [
        node.lineno
        for node in ast.walk(within)
        if isinstance(node, ast.Assign)
        and node.lineno < line
        and any(isinstance(target, ast.Name) and target.id in used for target in node.targets)
    ]
    return max(found, default=None)


def helper_made(trace: Trace, owner: str, attribute: str) -> tuple[str, int] | None:
    """Return path and line at which a class sets an attribute of its own to an object of another class in the run's files."""
    classes = {node.name for path in files(trace) for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)}
    for path in files(trace):
        for holder in (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.ClassDef) and n.name == owner):
            for node in ast.walk(holder):
                targets = node.targets if isinstance(node, ast.Assign) else ()
                here = any(ast.unparse(target) == f"self.{attribute}" for target in targets)
                if (
                    here
                    and isinstance(node, ast.Assign)
                    and isinstance(node.value, ast.Call)
                    and called(node.value) in classes
                ):
                    return path, node.lineno
    return None


def rates_in(path: str) -> list[int]:
    """Return the lines that compute the learning rate of a group; of several those only that come to whole numbers.

    `{"params": ..., "lr": base * scale}`, `dict(params=..., lr=base / n)`, `group["lr"] = base * (step // total)`.
    """
    given: list[ast.expr] = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Dict):
            given += [v for k, v in zip(node.keys, node.values, strict=True) if _is_lr(k)]
        elif isinstance(node, ast.Call) and called(node) == "dict":
            given += [k.value for k in node.keywords if k.arg == "lr"]
        elif isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Subscript) and _is_lr(t.slice) for t in node.targets
        ):
            given.append(node.value)
    found = [
        made
        for value in given
        if not isinstance(made := computed_at(path, value), (ast.Name, ast.Constant, ast.Attribute))
    ]
    lines = {value.lineno for value in found if not _hands_on(value)} or {value.lineno for value in found}
    whole = {value.lineno for value in found if _is_whole(value)}
    return sorted(whole if len(lines) > 1 and whole else lines)


def _is_whole(value: ast.expr) -> bool:
    """Return whether an expression rounds, so that what is small comes to 0."""
    return any(
        (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.FloorDiv, ast.Mod)))
        or (isinstance(node, ast.Call) and called(node) in ("int", "round", "floor"))
        for node in ast.walk(value)
    )


def _is_lr(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "lr"


def _hands_on(value: ast.expr) -> bool:
    """Return whether an expression is a name, or a product of names and numbers."""
    kinds = (ast.BinOp, ast.Mult, ast.Name, ast.Load, ast.Constant, ast.Attribute)
    return all(isinstance(node, kinds) for node in ast.walk(value))


def computed_at(path: str, value: ast.expr) -> ast.expr:
    """Return the expression that computes a number: a product of names only hands on what one of them was given before.

    Names of loops and of parameters were given nothing that anybody wrote there; a function of the file has a `return`.
    """
    if isinstance(value, ast.Call):
        functions = [n for n in ast.walk(tree_of(path)) if isinstance(n, Function) and n.name == called(value)]
        returns = [n for f in functions for n in ast.walk(f) if isinstance(n, ast.Return) and n.value is not None]
        if len(returns) == 1 and returns[0].value is not None:
            return computed_at(path, returns[0].value)
    if not _hands_on(value):
        return value
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    given = [
        node
        for node in ast.walk(function_around(path, value.lineno))
        if isinstance(node, ast.Assign)
        and node.lineno < value.lineno
        and any(isinstance(target, ast.Name) and target.id in names for target in node.targets)
    ]
    nearest = max(given, key=lambda node: node.lineno, default=None)
    return value if nearest is None else computed_at(path, nearest.value)


@dataclass(frozen=True, slots=True)
class Again:
    """A second walk through an iterator which can be gone through only once."""

    made: ast.Assign
    before: int  # the line of the first walk
    line: int


@functools.lru_cache(maxsize=64)
def walks_again(path: str) -> tuple[Again, ...]:
    """Return the second walks through an iterator in a function, by loops, comprehensions or calls.

    `parameters = net.parameters()`: the second finds nothing.
    """
    found: list[Again] = []
    for within in [tree_of(path), *(n for n in ast.walk(tree_of(path)) if isinstance(n, Function))]:
        once: dict[str, ast.Assign | None] = {}
        own = list(_own(within))
        for node in own:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                once[name] = node if _is_iterator(node.value) and name not in once else None
        for name, made in once.items():
            walks = sorted({line for node in own if made for line in _walk(node, name) if line > made.lineno})
            found += [Again(made, before, line) for before, line in pairwise(walks) if made]
    return tuple(found)


def _walk(node: ast.AST, name: str) -> list[int]:
    """Return the line at which a node goes through what a name stands for, if it does."""
    if isinstance(node, (ast.For, ast.comprehension)) and _is(node.iter, name):
        return [node.iter.lineno]
    if isinstance(node, ast.Call) and called(node) not in _LAZY and any(_is(part, name) for part in node.args):
        return [node.lineno]
    return []


def _own(within: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function or file that are not in a function below it."""
    for node in ast.iter_child_nodes(within):
        if not isinstance(node, (*Function.__args__, ast.ClassDef)):
            yield node
            yield from _own(node)


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_iterator(node: ast.expr) -> bool:
    made = isinstance(node, ast.Call) and (called(node) in _ONCE or called(node) in _MADE_ONCE)
    return made or isinstance(node, ast.GeneratorExp)
