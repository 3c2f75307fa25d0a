"""Runs a program under watch and gives back what was seen: the command's part of being a good guest."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gradcheck_freeze.trace.placement import Placement
    from gradcheck_freeze.trace.program import Outcome
    from gradcheck_freeze.trace.record import Trace


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
