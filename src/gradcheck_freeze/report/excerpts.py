"""The source lines around the place that a finding names, and the steps of its trail, as every report shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradcheck_freeze.rules.diagnosis import Excerpt
from gradcheck_freeze.rules.finding import Finding, Location

_CONTEXT = 2  # lines shown before and after the marked ones
_MOST_MARKED = 6
_MOST_TRAIL = 9


@dataclass(frozen=True, slots=True)
class Line:
    """A line of source with tabs as spaces and without the margin that all lines around it share."""

    number: int
    code: str
    blamed: bool


def around(cause: Location, excerpts: Iterable[Excerpt]) -> list[Line]:
    """Return the blamed lines with those around them, without empty ones at the ends."""
    source = known_lines(cause, excerpts)
    last = min(max(cause.line, cause.end_line), cause.line + _MOST_MARKED - 1)
    numbers = [number for number in range(cause.line - _CONTEXT, last + _CONTEXT + 1) if number in source]
    while numbers and numbers[0] < cause.line and not source[numbers[0]].strip():
        del numbers[0]
    while numbers and numbers[-1] > last and not source[numbers[-1]].strip():
        del numbers[-1]
    margin = min((_margin(source[n]) for n in numbers if source[n].strip()), default=0)
    return [Line(n, source[n][margin:], cause.line <= n <= last) for n in numbers]


def known_lines(cause: Location, excerpts: Iterable[Excerpt]) -> Mapping[int, str]:
    """Return the lines known of the cause's file, by number, with tabs as spaces."""
    known = {
        number: line.expandtabs(4)
        for excerpt in excerpts
        if excerpt.path == cause.path
        for number, line in enumerate(excerpt.lines, excerpt.first_line)
    }
    return known if cause.line in known else {cause.line: cause.text} if cause.text else {}


def blamed_call(cause: Location, lines: Sequence[Line]) -> re.Pattern[str] | None:
    """Return a pattern for the call to point at, where the blamed lines hold it once: a guess is worse than none."""
    name = re.escape(cause.op.rpartition(".")[2])
    if not name:
        return None
    call = re.compile(rf"(?<!\w){name}(?=\s*\()")
    return call if sum(len(call.findall(line.code)) for line in lines if line.blamed) == 1 else None


def trail(finding: Finding) -> list[Location]:
    """Return the steps from the loss to the parameters, each once in a row; none where the cause is all there is."""
    steps = [step for index, step in enumerate(finding.trail) if index == 0 or step != finding.trail[index - 1]]
    return [] if steps == [finding.cause] else steps


def shortened(steps: Sequence[Location], cause: Location | None) -> list[Location | None]:
    """Return the steps to show: the ends and those around the cause, with None where some are left out."""
    if len(steps) <= _MOST_TRAIL:
        return list(steps)
    middle = next((index for index, step in enumerate(steps) if at_cause(step, cause)), 0)
    kept = sorted({0, 1, middle - 1, middle, middle + 1, len(steps) - 2, len(steps) - 1} & set(range(len(steps))))
    found: list[Location | None] = []
    for before, index in zip([-1, *kept], kept, strict=False):
        found += [None, steps[index]] if index > before + 1 else [steps[index]]
    return found


def at_cause(step: Location, cause: Location | None) -> bool:
    """Return whether a step of the trail is at the line to blame."""
    return cause is not None and (step.path, step.line) == (cause.path, cause.line)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
