"""What is told of the watched tests when all have run, and the reports that are kept of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcheck_freeze.errors import GradcheckFreezeError, UsageError

if TYPE_CHECKING:
    from gradcheck_freeze.plugins.window import Window

_MOST_NAME = 120  # characters of a test's id that go into the name of a file
_MOST_FINDINGS = 8


def entry_of(window: Window, test: str) -> dict[str, Any]:
    """Return what is told of one window, as data that goes from process to process."""
    from gradcheck_freeze.report.layout import squeeze
    from gradcheck_freeze.report.terminal import verdict
    from gradcheck_freeze.report.verdict import loudest_first
    from gradcheck_freeze.report.words import place_of, shown

    if window.problem:
        return {"test": test, "verdict": window.problem.partition("\n")[0], "findings": [], "judged": False}
    diagnosis = window.diagnosis
    findings = []
    for finding in loudest_first(diagnosis.findings):
        place = place_of(finding.cause)
        where = f" {squeeze(shown(finding.where), 40)}" + (f", {place}" if place else "")
        findings.append(f"{finding.severity.word} {finding.rule} {finding.name}:{where}")
    return {"test": test, "verdict": verdict(diagnosis), "findings": findings, "judged": True}


def lines_of(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the lines that tell what was found, for those tests in which something was."""
    entries = list(entries)
    lines = []
    for entry in entries:
        if entry["findings"] or not entry["judged"]:
            lines.append(f"{entry['test']}: {entry['verdict']}")
            lines += [f"  {finding}" for finding in entry["findings"][:_MOST_FINDINGS]]
            more = len(entry["findings"]) - _MOST_FINDINGS
            lines += [f"  and {more} more"] if more > 0 else []
    well = sum(entry["judged"] and not entry["findings"] for entry in entries)
    if well:
        lines.append(f"{well} watched training{'s' * (well > 1)} with nothing to report")
    return lines + [f"not saved: {problem}" for entry in entries for problem in entry["saved"]]


def save(window: Window, path: Path, test: str) -> list[str]:
    """Write the reports of a test to a folder, or to a file whose suffix names the format; return what went wrong.

    test: what its files are called by, or nothing where there is only one and the file has a name.
    """
    from gradcheck_freeze.report import files

    try:
        files.format_of(path)
    except UsageError:
        paths = [path / f"{file_name(test or window.test.name)}{suffix}" for suffix in (".html", ".json")]
    else:
        stem, dot, suffix = path.name.partition(".")
        paths = [path.with_name(f"{stem}-{file_name(test)}{dot}{suffix}") if test else path]
    problems = []
    if window.problem:
        return []
    for target in paths:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            files.save(window.diagnosis, target)
        except (GradcheckFreezeError, OSError) as error:
            problems.append(str(error).partition("\n")[0])
    return problems


def file_name(test: str) -> str:
    """Return a test's id as the name of a file, with a mark of its own where that had to leave something out."""
    plain = test.replace("::", "--").replace("/", ".")
    name = re.sub(r"[^\w.-]+", "_", plain, flags=re.ASCII)
    if name == plain and len(name) <= _MOST_NAME:
        return name
    mark = hashlib.sha256(test.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{name[:_MOST_NAME].rstrip('_')}-{mark}"
