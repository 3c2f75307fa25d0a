"""`comment`: posts a saved report where a change is discussed."""

from __future__ import annotations

import sys

import click

from gradcheck_freeze.cli.options import load


@click.command()
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

    head, before = load(saved), load(base) if base else None
    asked = Asked(provider or "", repo, number, url)
    done = carry_out(head, before, asked, name, link, None if dry_run else wait)
    with files.printing(sys.stdout):
        files.put(f"{done}\n", sys.stdout)
