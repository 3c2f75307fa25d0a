"""What follows a run: the judgement, the reports printed and written, and the status that a command ends with."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck_freeze.errors import GradcheckFreezeError

if TYPE_CHECKING:
    from gradcheck_freeze.ranks.gather import Group
    from gradcheck_freeze.report.files import Format
    from gradcheck_freeze.report.links import Links
    from gradcheck_freeze.rules.contract import Contract
    from gradcheck_freeze.rules.diagnosis import Diagnosis
    from gradcheck_freeze.rules.finding import Finding
    from gradcheck_freeze.trace.record import Trace

LEVELS = ("note", "warning", "error", "never")


def complain(error: GradcheckFreezeError | str) -> None:
    """Print an error as the user sees it, as long as standard error takes it; names in it are shown and not obeyed."""
    from gradcheck_freeze.report.words import shown, unobeyed

    lines = [unobeyed(shown(line, 10_000)) for line in f"gradcheck-freeze: {error}".split("\n")]
    with suppress(OSError):
        print("\n".join(lines), file=sys.stderr)


@dataclass(frozen=True)
class Wanted:
    """What the user asked to be written, checked before anything runs."""

    files: list[tuple[Path, Format]]
    printed: Format | None  # what is printed in place of the text
    links: Links  # where a build server keeps the source
    summary: Path | None  # the summary of its job, to append to


def wanted_of(outputs: tuple[str, ...], form: str | None) -> Wanted:
    """Return what is to be written where; raises `UsageError` for a format or a suffix that does not exist."""
    from gradcheck_freeze.report.files import format_named, format_of
    from gradcheck_freeze.report.links import links_of

    chosen = None if form is None else format_named(form)
    files = [(Path(output).absolute(), chosen or format_of(output)) for output in outputs]
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    links = links_of(os.environ, str(Path.cwd()))
    return Wanted(files, None if files else chosen, links, Path(summary).absolute() if summary else None)


def write(diagnosis: Diagnosis, wanted: Wanted) -> list[GradcheckFreezeError]:
    """Write every file, and return what went wrong with those that could not be written."""
    from gradcheck_freeze.report import files

    problems: list[GradcheckFreezeError] = []
    for path, form in wanted.files:
        try:
            files.save(diagnosis, path, form, wanted.links)
        except GradcheckFreezeError as error:
            problems.append(error)
        except Exception as error:
            if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
                raise
            problems.append(GradcheckFreezeError(f"internal error: {str(path)!r} could not be made ({error!r})."))
    _summarize(diagnosis, wanted)
    return problems


def _show(diagnosis: Diagnosis, wanted: Wanted) -> list[GradcheckFreezeError]:
    """Print the report of a run; where that fails the files are written all the same."""
    from gradcheck_freeze.report import files

    try:
        files.show(diagnosis, sys.stderr, wanted.printed, wanted.links)
    except BrokenPipeError:
        pass  # whoever read it has seen enough
    except GradcheckFreezeError as error:
        return [error]
    except Exception as error:
        if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
            raise
        return [GradcheckFreezeError(f"internal error: the report could not be printed ({error!r}).")]
    return []


def _summarize(diagnosis: Diagnosis, wanted: Wanted) -> None:
    """Append the report to the summary of the job where there is one; what goes wrong is told and changes nothing."""
    if wanted.summary is None:
        return
    from gradcheck_freeze.report import summary

    try:
        summary.append(diagnosis, wanted.summary, wanted.links)
    except Exception as error:
        if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
            raise
        said = error if isinstance(error, GradcheckFreezeError) else f"the job summary could not be made ({error!r})."
        complain(said)


def conclude(
    trace: Trace,
    contract: Contract,
    wanted: Wanted,
    fail_on: str,
    base: Diagnosis | None = None,
    group: Group | None = None,
) -> int:
    """Judge a trace, print and write the reports, and return the status of our own; with a base, new findings count."""
    from gradcheck_freeze.rules.contract import Contract
    from gradcheck_freeze.rules.windows import about, judge_windows

    problems: list[GradcheckFreezeError] = []
    stopped: list[int] = []
    if group is not None:
        from gradcheck_freeze.ranks.gather import hold_back

        stopped = hold_back()
    try:
        try:
            diagnosis = judge_windows(trace, contract if group is None else about(trace, contract))
        except GradcheckFreezeError as error:
            problems.append(error)
            diagnosis = judge_windows(trace, Contract())
    except GradcheckFreezeError:
        raise
    except Exception as error:
        if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
            raise
        complain(f"internal error while judging ({error!r}); there is no report of this run.")
        return 3 if group is None else 0  # a status of ours would end the other ranks
    if group is not None:
        try:
            merged = _merged(trace, diagnosis, group, contract, problems, stopped)
        except Exception as error:
            if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
                raise
            complain(f"internal error while merging the ranks ({error!r}).")
            merged = diagnosis if group.rank == 0 else None
        if merged is None:
            return 0
        status = publish(merged, problems, wanted, fail_on, base)
        if merged.ranks is None or merged.ranks.missing:
            if status:
                complain(f"status {status} is held back: ranks without a report may still run, and it would end them.")
            return 0
        return status
    return publish(diagnosis, problems, wanted, fail_on, base)


def _merged(
    trace: Trace,
    diagnosis: Diagnosis,
    group: Group,
    contract: Contract,
    problems: list[GradcheckFreezeError],
    stopped: list[int],
) -> Diagnosis | None:
    """Return the diagnosis of all ranks where this one reports it; what no rank has of the contract is a problem."""
    from gradcheck_freeze.ranks import gather
    from gradcheck_freeze.ranks.merge import accepted, unknown
    from gradcheck_freeze.ranks.part import part_of

    part = part_of(trace, diagnosis, group.run, group.rank, group.world_size)
    merged = gather.report_of(group, part, diagnosis, complain, stopped)
    if merged is not None and merged.ranks is not None and not merged.ranks.missing and not group.kept:
        gather.clear(group)
    if merged is None:
        return None
    problems += unknown(contract, merged)
    return accepted(merged, contract.ignores)


def publish(
    diagnosis: Diagnosis,
    problems: list[GradcheckFreezeError],
    wanted: Wanted,
    fail_on: str,
    base: Diagnosis | None = None,
) -> int:
    """Print and write the reports, and return the status of our own."""
    problems += _show(diagnosis, wanted)
    findings = _new(base, diagnosis, told=wanted.printed is None) if base else diagnosis.findings
    problems += write(diagnosis, wanted)
    for problem in problems:
        complain(problem)
    return problems[0].status if problems else _status(diagnosis, findings, fail_on)


def _new(base: Diagnosis, head: Diagnosis, told: bool) -> tuple[Finding, ...]:
    """Return the findings that the base does not have; where it is told, print what changed below the report."""
    from gradcheck_freeze.report.change import text
    from gradcheck_freeze.report.change.compare import compare

    try:
        change = compare(base, head)
        if told:
            with suppress(OSError):  # nobody reads it, or there is no room for it
                print(file=sys.stderr)
                text.write(change, head, sys.stderr, full=False)
    except Exception as error:  # the reports are still to be written
        if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
            raise
        complain(f"internal error while comparing ({error!r}); every finding counts.")
        return head.findings
    return change.new


def _status(diagnosis: Diagnosis, findings: tuple[Finding, ...], fail_on: str) -> int:
    if fail_on == "never":
        return 0
    if not diagnosis.losses:
        complain(
            f"no backward pass was recorded, so there is no loss to trace back ({diagnosis.window.ops} ops seen).\n"
            "  Call loss.backward() or torch.autograd.grad() during the run; if the script does,\n"
            "  check that it reaches the training step and does not run it in another process."
        )
        return 4
    return failure(findings, fail_on)


def failure(findings: tuple[Finding, ...], fail_on: str) -> int:
    """Return 1 where a finding is at least this severe, else 0."""
    return int(fail_on != "never" and any(finding.severity >= LEVELS.index(fail_on) + 1 for finding in findings))
