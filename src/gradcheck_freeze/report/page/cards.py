"""What the page says in words: the verdict on top, a card for every finding, and the page of every rule that spoke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report.rollup import natural
from gradcheck_freeze.report.tables import many, names
from gradcheck_freeze.report.verdict import named
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis, Excerpt
from gradcheck_freeze.rules.explain import find
from gradcheck_freeze.rules.finding import Finding, Location, Severity

MOST = 100  # findings shown as cards; the others as a line each
_AROUND = 3  # lines of source before and after the marked ones
_MOST_MARKED = 12
_WHY = "Why it matters:"
_FAULTS = {
    "leak": ("LEAK", "learns where it must not"),
    "blockage": ("BLOCKED", "should learn and cannot"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of the verdict: the state, the names it hits, what that means, and the worst finding with its place."""

    state: str
    names: str
    meaning: str
    fingerprint: str
    near: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first thing a reader sees. `tone` is a state, or "note" where nothing was judged; `line` stands without faults."""

    tone: str
    title: str
    faults: tuple[Fault, ...]
    line: str
    counts: str
    fingerprint: str = ""  # of the finding that the line is about
    near: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of source as a card shows it."""

    number: int
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A place of a trail; `near` is the place in a few characters."""

    place: Location
    near: str
    cause: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A finding with what stands around it."""

    finding: Finding
    source: tuple[Line, ...]
    trail: tuple[Step, ...]
    why: str
    patch: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a rule; a part is text or, indented in the original, code."""

    code: str
    name: str
    parts: tuple[tuple[str, str], ...]  # ("text" | "code", what it says)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, the worst first, then by place."""
    return sorted(findings, key=_rank)


def _rank(finding: Finding) -> tuple[int, str, int, str, str]:
    cause = finding.cause
    return (-finding.severity, cause.path if cause else "", cause.line if cause else 0, finding.rule, finding.where)


def verdict(diagnosis: Diagnosis) -> Verdict:
    """Return what the run comes to, in one sentence."""
    loud = [finding for finding in ordered(diagnosis.findings) if finding.severity > Severity.NOTE]
    faults = []
    for kind, (state, meaning) in _FAULTS.items():
        found = [finding for finding in loud if finding.kind == kind]
        if found:
            hit = sorted({shown(name, 80) for finding in found for name in named(finding)}, key=natural)
            worst = found[0]
            faults.append(
                Fault(state, names(hit), meaning, worst.fingerprint, near(worst.cause) if worst.cause else "")
            )
    counts = Counter(finding.severity for finding in diagnosis.findings)
    said = ", ".join(many(counts[level], level.word) for level in sorted(counts, reverse=True))
    title = "; ".join(f"{fault.state} {fault.names}" for fault in faults)
    if faults:
        return Verdict(faults[0].state, title, tuple(faults), "", said)
    if not diagnosis.losses:
        return Verdict("note", "nothing judged", (), "No backward pass was seen, so nothing was judged.", said)
    if loud:
        first = loud[0]
        at = near(first.cause) if first.cause else ""
        return Verdict("note", shown(first.name), (), first.message, said, first.fingerprint, at)
    seen = ", as far as was seen" if diagnosis.gaps else ""
    return Verdict("learning", "ok", (), f"Every parameter learns or stays as declared{seen}.", said)


def card(finding: Finding, excerpts: Sequence[Excerpt]) -> Card:
    """Return a finding with its source and trail."""
    patch = finding.fix.patch if finding.fix and finding.fix.patch else ""
    return Card(
        finding,
        _source(finding.cause, excerpts) if finding.cause else (),
        tuple(Step(step, near(step), _same(step, finding.cause)) for step in finding.trail),
        _why(finding.rule),
        "\n".join(shown(line.expandtabs(4), 4_000) for line in patch.rstrip("\n").split("\n")),
        tuple(sorted(finding.parameters, key=natural)),
    )


def _same(place: Location, other: Location | None) -> bool:
    return other is not None and (place.path, place.line) == (other.path, other.line)


def near(place: Location) -> str:
    """Return a place as `file.py:12`."""
    return f"{PurePosixPath(shown(place.path, 4_000)).name}:{place.line}"


def _source(cause: Location, excerpts: Iterable[Excerpt]) -> tuple[Line, ...]:
    known = {cause.line: cause.text} if cause.text else {}
    for excerpt in excerpts:
        if excerpt.path == cause.path:
            known.update(enumerate(excerpt.lines, excerpt.first_line))
    last = min(max(cause.line, cause.end_line), cause.line + _MOST_MARKED - 1)
    numbers = [n for n in range(cause.line - _AROUND, last + _AROUND + 1) if n in known]
    code = [known[n].expandtabs(4).rstrip() for n in numbers]
    margin = min((len(line) - len(line.lstrip(" ")) for line in code if line), default=0)
    return tuple(Line(n, line[margin:], cause.line <= n <= last) for n, line in zip(numbers, code, strict=True))


def _why(code: str) -> str:
    try:
        parts = find(code).page.split("\n\n")
    except UsageError:  # a report of a version that has other rules
        return ""
    return next((" ".join(part[len(_WHY) :].split()) for part in parts if part.startswith(_WHY)), "")


def rules(findings: Iterable[Finding]) -> list[Page]:
    """Return the pages of the rules that spoke, each once, in the order of their codes."""
    pages = []
    for code in sorted({finding.rule for finding in findings}):
        try:
            rule = find(code)
        except UsageError:
            continue
        pages.append(Page(rule.code, rule.name, _parts(rule.page)))
    return pages


def _parts(page: str) -> tuple[tuple[str, str], ...]:
    parts: list[tuple[str, str]] = []
    for block in page.split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("    ") for line in lines):
            code = "\n".join(line[4:] for line in lines)
            if parts and parts[-1][0] == "code":
                code = f"{parts.pop()[1]}\n\n{code}"
            parts.append(("code", code))
        else:
            parts.append(("text", " ".join(block.split())))
    return tuple(parts)
