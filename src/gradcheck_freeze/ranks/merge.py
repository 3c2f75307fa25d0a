"""Merges what many ranks say into one diagnosis: what all agree on is said once, the rest with the ranks that say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gradcheck_freeze.errors import ContractError
from gradcheck_freeze.ranks.known import Full, completed, refuted
from gradcheck_freeze.ranks.part import Part
from gradcheck_freeze.rules.across import Across, Word, called
from gradcheck_freeze.rules.contract import Contract, Ignore, check, fitting
from gradcheck_freeze.rules.diagnosis import Diagnosis, RanksRecord
from gradcheck_freeze.rules.finding import Finding, Location
from gradcheck_freeze.rules.ignores import set_aside
from gradcheck_freeze.rules.ranks_differ import differing, ranks_differ
from gradcheck_freeze.rules.replicas_diverged import diverged, replicas_diverged

_COMPARING = (ranks_differ.code, replicas_diverged.code)
_Key = tuple[str, str, int, str]


@dataclass(slots=True)
class _Gathered:
    """What was said so far; a part is folded in and let go."""

    words: dict[str, dict[Word, list[int]]] = field(default_factory=dict)
    findings: dict[_Key, tuple[Finding, set[str], list[int]]] = field(default_factory=dict)
    gaps: dict[str, list[int]] = field(default_factory=dict)
    declared: dict[str, Location] = field(default_factory=dict)
    failed: dict[int, list[int]] = field(default_factory=dict)
    ranks: list[int] = field(default_factory=list)


def merge(
    parts: Iterable[Part],
    lowest: Diagnosis,
    world_size: int,
    lost: Iterable[str] = (),
    full: Full = lambda rank: None,
) -> Diagnosis:
    """Return one diagnosis of all parts, in the order of their ranks; `lowest` is the full report of the first."""
    gathered = _Gathered()
    for part in parts:
        _fold(gathered, part)
    ranks = tuple(gathered.ranks)
    missing = tuple(sorted(set(range(world_size)) - set(ranks)))
    across = Across(world_size, ranks, gathered.words, gathered.declared)
    cleared = _clear(gathered)
    own = tuple(_finding(found, names, by, len(ranks), world_size) for found, names, by in gathered.findings.values())
    gaps = [_gap(gap, by, len(ranks)) for gap, by in gathered.gaps.items()]
    gaps += [f"{called(tuple(by))} ended with status {status}" for status, by in sorted(gathered.failed.items())]
    gaps += [f"{called(missing)} of {world_size} left no report"] if missing else []
    compared = (*differing(across), *diverged(across))
    findings = sorted((*compared, *(f for f in own if not _said_by(compared, f))), key=_loudest_first)
    record = RanksRecord(world_size, ranks, missing)
    whole = completed(lowest, gathered.words, findings, cleared, full)
    return replace(whole, findings=tuple(findings), gaps=(*gaps, *lost), ranks=record)


def accepted(merged: Diagnosis, ignores: Iterable[Ignore]) -> Diagnosis:
    """Return the report without what the configuration accepts of the comparison of ranks, which no rank alone has found.

    What one rank does not need, another may: of other entries none is called unneeded.
    """
    names = _names(merged)
    known = fitting(Contract(ignores=tuple(e for e in ignores if e.rule in _COMPARING)), names, ()).ignores
    counting, ignored, unneeded = set_aside(merged.findings, known, names)
    return replace(merged, findings=counting, ignored=(*merged.ignored, *ignored), unneeded=unneeded)


def unknown(contract: Contract, merged: Diagnosis) -> list[ContractError]:
    """Return what is wrong with a contract that names what no rank has; where ranks are missing, they may have it."""
    if merged.ranks is None or merged.ranks.missing:
        return []
    try:
        check(contract, _names(merged), {loss.name for loss in merged.losses})
    except ContractError as error:
        return [error]
    return []


def _names(merged: Diagnosis) -> list[tuple[str, ...]]:
    return [(record.name, *record.aliases) for record in merged.parameters.values()]


def _said_by(compared: Iterable[Finding], found: Finding) -> bool:
    """Return whether a comparison of the ranks tells this of the same ranks, from the same line: a freeze on one rank only."""
    return any(
        found.ranks == other.ranks and set(found.parameters) <= set(other.parameters) and _same_line(found, other)
        for other in compared
        if found.ranks
    )


def _same_line(one: Finding, other: Finding) -> bool:
    if one.cause is None or other.cause is None:
        return False
    return (one.cause.path, one.cause.line) == (other.cause.path, other.cause.line)


def _clear(gathered: _Gathered) -> set[str]:
    """Drop what ranks say of rows that get nothing where other ranks hold rows that do; return what that was said of."""
    cleared: set[str] = set()
    for key, (found, names, by) in list(gathered.findings.items()):
        if found.kind != "blockage" or len(by) == len(gathered.ranks):
            continue
        wrong = {name for name in names if refuted(name, by, gathered.words)}
        cleared |= wrong
        names.difference_update(wrong)
        if wrong and not names:
            del gathered.findings[key]
    return cleared


def _fold(gathered: _Gathered, part: Part) -> None:
    gathered.ranks.append(part.rank)
    for name, word in part.words.items():
        gathered.words.setdefault(name, {}).setdefault(word, []).append(part.rank)
    for found in part.findings:
        cause = (found.cause.path, found.cause.line) if found.cause else ("", 0)
        key = (found.rule, *cause, "" if found.cause else found.where)
        _, names, by = gathered.findings.setdefault(key, (found, set(), []))
        names.update(found.parameters)
        if part.rank not in by:
            by.append(part.rank)
    for gap in part.gaps:
        gathered.gaps.setdefault(gap, []).append(part.rank)
    for name, place in part.declared.items():
        gathered.declared.setdefault(name, place)
    if part.exit_status:
        gathered.failed.setdefault(part.exit_status, []).append(part.rank)


def _finding(found: Finding, names: set[str], by: list[int], reported: int, world_size: int) -> Finding:
    whole = replace(found, parameters=tuple(sorted(names)))
    if len(by) == reported:
        return whole
    ranks = tuple(by)
    return replace(whole, message=f"On {called(ranks)} only, of {world_size}: {found.message}", ranks=ranks)


def _gap(gap: str, by: list[int], reported: int) -> str:
    return gap if len(by) == reported else f"on {called(tuple(by))}: {gap}"


def _loudest_first(finding: Finding) -> tuple[int, str, str, int, str]:
    cause = finding.cause
    return (-finding.severity, finding.rule, cause.path if cause else "", cause.line if cause else 0, finding.where)
