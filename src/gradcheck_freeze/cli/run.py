"""`run`: watches a program and reports."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gradcheck_freeze.cli.options import FORMAT, OUTPUT, load
from gradcheck_freeze.cli.watched import watch_program
from gradcheck_freeze.conclusion import LEVELS, conclude, wanted_of

if TYPE_CHECKING:
    from gradcheck_freeze.ranks.gather import Group

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("-m", "as_module", is_flag=True, help="The target is a module, as in python -m."),
    OUTPUT,
    FORMAT,
    click.option(
        "--frozen", multiple=True, metavar="PATTERN", help="Must stay frozen: a name, a glob, or PATTERN@LOSS."
    ),
    click.option("--trainable", multiple=True, metavar="PATTERN", help="Must learn: a name, a glob, or PATTERN@LOSS."),
    click.option(
        "--ignore",
        multiple=True,
        metavar="RULE:PATTERN=REASON",
        help="Accept the findings of a rule about these names, as GF207:head.*=REASON does; added to those of the file.",
    ),
    click.option(
        "--steps",
        type=click.IntRange(min=1),
        help="Steps of every optimizer to watch (default: 3, and short programs whole).",
    ),
    click.option("--after", type=click.IntRange(min=0), help="Steps to let pass before anything is watched."),
    click.option("--every", type=click.IntRange(min=1), help="Watch again every so many steps."),
    click.option(
        "--guard/--no-guard",
        default=None,
        help="Hold what is frozen against what it was in the window, to the end of the program.",
    ),
    click.option(
        "--max-ops", type=click.IntRange(min=1), default=5_000_000, show_default=True, help="Ops to record at most."
    ),
    click.option(
        "--compile",
        "compiled",
        type=click.Choice(("eager", "opaque")),
        default="eager",
        show_default=True,
        help="What torch.compile compiles: run eagerly and seen whole, or compiled as ever and seen from outside.",
    ),
    click.option(
        "--fail-on", type=click.Choice(LEVELS), help="The least severity that gives status 1 (default error)."
    ),
    click.option(
        "--baseline",
        metavar="BASE.json",
        help="A saved report to compare with: only findings that it does not have give status 1.",
    ),
    click.option("--parts", metavar="DIR", help="Where the ranks of one run leave their parts for each other; kept."),
    click.argument("target"),
    click.argument("arguments", nargs=-1, type=click.UNPROCESSED),
)


def _taking(function: Callable[..., None]) -> Callable[..., None]:
    """Give a function the options and arguments of `run`, in the order in which help lists them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command(context_settings={"allow_interspersed_args": False})
@_taking
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
    base = load(baseline) if baseline else None
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
