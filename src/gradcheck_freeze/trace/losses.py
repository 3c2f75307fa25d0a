"""What the author calls a loss, and the line that it is best known by.

Where the user's own code calls `backward`, the loss is called what is written there. Where a library does (a trainer that
was given a model), the loss is followed back through what the library made of it (a division by the number of batches) to
the user's line that computed it: what that line assigns to is its name.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from gradcheck_freeze.trace.record import LEAF, NONE, REQUIRES_GRAD, Ops, Site, Values
from gradcheck_freeze.trace.training import Backward

_BACKWARDS = ("backward", "grad", "manual_backward")
_MOST_OPS = 100  # that a library puts between the loss and its backward


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is asked about a loss: where its ops ran, and in which module calls (module, parent, site, training)."""

    sites: list[Site]
    ops: Ops
    values: Values
    calls: Sequence[tuple[int, int, int, bool]]


def named(backward: Backward, name: str | None, recorded: Recorded) -> Backward:
    """Return a backward call with the name of its loss, and at the line of the loss if a library made the call."""
    if backward.site == NONE:
        return replace(backward, name=name or "loss")
    call = _call_at(recorded.sites[backward.site])
    if call is None or _calls_backward(call):
        return replace(backward, name=name or (_loss_name(call) if call else "") or "loss")
    for site in _made_at(backward, recorded):
        statement = _statement_at(recorded.sites[site])
        target = _target(statement)
        if target or isinstance(statement, ast.Return):
            return replace(backward, name=name or target or "loss", site=site)
    given = _loss_name(call)
    return replace(backward, name=name or (given if "loss" in given.lower() else "loss"))


def _made_at(backward: Backward, recorded: Recorded) -> Iterator[int]:
    """Yield the user's positions at which a loss was made, the innermost first, before that of its backward."""
    ops, values = recorded.ops, recorded.values
    value = backward.roots[0] if backward.roots else NONE
    for _ in range(_MOST_OPS):
        op = values.op[value] if value != NONE else NONE
        if op == NONE:
            return
        if ops.site[op] not in (NONE, backward.site):
            yield ops.site[op]
            call = ops.call[op]
            while call != NONE:
                _, call, site, _ = recorded.calls[call]
                if site in (NONE, backward.site):
                    return
                yield site
            return
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        value = next((v for v in read if values.flags[v] & (REQUIRES_GRAD | LEAF) == REQUIRES_GRAD), NONE)


def _target(statement: ast.stmt | None) -> str:
    """Return what a statement assigns its result to, if that is one name."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    return next((ast.unparse(target) for target in targets if isinstance(target, (ast.Name, ast.Attribute))), "")


@lru_cache(maxsize=64)
def _statements(path: str) -> tuple[ast.stmt, ...]:
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.stmt) and not hasattr(node, "body"))


def _statement_at(site: Site) -> ast.stmt | None:
    """Return the simple statement that a position lies in."""
    for statement in _statements(site.path):
        if statement.lineno <= site.line <= (statement.end_lineno or statement.lineno):
            return statement
    return None


def _call_at(site: Site) -> ast.Call | None:
    """Return the call written at a position."""
    lines = linecache.getlines(site.path)[site.line - 1 : site.end_line]
    if not lines:
        return None
    encoded = [line.encode() for line in lines]
    encoded[-1] = encoded[-1][: site.end_column] if site.end_column else encoded[-1]
    encoded[0] = encoded[0][site.column :]
    text = b"".join(encoded).decode(errors="replace").strip()
    try:
        node = ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError:
        return None
    return node if isinstance(node, ast.Call) else None


def _calls_backward(call: ast.Call) -> bool:
    """Return whether a call is written as one of a backward, be it torch's or a library's."""
    written = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    return written in _BACKWARDS


def _loss_name(node: ast.Call) -> str:
    """Return the expression that a call is asked to differentiate."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "backward":
        receiver: ast.expr = node.func.value
        if node.args and not (isinstance(receiver, ast.Call) or _is_loss_like(receiver)):
            receiver = node.args[0]  # accelerator.backward(loss), torch.autograd.backward(loss)
    elif node.args:
        receiver = node.args[0]
    else:
        return ""
    while isinstance(receiver, ast.Call):  # scaler.scale(loss), loss.mean(), (a + b).sum()
        inner = receiver.func.value if isinstance(receiver.func, ast.Attribute) else None
        if receiver.args and isinstance(receiver.args[0], (ast.Name, ast.Attribute)) and not _is_loss_like(inner):
            receiver = receiver.args[0]
        elif inner is not None:
            receiver = inner
        else:
            break
    return ast.unparse(receiver)


def _is_loss_like(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Name) and ("loss" in node.id.lower() or node.id.startswith("err"))
