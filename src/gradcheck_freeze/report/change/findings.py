"""Which findings are new, which are gone, and which were there before: an edited or moved line makes no finding new."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gradcheck_freeze.report.change.renames import Rename, renamed
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding


@dataclass(frozen=True, slots=True)
class Comparison:
    """The findings of two runs; `kept` are those of the head that the base had too, `accepted` those ignored now."""

    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    kept: tuple[Finding, ...]
    accepted: tuple[Finding, ...]


def compare_findings(
    base: Diagnosis, head: Diagnosis, names: Mapping[str, str], renames: Collection[Rename]
) -> Comparison:
    """Pair the findings of two runs; `names` gives the parameters of the base as the head calls them.

    A finding that hits parameters it spared before, or is louder now, is new: the change made it worse.
    """
    open_base = sorted(base.findings, key=_order)
    were = set(names.values())

    def where(finding: Finding) -> str:
        return renamed(finding.where, renames)

    def no_wider(old: Finding, now: Finding) -> bool:
        hit = {names.get(name, name) for name in old.parameters}
        return all(name in hit or name not in were for name in now.parameters)

    tests: tuple[Callable[[Finding, Finding], bool], ...] = (
        lambda old, now: old.fingerprint == now.fingerprint,
        lambda old, now: where(old) == now.where and _text(old) == _text(now),
        lambda old, now: where(old) == now.where and no_wider(old, now),
        lambda old, now: old.cause is not None and _place(old) == _place(now) and no_wider(old, now),
    )

    def take(wanted: list[Finding]) -> list[Finding]:
        """Remove the partners of these from the base, and return those that have one."""
        found: list[Finding] = []
        for test in tests:
            for now in [finding for finding in wanted if not any(finding is other for other in found)]:
                for index, old in enumerate(open_base):
                    if old.rule == now.rule and old.severity >= now.severity and test(old, now):
                        del open_base[index]
                        found.append(now)
                        break
        return found

    findings = sorted(head.findings, key=_order)
    kept = take(findings)
    accepted = take(sorted(head.ignored, key=_order))
    new = [finding for finding in findings if not any(finding is other for other in kept)]
    return Comparison(tuple(new), tuple(open_base), tuple(sorted(kept, key=_order)), tuple(accepted))


def _text(finding: Finding) -> str:
    return finding.cause.text if finding.cause else ""


def _place(finding: Finding) -> tuple[str, str]:
    return (finding.cause.path, finding.cause.text) if finding.cause else ("", "")


def _order(finding: Finding) -> tuple[int, str, str, int, str]:
    cause = finding.cause
    return (-finding.severity, finding.rule, cause.path if cause else "", cause.line if cause else 0, finding.where)
