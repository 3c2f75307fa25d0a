"""The command line: `run` watches a program; `report`, `diff` and `comment` work on saved reports; `explain` shows a rule."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gradcheck_freeze.conclusion import LEVELS, complain, conclude, failure, wanted_of, write
from gradcheck_freeze.errors import GradcheckFreezeError

if TYPE_CHECKING:
    from gradcheck_freeze.ranks.gather import Group
    from gradcheck_freeze.rules.diagnosis import Diagnosis
    from gradcheck_freeze.trace.placement import Placement
    from gradcheck_freeze.trace.program import Outcome
    from gradcheck_freeze.trace.record import Trace


class _Command(click.Group):
    """Turns our own errors into their message and status."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except GradcheckFreezeError as error:
            complain(error)
            sys.exit(error.status)


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"gradcheck-freeze {version('gradcheck-freeze')}")
        context.exit()


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show the version.")
def command() -> None:
    """Say which parameters a training step really teaches, which it must not have touched, and which line is to blame."""


_OUTPUT = click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", help="Write a report; the suffix names the format."
)
_FORMAT = click.option(
    "--format",
    "form",
    metavar="FORMAT",
    help="The format of the files, whatever their suffix; without -o, of what is printed.",
)


@command.command(context_settings={"allow_interspersed_args": False})
@click.option("-m", "as_module", is_flag=True, help="The target is a module, as in python -m.")
@_OUTPUT
@_FORMAT
@click.option("--frozen", multiple=True, metavar="PATTERN", help="Must stay frozen: a name, a glob, or PATTERN@LOSS.")
@click.option("--trainable", multiple=True, metavar="PATTERN", help="Must learn: a name, a glob, or PATTERN@LOSS.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULE:PATTERN=REASON",
    help="Accept the findings of a rule about these names, as GF207:head.*=REASON does; added to those of the file.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help="Steps of every optimizer to watch (default: 3, and short programs whole).",
)
@click.option("--after", type=click.IntRange(min=0), help="Steps to let pass before anything is watched.")
@click.option("--every", type=click.IntRange(min=1), help="Watch again every so many steps.")
@click.option(
    "--guard/--no-guard",
    default=None,
    help="Hold what is frozen against what it was in the window, to the end of the program.",
)
@click.option(
    "--max-ops", type=click.IntRange(min=1), default=5_000_000, show_default=True, help="Ops to record at most."
)
@click.option(
    "--compile",
    "compiled",
    type=click.Choice(("eager", "opaque")),
    default="eager",
    show_default=True,
    help="What torch.compile compiles: run eagerly and seen whole, or compiled as ever and seen from outside.",
)
@click.option("--fail-on", type=click.Choice(LEVELS), help="The least severity that gives status 1 (default error).")
@click.option(
    "--baseline",
    metavar="BASE.json",
    help="A saved report to compare with: only findings that it does not have give status 1.",
)
@click.option("--parts", metavar="DIR", help="Where the ranks of one run leave their parts for each other; kept.")
@click.argument("target")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(
    as_module: bool,
    outputs: tuple[str, ...],
    form: str | None,
    frozen: tuple[str, ...],
    trainable: tuple[str, ...],
    ignore: tuple[str, ...],
    steps: int | None,
    after: int | None,
    every: int | None,
    guard: bool | None,
    max_ops: int,
    compiled: str,
    fail_on: str | None,
    baseline: str | None,
    parts: str | None,
    target: str,
    arguments: tuple[str, ...],
) -> None:
    """Run a training script as Python would, watch its first optimizer steps, and report.

    The program's standard output stays its own; the report goes to standard error.
    """
    from gradcheck_freeze.settings import read_settings
    from gradcheck_freeze.trace.placement import placed

    settings = read_settings(Path.cwd(), frozen, trainable, ignore)
    wanted = wanted_of(outputs, form)
    base = _load(baseline) if baseline else None
    placement = placed(
        steps or settings.steps,
        max_ops,
        settings.after if after is None else after,
        settings.every if every is None else every,
        settings.guard if guard is None else guard,
        compiled,
    )
    process = os.getpid()
    group = _group([path for path, _ in wanted.files], parts)
    trace, outcome, among_ours = watch_program(target, list(arguments), as_module, placement)
    if os.getpid() != process:
        sys.exit(outcome.status)  # a child that the program forked came to its end here: the report is its parent's
    with among_ours:
        own = conclude(trace, settings.contract, wanted, fail_on or settings.fail_on, base, group)
    if outcome.interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(outcome.status or own)


def _group(outputs: list[Path], parts: str | None) -> Group | None:
    """Return the processes that this one trains with, if a launcher started several."""
    if "RANK" not in os.environ:
        return None
    from gradcheck_freeze.ranks import gather

    group = gather.group_of(os.environ, outputs, parts)
    if group is not None:
        gather.prepare(group)
    return group


def watch_program(
    target: str, arguments: list[str], as_module: bool, placement: Placement
) -> tuple[Trace, Outcome, AbstractContextManager[None]]:
    """Run a program under watch; return its trace, how it ended, and the context in which our own libraries are found."""
    from gradcheck_freeze.trace import program
    from gradcheck_freeze.trace.arming import arm_after_torch
    from gradcheck_freeze.trace.record import Script, Trace

    try:
        loaded = program.load(target, arguments, as_module)
    except SyntaxError as error:
        error.__traceback__ = None
        sys.excepthook(SyntaxError, error, None)
        sys.exit(1)
    held: list[Any] = []

    def arm() -> None:
        try:
            from gradcheck_freeze.trace.recorder import Recorder

            held.append(Recorder(placement))
            held[0].open()
        except Exception as error:
            if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
                raise
            print(f"gradcheck-freeze: the recorder could not start ({error!r}); nothing is watched.", file=sys.stderr)

    at_start = click.get_current_context().obj
    ours = program.put_aside(loaded.search, at_start if at_start is not None else frozenset(sys.modules))
    stop = arm_after_torch(arm, lambda: [recorder.abandon() for recorder in held])  # type: ignore[arg-type]
    traces: list[Trace] = []

    def before_report() -> None:
        stop()
        traces.append(held[0].trace() if held else Trace(root=str(Path.cwd()), closed="torch was never imported"))

    outcome = program.run(loaded, before_report)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    trace = traces[0]
    trace.script = Script(loaded.path, tuple(arguments), outcome.status, target if as_module else None)
    return trace, outcome, program.among_ours(loaded.search, ours)


