"""GF221."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.attribution import held_by
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import around, called, calls_in, files, function_around, tree_of
from gradcheck_freeze.trace.record import NONE
from gradcheck_freeze.trace.training import Backward

_PATIENCE = 4


@rule("GF221", kind="blockage", severity=Severity.ERROR)
def optimizer_never_steps(case: Case) -> Iterator[Finding]:
    """Parameters get gradient again and again, but the optimizer that holds them never makes a step.

    Why it matters: `backward()` only fills `.grad`. Without `step()` nothing moves.

    Found:

        loss.backward()
        scheduler.step()                  # optimizer.step() was meant

        opt_g.step()                      # twice; opt_d.step() was meant

    Left alone: gradient accumulation that reaches its step, and an optimizer that is built and never fed.

    Instead: call `step()` of the optimizer that holds the parameters.
    """
    trace = case.flow.trace
    stepped = {step.optimizer for step in trace.steps} | {step.optimizer for step in trace.skipped}
    for number, optimizer in enumerate(trace.optimizers):
        held = held_by(case, number)
        alone = {t for t in held if not any(o in stepped for o, _ in case.flow.tensors[t].optimizers)}
        fed = [b for b in trace.backwards if not b.returns and not b.raised and alone & set(b.received)]
        if number in stepped or len(fed) < _PATIENCE or not alone:
            continue
        moved = any(case.flow.tensors[t].changed or case.flow.tensors[t].written for t in alone)
        if moved or (not stepped and not trace.closed.startswith("the program ended")):
            continue
        waiting = {t for t in alone if case.flow.tensors[t].received and t in case.intent.learn}
        if not waiting:
            continue
        backward = place(trace, fed[-1].site, "backward")
        cause = _step_in_vain(case, number) or _other_step(case, fed) or place(trace, optimizer.built, "optimizer")
        yield optimizer_never_steps.finding(
            case.flow,
            waiting,
            f"{{where}} gets gradient in {len(fed)} backward calls, but {optimizer.name}.step() is never called.",
            cause,
            trail=tuple(p for p in (backward, cause) if p),
            fix=f"Call {optimizer.name}.step() after backward().",
        )


def _step_in_vain(case: Case, number: int) -> Location | None:
    """Return the `if` that never let the program come to the step of this optimizer, or the line of that step."""
    trace = case.flow.trace
    name = trace.optimizers[number].name.rpartition(".")[2]
    for path in files(trace):
        for call in _step_calls(path):
            if ast.unparse(call.func).removesuffix(".step").rpartition(".")[2] == name:
                return line_at(trace, path, _gate(path, call.lineno, 0), "step")
    return None


def _other_step(case: Case, fed: list[Backward]) -> Location | None:
    """Return the call of another `step()` that follows, in the same function, a backward whose gradient nobody applies."""
    trace = case.flow.trace
    for backward in fed:
        applied = next((step for step in trace.steps if step.after >= backward.after), None)
        if backward.site == NONE or (applied is not None and set(applied.gradients) & set(backward.received)):
            continue
        where = trace.sites[backward.site]
        within = function_around(where.path, where.line)
        lines = sorted(call.lineno for call in _step_calls(where.path, within) if call.lineno > where.line)
        if lines:
            return line_at(trace, where.path, _gate(where.path, lines[0], where.line), "step")
    return None


def _gate(path: str, line: int, after: int) -> int:
    """Return the line of the `if` around a line, if it comes after another line; else the line itself."""
    gates = [n.lineno for n in around(path, line) if isinstance(n, ast.If) and after < n.lineno < line]
    return gates[-1] if gates else line


def _step_calls(path: str, within: ast.AST | None = None) -> Iterator[ast.Call]:
    yield from (call for call in calls_in(within or tree_of(path)) if called(call) == "step")
