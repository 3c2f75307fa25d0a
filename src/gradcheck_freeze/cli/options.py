"""The options that several commands share, and the saved report that they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradcheck_freeze.rules.diagnosis import Diagnosis

OUTPUT = click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", help="Write a report; the suffix names the format."
)
FORMAT = click.option(
    "--format",
    "form",
    metavar="FORMAT",
    help="The format of the files, whatever their suffix; without -o, of what is printed.",
)


def load(saved: str) -> Diagnosis:
    """Return a saved report; raises `UsageError` where it is none."""
    from gradcheck_freeze.report import reading

    return reading.load(saved)
