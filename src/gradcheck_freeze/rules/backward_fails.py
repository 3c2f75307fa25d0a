"""GF229."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import Function, around, called, calls_in, files, function_around, tree_of
from gradcheck_freeze.trace.record import NONE, Trace
from gradcheck_freeze.trace.training import Backward

_MOST_CALLS = 4  # one around the other


@rule("GF229", kind="blockage", severity=Severity.ERROR)
def backward_fails(case: Case) -> Iterator[Finding]:
    """Every backward call of a loss ends with an error that the program catches, and nothing is learned.

    Why it matters: a handler that is meant for a batch too large for the memory catches every other error, too, and the
    training goes on without a step.

    Found:

        try:
            loss = criterion(model(x), y)
            loss.backward()
        except RuntimeError:               # also: "... has been modified by an inplace operation"
            return None

    Left alone: a loss of which some backward calls succeed, an error that ends the program, and parameters that other steps
    move.

    Instead: catch `torch.OutOfMemoryError` only, and let other errors end the program.
    """
    trace = case.flow.trace
    for number, loss in enumerate(case.flow.losses):
        calls = [trace.backwards[b] for b in loss.backwards]
        if not all(call.raised for call in calls) or not _went_on(trace, calls):
            continue
        tensors = {
            t
            for t in case.intent.learn
            if case.flow.tensors[t].gradient >> number & 1
            and case.flow.tensors[t].optimizers
            and not case.flow.tensors[t].changed
        }
        if not tensors:
            continue
        backward = place(trace, calls[-1].site, "backward")
        cause = _handler(trace, calls[-1].site) or backward
        times = f"all {len(calls)} calls" if len(calls) > 1 else "its only call"
        yield backward_fails.finding(
            case.flow,
            tensors,
            f"{{where}} never learns from {loss.name}: backward() ends with an error in {times}, and the program goes on "
            f"without it. The error is {_first_sentence(calls[-1].raised)}.",
            cause,
            trail=tuple(p for p in (backward, cause) if p),
            fix="Catch only the error that is meant (torch.OutOfMemoryError), and let every other one end the program.",
        )


def _went_on(trace: Trace, calls: list[Backward]) -> bool:
    """Return whether the program did anything after such an error, or ended as if there had been none."""
    return len(calls) > 1 or len(trace.ops) > calls[-1].after or not (trace.script and trace.script.exit_status)


def _handler(trace: Trace, site: int) -> Location | None:
    """Return the `except` that catches what is raised at a site, there or around the one call that leads to it."""
    if site == NONE:
        return None
    path, line = trace.sites[site].path, trace.sites[site].line
    for _ in range(_MOST_CALLS):
        within = function_around(path, line)
        for statement in reversed(around(path, line)):
            if isinstance(statement, Function):
                break
            if (
                isinstance(statement, ast.Try)
                and statement.handlers
                and line <= (statement.body[-1].end_lineno or line)
            ):
                return line_at(trace, path, statement.handlers[0].lineno, "except")
        name = getattr(within, "name", "")
        calls = {(file, c.lineno) for file in files(trace) for c in calls_in(tree_of(file)) if name == called(c)}
        if not name or len(calls) != 1:
            return None
        path, line = calls.pop()
    return None


def _first_sentence(error: str) -> str:
    """Return the part of an error that says what happened."""
    first = error.splitlines()[0] if error else ""
    return first.partition(". ")[0].partition(": [")[0].rstrip(".")
