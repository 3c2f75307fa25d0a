"""The shape of a rule: a check, its message and its page in one file.

A rule is a generator over a `Case` (a flow, an intent and what follows from both), decorated with `@rule`. Its name, with dashes, says the fault;
its docstring is its page (`gradcheck-freeze explain GF201`), always under the same headings.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Fix, Location, Severity
from gradcheck_freeze.rules.places import cover, names_of

Check = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is called, how loud it is by default, its page and its check."""

    code: str
    name: str
    kind: str
    severity: Severity
    summary: str
    page: str
    check: Check

    def finding(
        self,
        flow: FlowGraph,
        tensors: Collection[int],
        message: str,
        cause: Location | None,
        *,
        trail: tuple[Location, ...] = (),
        fix: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Return a finding of this rule about some tensors; `{where}` in the message is the name that covers them."""
        where = cover(flow.trace, tensors)
        return Finding(
            self.code,
            self.name,
            self.kind,
            severity or self.severity,
            names_of(flow.trace, tensors),
            where,
            message.replace("{where}", where),
            cause,
            trail or ((cause,) if cause else ()),
            Fix(fix) if fix else None,
        )


def rule(code: str, *, kind: str, severity: Severity) -> Callable[[Check], Rule]:
    """Return a decorator that makes a `Rule` of a check; the first line of its docstring is the summary."""

    def make(check: Check) -> Rule:
        page = inspect.getdoc(check) or ""
        return Rule(code, check.__name__.replace("_", "-"), kind, severity, page.partition("\n")[0], page, check)

    return make
