"""`report`, `merge`, `diff` and `explain`: what is done without running anything."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gradcheck_freeze.cli.options import FORMAT, OUTPUT, load
from gradcheck_freeze.conclusion import LEVELS, complain, failure, wanted_of, write
from gradcheck_freeze.errors import GradcheckFreezeError


@click.command()
@OUTPUT
@FORMAT
@click.argument("saved", metavar="REPORT.json")
def report(outputs: tuple[str, ...], form: str | None, saved: str) -> None:
    """Make any format from a saved JSON report, without running anything; without -o it is printed."""
    from gradcheck_freeze.report import files

    wanted = wanted_of(outputs, form)
    diagnosis = load(saved)
    if not wanted.files:
        files.show(diagnosis, sys.stdout, wanted.printed, wanted.links)
    problems = write(diagnosis, wanted)
    for problem in problems:
        complain(problem)
    sys.exit(problems[0].status if problems else 0)


@click.command()
@OUTPUT
@FORMAT
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


@click.command()
@OUTPUT
@FORMAT
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
    before, after = load(base), load(head)
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


@click.command()
@click.argument("rule", required=False)
def explain(rule: str | None) -> None:
    """Show the page of a rule by its code or name; without one, list all rules."""
    from gradcheck_freeze.rules.explain import page

    click.echo(page(rule))
