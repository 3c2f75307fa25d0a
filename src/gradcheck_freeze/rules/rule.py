"""The shape of a rule: a check, its message and its page in one file.

A rule is a generator over a `FlowGraph` and an `Intent`, decorated with `@rule`. Its name, with dashes, says the fault;
its docstring is its page (`gradcheck-freeze explain GF201`), always under the same headings.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.intent import Intent

Check = Callable[[FlowGraph, Intent], Iterator[Finding]]


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


def rule(code: str, *, kind: str, severity: Severity) -> Callable[[Check], Rule]:
    """Return a decorator that makes a `Rule` of a check; the first line of its docstring is the summary."""

    def make(check: Check) -> Rule:
        page = inspect.getdoc(check) or ""
        return Rule(code, check.__name__.replace("_", "-"), kind, severity, page.partition("\n")[0], page, check)

    return make
