"""What every report says first, in the same words: which names are hit, how many findings there are, what was watched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from gradcheck_freeze.report.layout import squeeze
from gradcheck_freeze.report.rollup import natural
from gradcheck_freeze.report.tables import many, names
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import Diagnosis, Window
from gradcheck_freeze.rules.finding import Finding, Severity

_MOST_STRETCHES = 4
STATE_OF_KIND = {"leak": "LEAK", "blockage": "BLOCKED"}


def loudest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings in the order in which a report tells them: the loudest first, then by place."""
    return sorted(findings, key=_rank)


def blamed(diagnosis: Diagnosis) -> dict[str, list[str]]:
    """Return the faults that errors and warnings speak of, each with the names it hits."""
    found = {}
    for kind, state in STATE_OF_KIND.items():
        hit = {name for f in diagnosis.findings if f.kind == kind and f.severity > Severity.NOTE for name in named(f)}
        if hit:
            found[state] = sorted(hit, key=natural)
    return found


def named(finding: Finding) -> list[str]:
    """Return the names in which a finding says what it hits, one by one: each can be shortened for itself."""
    return finding.where.split(", ")


def blamed_names(hit: Sequence[str]) -> str:
    """Return the names a fault hits in as few words as a first line has room for."""
    return names([squeeze(shown(name), 40) for name in hit])


def sentence(diagnosis: Diagnosis) -> str:
    """Return what is left to say once the faults are named: the counts, or that all is well, or that nothing was judged."""
    found = counts(diagnosis.findings)
    if not diagnosis.losses:
        return f"no backward pass was seen, so nothing was judged{f' ({found})' if found else ''}"
    loud = [finding for finding in diagnosis.findings if finding.severity > Severity.NOTE]
    if loud:
        risky = sorted({name for f in loud if f.kind not in STATE_OF_KIND for name in named(f)}, key=natural)
        word = "HAZARD" if any(finding.kind == "hazard" for finding in loud) else "WASTE"
        return f"{f'{word} {blamed_names(risky)}  ' if risky else ''}({found})"
    look = LOOKS["learning"]
    seen = ", as far as was seen" if diagnosis.gaps else ""
    all_well = "every parameter learns or stays as declared"
    if not diagnosis.window.steps:
        all_well = "gradient arrives as declared; no optimizer step was seen"
    return f"{look.word} {look.mark} {all_well}{seen}{f' ({found})' if found else ''}"


def counts(findings: Iterable[Finding]) -> str:
    """Return how many errors, warnings and notes there are, in words; nothing where there are none."""
    levels = Counter(finding.severity for finding in findings)
    return ", ".join(many(levels[level], level.word) for level in sorted(levels, reverse=True))


def watched(diagnosis: Diagnosis) -> str:
    """Return which part of which program was watched, and how it ended."""
    window, script = diagnosis.window, diagnosis.script
    parts = [many(window.ops, "op"), many(window.backward_calls, "backward call"), many(window.steps, "step")]
    seen = f"watched {', '.join(parts)}{_stretches(window)}"
    seen += f" of {shown(script.path)}" if script else ""
    seen += f", until {shown(window.closed)}" if window.closed else ""
    if window.guarded:
        seen += f"; {many(window.guarded.parameters, 'tensor')} guarded to step {window.guarded.last_step:,}"
    if diagnosis.ranks:
        seen += f", on {len(diagnosis.ranks.reported)} of {diagnosis.ranks.world_size} ranks"
    return seen + (f"; the program ended with status {script.exit_status}" if script and script.exit_status else "")


def _stretches(window: Window) -> str:
    """Return which steps those were, where they are not simply the first of the run."""
    stretches = window.steps_watched
    if len(stretches) < 2 and not window.guarded and all(first == 1 for first, *_ in stretches):
        return ""
    told = [f"{first:,}–{last:,}" if last > first else f"{first:,}" for first, last in stretches]
    return f" ({', '.join(told if len(told) <= _MOST_STRETCHES else [*told[:2], '…', told[-1]])})" if told else ""


def _rank(finding: Finding) -> tuple[int, str, int, str, str, str]:
    cause = finding.cause
    place = (cause.path, cause.line) if cause else ("", 0)
    return (-finding.severity, *place, finding.rule, finding.where, finding.message)