def _load(saved: str) -> Diagnosis:
    from gradcheck_freeze.report import reading

    return reading.load(saved)


@command.command()
@_OUTPUT
@_FORMAT
@click.argument("saved", metavar="REPORT.json")
def report(outputs: tuple[str, ...], form: str | None, saved: str) -> None:
    """Make any format from a saved JSON report, without running anything; without -o it is printed."""
    from gradcheck_freeze.report import files

    wanted = wanted_of(outputs, form)
    diagnosis = _load(saved)
    if not wanted.files:
        files.show(diagnosis, sys.stdout, wanted.printed, wanted.links)
    problems = write(diagnosis, wanted)
    for problem in problems:
        complain(problem)
    sys.exit(problems[0].status if problems else 0)


@command.command()
@_OUTPUT
@_FORMAT
@click.option(
    "--fail-on", type=click.Choice(LEVELS), default="error", show_default=True, help="As in run: what gives status 1."
)
@click.argument("parts", metavar="PART...", nargs=-1, required=True)
def merge(outputs: tuple[str, ...], form: str | None, fail_on: str, parts: tuple[str, ...]) -> None:
    """Make one report of the parts that the ranks of a run left, or of a folder of them, as run does at its end."""
    from gradcheck_freeze.conclusion import publish
    from gradcheck_freeze.ranks.gather import from_files

    wanted = wanted_of(outputs, form)
    diagnosis, lost = from_files([Path(part) for part in parts])
    for problem in lost:
        complain(problem)
    sys.exit(publish(diagnosis, [], wanted, fail_on))


@command.command()
@_OUTPUT
@_FORMAT
@click.option(
    "--fail-on",
    type=click.Choice(LEVELS),
    default="error",
    show_default=True,
    help="The least severity of a new finding that gives status 1.",
)
@click.argument("base", metavar="BASE.json")
@click.argument("head", metavar="HEAD.json")
def diff(outputs: tuple[str, ...], form: str | None, fail_on: str, base: str, head: str) -> None:
    """Say what a change did to the gradient flow: compare the JSON reports of two runs; without -o it is printed.

    Only findings that the base does not have give status 1.
    """
    from gradcheck_freeze.report.change import files
    from gradcheck_freeze.report.change.compare import compare

    chosen = None if form is None else files.format_named(form)
    wanted = [(output, chosen or files.format_of(output)) for output in outputs]
    before, after = _load(base), _load(head)
    change = compare(before, after)
    if not wanted:
        files.show(change, after, sys.stdout, chosen)
    problems = []
    for output, kind in wanted:
        try:
            files.save(change, after, output, kind)
        except GradcheckFreezeError as error:
            problems.append(error)
            complain(error)
    sys.exit(problems[0].status if problems else failure(change.new, fail_on))


@command.command()
@click.option(
    "--base", metavar="BASE.json", help="The report of the target branch: the comment tells what changed since."
)
@click.option("--provider", type=click.Choice(("github", "gitlab")), help="The host, where the job does not tell.")
@click.option(
    "--repo", metavar="OWNER/NAME", default="", help="The repository or project, where the job does not tell."
)
@click.option("--number", type=click.IntRange(min=1), help="The pull or merge request, where the job does not tell.")
@click.option(
    "--url", default="", help="The address of the API, where the job does not tell and it is not the public one."
)
@click.option("--id", "name", help="What marks the comment; by default the name of the program.")
@click.option("--link", metavar="ADDRESS", help="Where more can be seen: the comment ends with a link to it.")
@click.option(
    "--wait", type=click.FloatRange(min=0), default=120, show_default=True, help="Seconds to wait for the host in all."
)
@click.option("--dry-run", is_flag=True, help="Print the comment and send nothing.")
@click.argument("saved", metavar="REPORT.json")
def comment(
    base: str | None,
    provider: str | None,
    repo: str,
    number: int | None,
    url: str,
    name: str | None,
    link: str | None,
    wait: float,
    dry_run: bool,
    saved: str,
) -> None:
    """Post a saved report under a pull or merge request, or bring the comment of an earlier run up to date.

    The token is taken from GITHUB_TOKEN or GH_TOKEN, or from GITLAB_TOKEN or GITLAB_ACCESS_TOKEN, and never shown.
    """
    from gradcheck_freeze.comment.command import carry_out
    from gradcheck_freeze.comment.place import Asked
    from gradcheck_freeze.report import files

    head, before = _load(saved), _load(base) if base else None
    asked = Asked(provider or "", repo, number, url)
    done = carry_out(head, before, asked, name, link, None if dry_run else wait)
    with files.printing(sys.stdout):
        files.put(f"{done}\n", sys.stdout)


@command.command()
@click.argument("rule", required=False)
def explain(rule: str | None) -> None:
    """Show the page of a rule by its code or name; without one, list all rules."""
    from gradcheck_freeze.rules.explain import page

    click.echo(page(rule))
