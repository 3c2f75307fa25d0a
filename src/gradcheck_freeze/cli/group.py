"""The command with its subcommands, and what becomes of our own errors."""

from __future__ import annotations

import sys
from typing import Any

import click

from gradcheck_freeze.cli.post import comment
from gradcheck_freeze.cli.run import run
from gradcheck_freeze.cli.saved import diff, explain, merge, report
from gradcheck_freeze.conclusion import complain
from gradcheck_freeze.errors import GradcheckFreezeError


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


for subcommand in (run, report, merge, diff, comment, explain):
    command.add_command(subcommand)
