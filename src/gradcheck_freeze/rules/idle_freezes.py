"""Finds statements that read like a freeze and do nothing, whatever runs before or after them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from gradcheck_freeze.rules.denotes import denoted
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.freezes import freezing_lines, is_false
from gradcheck_freeze.rules.places import line_at
from gradcheck_freeze.rules.syntax import (
    Function,
    around,
    called,
    calls_in,
    files,
    function_around,
    tree_of,
    walks_again,
)
from gradcheck_freeze.trace.record import NONE, Trace

_ALWAYS = ("isinstance", "startswith", "endswith", "hasattr")
_LAZY = ("map", "filter")


@dataclass(frozen=True, slots=True)
class IdleFreeze:
    """A line that freezes nothing, what it was meant for, and why it does nothing."""

    cause: Location
    tensors: frozenset[int]
    why: str
    fix: str


def idle_freezes(trace: Trace) -> Iterator[IdleFreeze]:
    """Yield the freezes of the run's files that cannot have an effect, with the parameters that they name."""
    ran = {(trace.sites[d.site].path, trace.sites[d.site].line) for d in trace.declarations if d.site != NONE}
    names = {called(call) for path in files(trace) for call in calls_in(tree_of(path))}
    for path in files(trace):
        for line, meant, why, fix in (*_statements(path), *_rebound(path), *_used_up(path, ran)):
            if not _is_come_to(path, line, names):
                continue
            tensors = set().union(*(denoted(trace, path, node) for node in meant))
            yield IdleFreeze(line_at(trace, path, line, "freeze"), frozenset(tensors), why, fix)


Idle = tuple[int, list[ast.expr], str, str]


def _statements(path: str) -> Iterator[Idle]:
    """Yield comparisons, annotations and lazy iterators that stand where a freeze should."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute) and _is_flag(node.target):
            if node.value is None and is_false(node.annotation):
                yield node.lineno, [node.target.value], "this only annotates the flag", "Write = for the colon."
            continue
        if not isinstance(node, ast.Expr):
            continue
        value = node.value
        if isinstance(value, ast.Compare) and is_false(value.comparators[-1]) and _is_flag(value.left):
            of = value.left.value
            yield node.lineno, [of], "this compares its flag with False and drops the result", "Write = for ==."
        elif (
            isinstance(value, ast.Tuple)
            and len(value.elts) == 2
            and is_false(value.elts[1])
            and _is_flag(value.elts[0])
        ):
            yield node.lineno, [value.elts[0].value], "this makes a pair and drops it", "Write = for the comma."
        elif (
            isinstance(value, ast.Call) and called(value) in _LAZY and len(value.args) == 2 and _freezes(value.args[0])
        ):
            fix = "Write a loop, for p in ...: p.requires_grad_(False), or requires_grad_(False) on the module."
            yield node.lineno, [value.args[1]], f"{called(value)}() is lazy and nothing goes through it", fix
        elif isinstance(value, ast.GeneratorExp) and _freezes(value.elt):
            fix = "Write a loop, for p in ...: p.requires_grad_(False), or requires_grad_(False) on the module."
            yield node.lineno, [value.generators[0].iter], "nothing goes through this generator", fix


def _rebound(path: str) -> Iterator[Idle]:
    """Yield loops over parameters whose body only gives a name another value: `requires_grad = False`, `p = p.detach()`."""
    for loop in (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.For)):
        body = loop.body[0]
        if len(loop.body) != 1 or not isinstance(body, ast.Assign) or len(body.targets) != 1:
            continue
        target = body.targets[0]
        if not isinstance(target, ast.Name) or not any(called(c).endswith("parameters") for c in calls_in(loop.iter)):
            continue
        within = function_around(path, loop.lineno)
        loads = [
            n for n in ast.walk(within) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id == target.id
        ]
        if target.id == "requires_grad" and is_false(body.value) and not loads:
            fix = "Set p.requires_grad = False on each parameter."
            yield body.lineno, [loop.iter], "this only gives a name of its own a value", fix
        detached = isinstance(body.value, ast.Call) and called(body.value) == "detach"
        loops = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
        if detached and target.id in loops and all(n.lineno == body.lineno for n in loads):
            fix = "Call p.requires_grad_(False) or p.detach_() on each parameter."
            yield body.lineno, [loop.iter], "this only gives the name of the loop another value", fix


def _used_up(path: str, ran: set[tuple[str, int]]) -> Iterator[Idle]:
    """Yield the iterators that had been gone through before a loop that freezes what they give came to them."""
    frozen = [line for line in freezing_lines(path) if (path, line) not in ran]
    for again in walks_again(path) if frozen else ():
        loops = [n for n in around(path, again.line) if isinstance(n, ast.For) and n.lineno == again.line]
        if loops and any(loops[0].lineno < line <= (loops[0].end_lineno or 0) for line in frozen):
            yield (
                again.made.lineno,
                [again.made.value],
                f"line {again.before} goes through this iterator before the freeze at line {again.line}, and it gives all but once",
                "Make a list of it: list(...).",
            )


def _is_come_to(path: str, line: int, names: set[str]) -> bool:
    """Return whether a line stands under no condition but one on what a loop gives, in a function that somebody calls."""
    inside = around(path, line)
    functions = [node for node in inside if isinstance(node, Function)]
    if functions and functions[-1].name not in names and functions[-1].name != "__init__":
        return False
    gates = [n for n in inside if isinstance(n, (ast.If, ast.While))]
    gates = [g for g in gates if not functions or g.lineno > functions[-1].lineno]
    return all(any(called(call) in _ALWAYS for call in calls_in(g.test)) or _is_main(g) for g in gates)


def _is_main(gate: ast.If | ast.While) -> bool:
    return "__name__" in ast.unparse(gate.test)


def _is_flag(node: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr == "requires_grad"


def _freezes(node: ast.expr) -> bool:
    """Return whether an expression holds a call that freezes: `requires_grad_(False)`, `setattr(p, "requires_grad", False)`."""
    for call in calls_in(node):
        if call.args and is_false(call.args[-1]) and called(call) in ("requires_grad_", "setattr"):
            return True
    return False
